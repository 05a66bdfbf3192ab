"""Everything that happened to an order, in one list: what was asked and answered, changes, reactions, notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders.models import Order, OrderEvent
from payments.models import Operation, Payment, Reaction
from payments.models.announcing import key_of

TITLES = {
    "order.completed": gettext_lazy("Confirmation to the customer"),
    "order.confirmation_requested": gettext_lazy("Confirmation to the customer, once more"),
    "order.canceled": gettext_lazy("Cancellation to the customer"),
    "payment.failed": gettext_lazy("Failed payment, to the customer"),
    "payment.action_needed": gettext_lazy("Request to confirm the payment, to the customer"),
    "payment.refunded": gettext_lazy("Refund to the customer"),
    "payment.expiring": gettext_lazy("Expiring hold, to staff"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """`operation` where a provider was asked or told us; else `title` and what else there is to say."""

    at: datetime
    actor: Any = None
    operation: Operation | None = None
    payment: Payment | None = None
    title: str = ""
    note: str = ""
    state: str = ""
    label: str = ""


def timeline(order: Order, payments: list[Payment]) -> list[Happening]:
    """Newest first. `payments` with their operations prefetched."""
    happened = [_asked(operation, payment) for payment in payments for operation in payment.operations.all()]
    events = list(order.events.select_related("user"))
    happened += [_changed(event) for event in events]
    happened += [_reacted(reaction) for reaction in reactions_of(order, payments, events)]
    return sorted(happened, key=lambda each: each.at, reverse=True)


def reactions_of(order: Order, payments: list[Payment], events: list[OrderEvent]) -> list[Reaction]:
    """What was to be told of the order and its payments. Every key there can be is named: no search by its head."""
    repeats = sum(event.name in ("confirmation", "state") for event in events)
    keys = [order.number, *(f"{order.number}:{count}" for count in range(2, repeats + 2))]
    keys += [key_of(payment, operation) for payment in payments for operation in payment.operations.all()]
    return list(Reaction.objects.filter(topic__in=TITLES, key__in=keys))


def _asked(operation: Operation, payment: Payment) -> Happening:
    return Happening(at=operation.created_at, actor=operation.actor, operation=operation, payment=payment)


def _changed(event: OrderEvent) -> Happening:
    labels = dict(Order.PaymentState.choices if event.name == "payment_state" else Order.State.choices)
    before, after = (str(labels.get(value, value)) for value in (event.before, event.after))
    titles = {
        "state": _("Order"),
        "payment_state": _("Payment state"),
        "payment": _("Payment"),
        "shipped": _("Shipped"),
        "approved": _("Approved"),
        "note": _("Note"),
        "stock": _("Stock"),
        "confirmation": _("Confirmation sent again"),
    }
    title = titles.get(event.name, event.name)
    if after:
        title = f"{title}: {before} → {after}" if before else f"{title}: {after}"
    return Happening(at=event.created_at, actor=event.actor, title=title, note=event.note)


def _reacted(reaction: Reaction) -> Happening:
    if reaction.delivered_at:
        state, label = "delivered", _("delivered")
    elif reaction.last_error:
        state, label = "failing", _("failing, tried %(attempts)s times") % {"attempts": reaction.attempts}
    else:
        state, label = "due", _("on its way")
    return Happening(
        at=reaction.delivered_at or reaction.created_at,
        title=str(TITLES[reaction.topic]),
        note=reaction.last_error,
        state=state,
        label=label,
    )
