"""The payment state of an order, from its own state, its total, its payments and its refunds."""

from __future__ import annotations

from django.utils import timezone

from tests.conformance.observe import money
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop, settled
from tests.conformance.tables import Row


def replay(row: Row, shop: Shop) -> Expectation:
    order = shop.order(row["order_state"], row["total"])
    refunded = row["refund_on_first_completed"]
    for state, amount in row["payments"]:
        given = None
        if state == "completed" and refunded:
            given, refunded = (amount if refunded == "full" else f"{refunded}.00"), None
        shop.payment(order, state, amount, refunded=given)
    settled(order).refresh_from_db()
    saved = order.payment_state or None
    order.completed_at = order.completed_at or timezone.now()
    return {
        "order_total": money(order.total),
        "payment_total": money(order.payment_total),
        "outstanding_balance": money(order.outstanding_balance),
        "saved": saved,
        "if_computed": order.derive_payment_state(order.payment_sums()),
    }


def solidus(row: Row) -> Expectation:
    return {
        "order_total": row["order_total"],
        "payment_total": row["payment_total"],
        "outstanding_balance": row["outstanding_balance"],
        "saved": row["payment_state_saved"],
        "if_computed": row["payment_state_if_computed"],
    }


RULES: tuple[Rule, ...] = ()
NOT_APPLICABLE = (NotApplicable("Reimbursements are not planned.", lambda row: row["reimbursement_total"] != "0.00"),)
