"""Where an order and its payments stand, in the customer's words; the back office has others for the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order
from payments.display import money_text
from payments.models import Operation, Payment
from payments.models.states import State as Paid
from shop.checkout.wording import paid_with

STANDS: dict[str, Any] = {
    Order.PaymentState.PAID: gettext_lazy("Paid"),
    Order.PaymentState.BALANCE_DUE: gettext_lazy("Payment due"),
    Order.PaymentState.CREDIT_OWED: gettext_lazy("We owe you money"),
    Order.PaymentState.FAILED: gettext_lazy("Payment failed"),
    Order.PaymentState.VOID: gettext_lazy("Nothing charged"),
}
UNDER_WAY = (Operation.State.OPEN, Operation.State.UNKNOWN, Operation.State.WAITING)
REFUSED = (Operation.State.DECLINED, Operation.State.CANCELED)


def stands(order: Order) -> str:
    """What a list says of an order's money."""
    if order.state not in (Order.State.COMPLETE, Order.State.CANCELED):
        return _("Not paid yet")
    if order.payment_state == Order.PaymentState.BALANCE_DUE:
        return _not_yet_paid(list(order.payments.all()))
    return str(STANDS.get(order.payment_state, ""))


def _not_yet_paid(payments: list[Payment]) -> str:
    """What is not paid is owed by the customer only where nothing was held, given, or given back."""
    states = {payment.state for payment in payments}
    if Paid.PROCESSING in states:
        return _("Being confirmed")
    if Paid.PENDING in states and any(payment.authorized_amount.amount for payment in payments):
        return _("Reserved")
    given_back = sum(payment.refunded_amount.amount for payment in payments)
    if given_back:
        taken = sum(payment.captured_amount.amount for payment in payments)
        return _("Given back") if given_back == taken else _("Partly given back")
    return str(STANDS[Order.PaymentState.BALANCE_DUE])


@dataclass(slots=True)
class GivenBack:
    """One refund: done, or on its way."""

    amount: Any
    at: Any
    is_done: bool


@dataclass(slots=True)
class Told:
    """A payment as its customer sees it."""

    name: str
    state: str
    badge: str
    sentence: str
    at: Any
    given_back: list[GivenBack] = field(default_factory=list)


def payments_of(order: Order) -> list[Told]:
    """Every payment that somebody was asked for, the newest first. Two statements, however many there are."""
    found = order.payments.exclude(state__in=(Paid.CHECKOUT, Paid.INVALID)).prefetch_related("operations")
    return [told(payment) for payment in found.select_related("payment_method", "credit_card").order_by("-id")]


def told(payment: Payment) -> Told:
    badge, sentence = _badge_and_sentence(payment)
    refunds = [each for each in payment.operations.all() if each.kind == Operation.Kind.REFUND]
    return Told(
        name=paid_with(payment),
        state=payment.state,
        badge=badge,
        sentence=sentence,
        at=payment.created_at,
        given_back=[
            GivenBack(each.amount, each.answered_at or each.created_at, each.state not in UNDER_WAY)
            for each in refunds
            if each.state not in REFUSED
        ],
    )


def _badge_and_sentence(payment: Payment) -> tuple[str, str]:
    match payment.state:
        case Paid.COMPLETED:
            said = _("Paid"), _("%(amount)s was paid."), payment.captured_amount
        case Paid.PENDING if payment.captured_amount.amount:
            said = _("Partly paid"), _("%(amount)s was paid, the rest is reserved."), payment.captured_amount
        case Paid.PENDING:
            said = _("Reserved"), _("%(amount)s is reserved and charged when your order is sent."), payment.amount
        case Paid.PROCESSING:
            said = _("Being confirmed"), _("%(amount)s is being confirmed."), payment.amount
        case Paid.VOID if not payment.captured_amount.amount:
            said = _("Let go"), _("%(amount)s was reserved and let go. Nothing was charged."), payment.amount
        case _other if payment.captured_amount.amount:
            said = _("Paid"), _("%(amount)s was paid."), payment.captured_amount
        case _other:
            said = _("Declined"), _("%(amount)s was declined. Nothing was charged."), payment.amount
    badge, sentence, amount = said
    return badge, sentence % {"amount": money_text(amount)}
