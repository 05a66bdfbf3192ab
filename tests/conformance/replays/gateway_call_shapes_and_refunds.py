"""What the gateway is handed, with and without stored profiles; refunds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.decisions import ALWAYS_GATEWAY_ERROR, CODES, NOBODY_ASKED
from tests.conformance.observe import Watch, calls_in_solidus, order_sums, raised, raised_in_solidus
from tests.conformance.replays.cancel import without_sources
from tests.conformance.replays.payment_actions import VERBS
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop, settled
from tests.conformance.tables import Row


def _refund(amount: str) -> Any:
    return lambda payment: Payment.refund(payment, Decimal(amount), reason="Return processing")


def _twice(payment: Payment) -> Any:
    """Trying again is a new refund; there is nothing that could be performed a second time."""
    return payment.refund(Decimal("25.00"), reason="Return processing")


ACTIONS: dict[str, Any] = VERBS | {
    "refund 25.00 perform!": _refund("25.00"),
    "refund 100.01 create!": _refund("100.01"),
    "refund 0 create!": _refund("0.00"),
    "refund on a pending payment": _refund("25.00"),
    "refund twice on one refund": _twice,
}


def replay(row: Row, shop: Shop) -> Expectation:
    order = shop.order()
    payment = shop.payment(order, row["payment_state"])
    settled(order)
    watch = Watch(payment)
    gateways.script(every=row["outcome"])
    error = raised(lambda: ACTIONS[row["action"]](payment))[1]
    seen = watch.look()
    return {
        "raised": error,
        "calls": gateways.asked(payment),
        "state": seen["state"],
        "refunds": seen["refunds"],
        **order_sums(order),
    }


def solidus(row: Row) -> Expectation:
    return {
        "raised": raised_in_solidus(row["exception"], row["message"]),
        "calls": calls_in_solidus(row["gateway_calls"]),
        "state": row["state_after"],
        "refunds": row["refunds"],
        "order_payment_state": row["order_payment_state"],
        "order_payment_total": row["order_payment_total"],
    }


def _never_captured(row: Row) -> bool:
    return bool(row["action"] == "refund on a pending payment")


def _with_source(row: Row) -> bool:
    return not _never_captured(row) and any(
        call[0] in ("void", "credit") and "<source>" in call for call in row["gateway_calls"]
    )


RULES = (
    Rule(
        NOBODY_ASKED,
        _never_captured,
        lambda row, wanted: wanted | {"raised": "InvalidAmount", "calls": [], "refunds": []},
    ),
    Rule(CODES, _with_source, without_sources),
    Rule(
        ALWAYS_GATEWAY_ERROR,
        lambda row: row["exception"] == "ActiveMerchant::ConnectionError",
        lambda row, wanted: wanted | {"raised": "GatewayUnavailable"},
    ),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
