"""A payment made from what somebody filled in: a new source, a source of the wallet, or none where none is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _

from orders.models import Order
from payments.actors import SYSTEM, Actor, Origin
from payments.models import CreditCard, HostedSource, Payment, PaymentMethod, WalletEntry
from payments.wallet import Wallet

CARD = ("token", "brand", "last_four", "month", "year", "expiry", "name", "to_keep", "address")
TYPED = ("number", "verification_value")  # Only where nothing but test numbers can be typed.
HOSTED = ("label", "to_keep")


def create_payment(
    order: Order,
    method: PaymentMethod | None,
    *,
    source_attributes: Mapping[str, Any] | None = None,
    wallet_entry: WalletEntry | int | str | None = None,
    verification_value: str = "",
    request_env: Mapping[str, Any] | None = None,
    amount: Any = None,
    by: Actor = SYSTEM,
) -> Payment:
    """A payment in checkout, made by `order.add_payment`, with one of:

    - `wallet_entry` (or its id), of the order's own customer: method and source are the entry's; `method` counts only
      where the entry has none. Raises WalletEntry.DoesNotExist for what is not in that customer's wallet.
    - `source_attributes`: a card of the order's customer, or what is paid on the provider's own page. An unknown field,
      a raw form or a value that does not fit is a ValidationError that names the field, and nothing is saved.
    - neither: no source, or the provider's page where the method has one.

    `verification_value` is held in memory for the one call that follows, as is `request_env`. Raises as `add_payment`.
    """
    with transaction.atomic():  # A source that no payment takes is not left behind.
        if wallet_entry is not None:
            if source_attributes is not None:
                raise ValidationError({"wallet_entry": _("Choose a saved card or a new one, not both.")})
            method, source = _from_wallet(order, method, wallet_entry)
            if verification_value:
                source.verification_value = verification_value
        elif method is None:
            raise ValidationError({"method": _("Choose how to pay.")})
        else:
            source = _new_source(order, method, source_attributes, verification_value)
        _refuse_unless_offered(method, by)
        if source is not None and not method.supports(source):
            raise ValidationError({"method": _("%(method)s does not take this.") % {"method": method}})
        payment = order.add_payment(method, source=source, amount=amount, by=by)
    payment.request_env = dict(request_env or {})
    return payment


def offered_sources(order: Order, *, by_staff: bool = False) -> list[CreditCard]:
    """What can be paid with again: in checkout the customer's wallet, the default first; once complete what the order
    was paid with. Staff see both, the wallet first."""
    cards: dict[int, CreditCard] = {}
    if order.user_id and (by_staff or not order.completed_at):
        for entry in Wallet(order.user).entries().filter(source_type="credit_card"):
            cards[entry.source.pk] = entry.source
    if by_staff or order.completed_at:
        used = Payment.objects.filter(order=order, source_type="credit_card").values("source_id")
        for card in CreditCard.objects.filter(pk__in=used).order_by("-id")[:20]:
            cards.setdefault(card.pk, card)
    return [card for card in cards.values() if card.is_reusable]


def _from_wallet(
    order: Order, method: PaymentMethod | None, wallet_entry: WalletEntry | int | str
) -> tuple[PaymentMethod, Any]:
    pk = wallet_entry.pk if isinstance(wallet_entry, WalletEntry) else wallet_entry
    entry = Wallet(order.user).find(pk) if order.user_id else None
    if entry is None or entry.source is None or not entry.source.is_reusable:
        raise WalletEntry.DoesNotExist("This is not in the wallet of the order's customer.")
    chosen = entry.payment_method or method
    if chosen is None:
        raise ValidationError({"method": _("Choose how to pay.")})
    return chosen, entry.source


def _new_source(
    order: Order, method: PaymentMethod, given: Mapping[str, Any] | None, verification_value: str
) -> CreditCard | HostedSource | None:
    """A source that is valid and saved; None where the method takes none, or nothing was given."""
    _refuse_unfiltered(given)
    if not method.source_required:
        _refuse_unknown(given or {}, ())
        return None
    if method.capabilities.hosted_page and not {"token", *TYPED} & set(given or {}):
        _refuse_unknown(given or {}, HOSTED)
        page = HostedSource(**dict(given or {}))
        page.full_clean()
        page.save()
        return page
    if given is None:
        return None
    _refuse_unknown(given, CARD + (TYPED if method.gateway_class.takes_card_numbers else ()))
    if unfit := _unfit(given):
        raise ValidationError(dict.fromkeys(unfit, _("This is not valid.")))
    known = {"address": order.bill_address, **given}
    if verification_value:
        known["verification_value"] = verification_value
    card = CreditCard(user=order.user, **known)
    card.full_clean()
    card.save()
    return card


def _unfit(given: Mapping[str, Any]) -> list[str]:
    """What may not even be assigned: texts that are none, numbers that are none."""
    texts = ("token", "brand", "last_four", "expiry", "name", "number", "verification_value")
    wrong = [name for name in texts if name in given and not isinstance(given[name], str)]
    return wrong + [name for name in ("month", "year") if name in given and not str(given[name]).strip().isdecimal()]


def _refuse_unfiltered(given: Mapping[str, Any] | None) -> None:
    if isinstance(given, QueryDict) or not (given is None or isinstance(given, Mapping)):
        raise ValidationError({"source_attributes": _("Name the fields that may be filled in.")})


def _refuse_unknown(given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    unknown = sorted(str(name) for name in given if name not in allowed)
    if unknown:
        raise ValidationError(dict.fromkeys(unknown, _("This cannot be filled in here.")))


def _refuse_unless_offered(method: PaymentMethod, by: Actor) -> None:
    """Customers and staff are offered methods of their own; nobody is offered what is switched off or removed."""
    offered = method.active and method.deleted_at is None
    if by.origin == Origin.CHECKOUT:
        offered = offered and method.available_to_users
    elif by.origin == Origin.STAFF:
        offered = offered and method.available_to_staff
    if not offered:
        raise ValidationError({"method": _("%(method)s is not offered now.") % {"method": method}})
