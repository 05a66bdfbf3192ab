"""Why an order stands as it stands: its payment state in one sentence, and the sums that make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from orders.models import Order
from payments.display import money_text
from payments.models import Payment
from payments.money import Money


@dataclass(frozen=True, slots=True)
class Line:
    """One payment's part in what the order has; `counts` is captured − refunded."""

    payment: Payment
    counts: Money


def lines_of(payments: list[Payment]) -> list[Line]:
    return [Line(payment, payment.captured_amount - payment.refunded_amount) for payment in payments]


def why(order: Order, payments: list[Payment]) -> str:
    """The payment state in a sentence, with the figures that decide it."""
    known = _figures(order)
    match order.payment_state:
        case "":
            return _("The order is not complete yet, so it has no payment state.")
        case Order.PaymentState.PAID:
            return _("Paid: %(paid)s was taken and kept, which is the total.") % known
        case Order.PaymentState.VOID:
            return _("Void: the order is canceled, and nothing of the customer's money is kept.")
        case Order.PaymentState.FAILED:
            return _("Failed: none of its payments counts any more, and %(outstanding)s is outstanding.") % known
        case Order.PaymentState.CREDIT_OWED if order.state == Order.State.CANCELED:
            return _("Credit owed: the order is canceled, and %(paid)s of the customer's money is still here.") % known
        case Order.PaymentState.CREDIT_OWED:
            return _("Credit owed: %(paid)s was taken and kept, %(owed)s more than the total of %(total)s.") % known
    return " ".join(
        [_("Balance due: %(paid)s of %(total)s was taken and kept.") % known, *_on_the_way(order, payments)]
    )


def _on_the_way(order: Order, payments: list[Payment]) -> list[str]:
    said = []
    held = _sum(order, [each.uncaptured_amount for each in payments if each.state == Payment.State.PENDING])
    if held.amount:
        said.append(_("%(held)s more is authorized and can be captured.") % {"held": money_text(held)})
    asked = _sum(order, [each.amount for each in payments if each.state == Payment.State.PROCESSING])
    if asked.amount:
        said.append(_("%(asked)s waits for an answer.") % {"asked": money_text(asked)})
    ready = _sum(order, [each.amount for each in payments if each.state == Payment.State.CHECKOUT])
    if ready.amount:
        said.append(_("%(ready)s has been chosen and not been asked for.") % {"ready": money_text(ready)})
    return said


def _figures(order: Order) -> dict[str, str]:
    return {
        "paid": money_text(order.payment_total),
        "total": money_text(order.total),
        "outstanding": money_text(order.outstanding_balance),
        "owed": money_text(-order.outstanding_balance),
    }


def _sum(order: Order, amounts: list[Any]) -> Money:
    return sum(amounts, Money(0, order.currency))
