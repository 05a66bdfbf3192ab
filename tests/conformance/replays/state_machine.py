"""Every event of a payment from every state."""

from __future__ import annotations

from django_fsm import can_proceed

from payments.models import Payment
from tests.conformance.decisions import TRANSITION_MOVES_NO_MONEY
from tests.conformance.observe import order_sums, raised, raised_in_solidus
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop, settled
from tests.conformance.tables import Row

UNTOLD = "the order is not told"


def replay(row: Row, shop: Shop) -> Expectation:
    """The raising form is the event itself, the other is the question that goes before it."""
    order = shop.order()
    payment = shop.payment(order, row["state"])
    settled(order)
    event = getattr(payment, row["event"])
    allowed = can_proceed(event)
    error = raised(event)[1] if row["bang"] or allowed else None
    Payment.objects.filter(pk=payment.pk).update(state=payment.state)  # An event saves nothing itself.
    settled(order)
    return {
        "allowed": allowed,
        "raised": error,
        "state": payment.state,
        "order_payment_state": order_sums(order)["order_payment_state"] if allowed else UNTOLD,
    }


def solidus(row: Row) -> Expectation:
    return {
        "allowed": row["allowed"],
        "raised": raised_in_solidus(row["exception"], row["message"]),
        "state": row["state_after"],
        "order_payment_state": row["order_payment_state_after"] if row["allowed"] else UNTOLD,
    }


def _concerns_money(row: Row) -> bool:
    return bool(row["allowed"]) and "completed" in (row["state"], row["state_after"])


RULES = (
    Rule(
        TRANSITION_MOVES_NO_MONEY,
        _concerns_money,
        lambda row, wanted: wanted | {"order_payment_state": "paid" if row["state"] == "completed" else "balance_due"},
    ),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
