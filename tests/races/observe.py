"""How things stand after a race, as plain data: the order, its payments, their operations."""

from __future__ import annotations

from typing import Any

from orders.models import Order
from payments.models import Payment, Reaction


def observe(order_pk: int) -> dict[str, Any]:
    order = Order.objects.get(pk=order_pk)
    return {
        "payments": [payment_of(payment) for payment in order.payments.order_by("id")],
        "order": {
            "state": order.state,
            "total": minor(order.total),
            "payment_total": minor(order.payment_total),
            "payment_state": order.payment_state,
            "derived": order.derive_payment_state(order.payment_sums()),
        },
        "reactions": Reaction.objects.filter(key=order.number).count(),
    }


def payment_of(payment: Payment) -> dict[str, Any]:
    operations = payment.operations.order_by("sequence")
    refunds = payment.refunds.filter(operation__state="succeeded")
    return {
        "order_id": f"{payment.order.number}-{payment.number}",
        "state": payment.state,
        "amount": minor(payment.amount),
        "authorized": minor(payment.authorized_amount),
        "captured": minor(payment.captured_amount),
        "refunded": minor(payment.refunded_amount),
        "review": payment.review_reason,
        "operations": [[each.kind, each.state, minor(each.amount)] for each in operations],
        "keys": {each.idempotency_key: each.state for each in operations if each.asked},
        "learned": [[each.kind, minor(each.amount)] for each in operations if not each.asked],
        "refunds": sum(minor(each.operation.amount) for each in refunds),
        "derived": payment.read_ledger().derive(payment.state),
    }


def minor(money: Any) -> int:
    return int(money.amount * 100)
