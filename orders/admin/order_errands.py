"""The errands of staff on an order: what may be asked for now, by whom, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order
from orders.models.completing import has_something_to_undo
from orders.models.states import STEPS
from payments.admin.errands import ERRANDS as PAYMENT_ERRANDS
from payments.admin.errands import why_not as why_not_of_payment
from payments.models import Payment, PaymentMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderErrand:
    name: str
    label: Any
    permissions: tuple[str, ...]
    danger: bool = False


ERRANDS = {
    errand.name: errand
    for errand in (
        OrderErrand(name="add_payment", label=gettext_lazy("Add a payment"), permissions=("payments.add_payment",)),
        OrderErrand(name="complete", label=gettext_lazy("Complete"), permissions=("orders.complete_order",)),
        OrderErrand(name="ship", label=gettext_lazy("Mark shipped"), permissions=("orders.ship_order",)),
        OrderErrand(name="approve", label=gettext_lazy("Approve"), permissions=("orders.approve_order",)),
        OrderErrand(name="resend", label=gettext_lazy("Resend confirmation"), permissions=("orders.resend_order",)),
        OrderErrand(name="note", label=gettext_lazy("Write a note"), permissions=("orders.note_order",)),
        OrderErrand(name="resume", label=gettext_lazy("Resume"), permissions=("orders.resume_order",)),
        OrderErrand(
            name="cancel", label=gettext_lazy("Cancel order"), permissions=("orders.cancel_order",), danger=True
        ),
    )
}


@dataclass(frozen=True, slots=True)
class OrderOffer:
    errand: OrderErrand
    why_not: str


def may(user: Any, errand: OrderErrand) -> bool:
    return bool(user.has_perms(("orders.view_order", *errand.permissions)))


def offers(user: Any, order: Order, payments: list[Payment]) -> list[OrderOffer]:
    """What this person may do, each with why it cannot be done now."""
    return [
        OrderOffer(errand, why_not(user, errand, order, payments)) for errand in ERRANDS.values() if may(user, errand)
    ]


def why_not(user: Any, errand: OrderErrand, order: Order, payments: list[Payment]) -> str:
    """In a sentence; "" if it can be asked for now."""
    match errand.name:
        case "add_payment":
            return _why_no_payment(order)
        case "complete":
            return "" if order.state in STEPS else _("The order is %(state)s.") % {"state": order.get_state_display()}
        case "ship":
            return "" if order.state == Order.State.COMPLETE else _("Only a complete order is shipped.")
        case "approve":
            if order.approved_at:
                return _("It is approved already.")
            return "" if any(payment.is_risky for payment in payments) else _("None of its payments is risky.")
        case "resend":
            if not order.completed_at:
                return _("There is nothing to confirm yet.")
            return "" if order.email else _("The order has no e-mail address.")
        case "resume":
            return "" if order.state == Order.State.CANCELED else _("The order is not canceled.")
        case "cancel":
            return _why_no_cancel(user, order, payments)
    return ""


def _why_no_payment(order: Order) -> str:
    if order.state == Order.State.CANCELED:
        return _("The order is canceled.")
    if not PaymentMethod.objects.available_to_staff().exists():
        return _("No payment method is offered to staff.")
    return ""


def to_undo(payments: list[Payment]) -> list[Payment]:
    """The payments that a cancellation would have to void or refund."""
    return [payment for payment in payments if has_something_to_undo(payment)]


def _why_no_cancel(user: Any, order: Order, payments: list[Payment]) -> str:
    """Calling an order off gives its money back, so it takes the rights and limits of doing that."""
    if order.shipped_at:
        return _("The order was shipped: refund its payments instead.")
    undo = to_undo(payments)
    if order.state == Order.State.CANCELED and not undo:
        return _("It is canceled, and nothing is left to undo.")
    if order.state not in (Order.State.COMPLETE, Order.State.CANCELED):
        return _("Only a complete order is canceled.")
    cancel = PAYMENT_ERRANDS["cancel"]
    if undo and not user.has_perms(cancel.permissions):
        return _("Its payments would be voided or refunded, which you may not do.")
    for payment in undo:
        draft = payment.look()
        reason = why_not_of_payment(user, cancel, draft)
        if reason and not draft.ledger.unanswered:
            return _("Payment %(number)s: %(reason)s") % {"number": payment.number, "reason": reason}
    return ""
