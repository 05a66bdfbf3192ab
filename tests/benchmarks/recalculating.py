"""`order.recalculate()` of an order with many payments, each with an operation, beside one with a single payment."""

from __future__ import annotations

import time
from typing import Any

from orders.models import Order
from payments.models import Payment, PaymentMethod


def make_order(method: PaymentMethod, payments: int) -> Order:
    order: Order = Order.objects.create(email="ada@example.com", currency="USD")
    order.add_line("Tee", unit_price="24.00")
    rows: list[Any] = [
        Payment(
            order=order,
            payment_method=method,
            number=f"X{order.pk % 1000:03}{index:04}",
            currency="USD",
            amount=1,
            authorized_amount=1,
            captured_amount=1,
            state="completed",
        )
        for index in range(payments)
    ]
    Payment.objects.bulk_create(rows)
    return order


def run(order: Order, count: int) -> tuple[float]:
    """Milliseconds for one recalculation, the mean of `count`."""
    started = time.perf_counter()
    for _ in range(count):
        order.recalculate()
    return (1000 * (time.perf_counter() - started) / count,)
