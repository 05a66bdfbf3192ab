"""Which payment of an order a hook is about, and the amounts it names, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from payments.actors import Actor, Origin
from payments.errors import InvalidAmount
from payments.models import HostedSource, Operation, Payment, PaymentMethod
from payments.models.states import State
from payments.money import as_money, to_minor

if TYPE_CHECKING:
    from payments.payable import Buyable

WEBHOOK = Actor(Origin.WEBHOOK)
UNDER_WAY = (State.PROCESSING, State.CHECKOUT)  # One that a provider has been asked about comes first.


def minor(amount: Any, currency: str, error: type[Exception]) -> int:
    """Whole minor units of a positive amount in major units; `error` for anything else."""
    try:
        money = as_money(amount, currency)
    except (InvalidAmount, TypeError) as problem:
        raise error(str(problem)) from problem
    if money.amount <= 0:
        raise error(_("%(amount)s is not a positive amount.") % {"amount": money.amount})
    return to_minor(money)


def find_or_make(order: Buyable, told: Mapping[str, Any], method: PaymentMethod | None, *, paid: Any) -> Payment:
    """The payment that `told` is about, with the order held: so two that hear of it at once find the same one.

    By the provider's id, by our number of it, else the order's one under way. Where there is none, the money was
    taken without us: a row is made for it. `paid` is the amount where it is in the order's currency.
    """
    with transaction.atomic():
        type(order)._base_manager.select_for_update(no_key=True).get(pk=order.pk)  # type: ignore[attr-defined]
        found = (
            named(order, str(told["id"]))
            or _numbered(order, str(told.get("number") or ""))
            or under_way(order, method)
            or _made(order, str(told["id"]), method, paid)
        )
    row: Any = found
    row.order = order
    return found


def named(order: Buyable, provider_id: str) -> Payment | None:
    """The order's payment of which the provider speaks by that id."""
    names = Q(response_code=provider_id) | Q(operations__reference=provider_id)
    return Payment.objects.filter(names, order=order.pk).order_by("id").first() if provider_id else None


def _numbered(order: Buyable, number: str) -> Payment | None:
    return Payment.objects.filter(order=order.pk, number=number).first() if number else None


def under_way(order: Buyable, method: PaymentMethod | None) -> Payment | None:
    """The newest payment of this order that has come to no end, of this method where there is one to say."""
    found = Payment.objects.filter(order=order.pk, state__in=UNDER_WAY)
    if method is not None:
        found = found.filter(payment_method=method.pk)
    return min(found.order_by("-id"), key=lambda each: UNDER_WAY.index(each.state), default=None)


def _made(order: Buyable, provider_id: str, method: PaymentMethod | None, paid: Any) -> Payment:
    latest = Payment.objects.filter(order=order.pk).order_by("-id").first()
    used = method or (latest and latest.payment_method)
    if used is None:
        raise LookupError(
            _("Order %(number)s has no payment, and no payment method is known.") % {"number": order.number}
        )
    canceled = _("Money came for an order that had been canceled.") if order.state == "canceled" else ""
    made: Payment = Payment.objects.create(
        order_id=order.pk,
        payment_method=used,
        source=HostedSource.objects.create(label=used.name[:64]),
        amount=paid if paid is not None else order.total.amount,
        currency=str(order.currency),
        response_code=provider_id,
        review_reason=str(canceled),
    )
    return made


def refunded_before(order: Buyable, reference: str) -> Operation | None:
    """The refund of this order that has this reference."""
    found: Operation | None = Operation.objects.filter(
        payment__order=order.pk, kind="refund", reference=reference
    ).first()
    return found


def to_refund(order: Buyable, amount: Decimal) -> Payment | None:
    """The payment out of which so much was given back: one that waits to hear it, else the newest that has it left.

    Of an order of which no money is known yet, the newest: its capture may be heard of later.
    """
    payments: list[Payment] = list(Payment.objects.filter(order=order.pk).order_by("-id"))
    asked = Operation.objects.filter(payment__in=payments, kind="refund", state__in=("open", "unknown", "waiting"))
    waiting = {each.payment_id for each in asked if each.amount.amount == amount}
    for payment in sorted(payments, key=lambda each: each.pk not in waiting):
        if (payment.captured_amount - payment.refunded_amount).amount >= amount:
            return payment
    known = any(payment.captured_amount for payment in payments)
    return payments[0] if payments and not known else None
