"""Everything that happened to an order, in one list: what was asked and answered, changes, reactions, notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from orders.models import Order, OrderEvent
from payments.models import Operation, Payment, Reaction


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
    happened += [_changed(event) for event in order.events.select_related("user")]
    happened += [_reacted(reaction) for reaction in reactions_of(order)]
    return sorted(happened, key=lambda each: each.at, reverse=True)


def reactions_of(order: Order) -> list[Reaction]:
    """Their key is the order's number, alone or with a colon and what came after it."""
    topics = ("order.completed", "order.canceled", "order.confirmation_requested")
    found = Reaction.objects.filter(topic__in=topics)
    return list(found.filter(key=order.number)) + list(found.filter(key__startswith=f"{order.number}:"))


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
        "confirmation": _("Confirmation sent again"),
    }
    title = titles.get(event.name, event.name)
    if after:
        title = f"{title}: {before} → {after}" if before else f"{title}: {after}"
    return Happening(at=event.created_at, actor=event.actor, title=title, note=event.note)


def _reacted(reaction: Reaction) -> Happening:
    names = {
        "order.completed": _("Confirmation to the customer"),
        "order.confirmation_requested": _("Confirmation to the customer, once more"),
        "order.canceled": _("Cancellation to the customer"),
    }
    if reaction.delivered_at:
        state, label = "delivered", _("delivered")
    elif reaction.last_error:
        state, label = "failing", _("failing, tried %(attempts)s times") % {"attempts": reaction.attempts}
    else:
        state, label = "due", _("on its way")
    return Happening(
        at=reaction.delivered_at or reaction.created_at,
        title=names.get(reaction.topic, reaction.topic),
        note=reaction.last_error,
        state=state,
        label=label,
    )
