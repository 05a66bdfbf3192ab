"""Amounts of zero and less, and captures of more than there is."""

from __future__ import annotations

from decimal import Decimal

from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.decisions import EXPLICIT_AMOUNT, NOT_POSITIVE
from tests.conformance.observe import Watch, calls_in_solidus, order_sums, raised, raised_in_solidus
from tests.conformance.replays.payment_actions import VERBS
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop, settled
from tests.conformance.tables import Row

CAPTURES = {
    "capture! cents [15000]": lambda payment: Payment.capture(payment, Decimal("150.00")),
    "capture! cents [0]": lambda payment: Payment.capture(payment, Decimal("0.00")),
}
SHOWN = ("state", "amount", "journal", "captured", "refunds")


def replay(row: Row, shop: Shop) -> Expectation:
    order = settled(shop.order())
    payment = shop.payment(order, row["payment_state"], f"{row['amount']}.00")
    watch = Watch(payment)
    gateways.script(every=row["outcome"])
    verb = CAPTURES.get(row["action"]) or VERBS[row["action"]]
    error = raised(lambda: verb(payment))[1]
    seen = watch.look()
    return {
        "raised": error,
        "calls": gateways.asked(payment),
        **{name: seen[name] for name in SHOWN},
        "order_payment_state": order_sums(order)["order_payment_state"],
    }


def solidus(row: Row) -> Expectation:
    return {
        "raised": raised_in_solidus(row["exception"], row["message"]),
        "calls": calls_in_solidus(row["gateway_calls"]),
        "state": row["state_after"],
        "amount": row["amount_after"],
        "journal": row["log_entries"],
        "captured": row["capture_events"],
        "refunds": row["refunds"],
        "order_payment_state": row["order_payment_state_after"],
    }


def _nothing(row: Row, wanted: Expectation) -> Expectation:
    return wanted | {
        "raised": None,
        "calls": [],
        "state": row["payment_state"],
        "amount": f"{row['amount']}.00",
        "journal": [],
        "captured": [],
        "order_payment_state": "balance_due",
    }


RULES = (
    Rule(
        NOT_POSITIVE,
        lambda row: row["amount"] <= 0 and bool(row["exception"] or row["gateway_calls"]),
        _nothing,
    ),
    Rule(
        EXPLICIT_AMOUNT,
        lambda row: row["action"] in CAPTURES,
        lambda row, wanted: _nothing(row, wanted) | {"raised": "InvalidAmount"},
    ),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
