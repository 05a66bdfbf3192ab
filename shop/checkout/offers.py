"""The ways to pay that the payment page offers for an order: kept cards first, then the methods in the shop's order."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from orders.models import Order
from payments.errors import GatewayError
from payments.models import CreditCard, Payment, PaymentMethod
from payments.wallet import Wallet
from shop.checkout import fragments
from shop.checkout.source_forms import SourceForm, form_class
from shop.checkout.wording import card_name

logger = logging.getLogger(__name__)

AGAIN = "again"  # The card that was entered for this order before.


@dataclass
class Offer:
    """One way to pay. `choice` is what the page posts for it.

    `kept` is a card that nobody has to enter, `entry` its place in the wallet.
    """

    choice: str
    method: PaymentMethod
    name: str
    template: str
    form: SourceForm
    client_config: dict[str, Any] = field(default_factory=dict)
    csp_sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""
    kept: CreditCard | None = None
    entry: int | None = None
    is_preferred: bool = False
    is_chosen: bool = False
    is_test: bool = False

    @property
    def config_id(self) -> str:
        return f"config-{self.method.code}"


def offers(order: Order, user: Any, *, data: Any = None) -> list[Offer]:
    """What is switched on for customers, can take the order's currency and has all its settings.

    A method whose settings are wrong is left out, and the log says why: the others are still there to pay with.
    `data` is what was posted, if anything was: only the chosen way's form looks at it.
    """
    chosen = data.get("method", "") if data is not None else ""
    methods = []
    for method in PaymentMethod.objects.available_to_users():
        try:
            offer = _new(order, method, data=data if chosen == method.code else None)
        except GatewayError as error:
            logger.warning("Payment method %s cannot be offered: %s", method.code, error)
            continue
        if offer is not None:
            methods.append(offer)
    known = {offer.method.pk: offer for offer in methods}
    found = [*_kept(order, user, known), *methods]
    if data is None:
        chosen = next((offer.choice for offer in found if offer.is_preferred), "")
        if len(found) == 1:
            chosen = found[0].choice
    for offer in found:
        offer.is_chosen = offer.choice == chosen
    return found


def _new(order: Order, method: PaymentMethod, *, data: Any) -> Offer | None:
    adapter = method.build_gateway()
    template = fragments.template_of(method)
    if not template or not fragments.takes(method, order):
        return None
    config = fragments.client_config(order, adapter)
    return Offer(
        choice=method.code,
        method=method,
        name=method.name,
        template=template,
        form=form_class(adapter, has_script=bool(config))(data, method=method),
        client_config=config,
        csp_sources=adapter.csp_sources,
        note=method.description,
        is_test=method.test_mode and adapter.source_required,
    )


def _kept(order: Order, user: Any, known: dict[int, Offer]) -> list[Offer]:
    """The cards of the customer's wallet, the default first, and the one that was entered for this order before."""
    found = []
    before = _entered_before(order, known)
    mine = order.user_id is not None and order.user_id == user.pk
    for entry in Wallet(user).entries() if mine else ():
        card, method_id = entry.source, entry.payment_method_id
        if isinstance(card, CreditCard) and method_id in known and not card.has_expired:
            offer = _of_card(f"saved-{entry.pk}", known[method_id].method, card)
            offer.entry = entry.pk
            offer.note = _("saved, expires %(expiry)s") % {"expiry": card.expiry}
            offer.is_preferred = (before is None and entry.is_default) or before == (card, offer.method)
            found.append(offer)
    if before is not None and not any(offer.kept == before[0] for offer in found):
        offer = _of_card(AGAIN, before[1], before[0])
        offer.note, offer.is_preferred = _("as you entered it"), True
        found.append(offer)
    return found


def _of_card(choice: str, method: PaymentMethod, card: CreditCard) -> Offer:
    return Offer(
        choice=choice,
        method=method,
        name=card_name(card),
        template="",
        form=SourceForm({}, method=method),
        kept=card,
        is_test=method.test_mode,
    )


def _entered_before(order: Order, known: dict[int, Offer]) -> tuple[CreditCard, PaymentMethod] | None:
    """The newest payment's card, unless it was tried: then it is given up, whatever became of it."""
    last: Payment | None = order.payments.select_related("credit_card").order_by("-id").first()
    if last is None or last.state not in (Payment.State.CHECKOUT, Payment.State.INVALID):
        return None
    card = last.source
    if not isinstance(card, CreditCard) or last.payment_method_id not in known or not card.is_reusable:
        return None
    return card, known[last.payment_method_id].method
