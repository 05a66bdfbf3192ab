"""What happened to an order, in sentences: its own events and its payments' operations, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from orders.models import Order, OrderEvent
from payments.actors import Actor
from payments.display import money_text
from payments.models import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    at: datetime
    actor: Actor
    what: str
    outcome: str = ""
    note: str = ""


def history(order: Order) -> list[Happening]:
    return [_asked(each) if isinstance(each, Operation) else _changed(each) for each in order.timeline()]


def _asked(operation: Operation) -> Happening:
    what = _("Payment %(payment)s: %(kind)s %(amount)s") % {
        "payment": operation.payment.number,
        "kind": operation.get_kind_display(),
        "amount": money_text(operation.amount),
    }
    return Happening(at=operation.created_at, actor=operation.actor, what=what, outcome=operation.get_state_display())


def _changed(event: OrderEvent) -> Happening:
    labels = dict(Order.PaymentState.choices if event.name == "payment_state" else Order.State.choices)
    of = {"state": _("Order"), "payment_state": _("Payment state")}.get(event.name, event.name)
    before, after = (str(labels.get(value, value)) for value in (event.before, event.after))
    return Happening(
        at=event.created_at,
        actor=event.actor,
        what=f"{of}: {before} → {after}" if before else f"{of}: {after}",
        note=event.note,
    )
