"""The proof: the same money, summed up three times from different rows, currency by currency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orders.models import Order
from payments.models import Operation, Payment
from payments.money import exponent

TAKEN = ("purchase", "capture")


@dataclass(slots=True)
class Sums:
    """What one currency comes to. Decimals, added up here: a database may add in binary floats."""

    currency: str
    orders: int = 0
    captured: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)
    by_operations: Decimal = Decimal(0)
    by_orders: Decimal = Decimal(0)

    @property
    def by_payments(self) -> Decimal:
        return self.captured - self.refunded

    @property
    def agree(self) -> bool:
        return self.by_operations == self.by_payments == self.by_orders

    def text(self, amount: Decimal) -> str:
        return f"{amount:,.{exponent(self.currency)}f}"


def reckon() -> list[Sums]:
    found: defaultdict[str, Sums] = defaultdict(lambda: Sums(""))
    for currency, total in Order.objects.values_list("currency", "payment_total"):
        sums = found[currency]
        sums.currency = currency
        sums.orders += 1
        sums.by_orders += _plain(total)
    for currency, captured, refunded in Payment.objects.values_list("currency", "captured_amount", "refunded_amount"):
        found[currency].captured += _plain(captured)
        found[currency].refunded += _plain(refunded)
    succeeded = Operation.objects.filter(state="succeeded")
    for currency, kind, amount in succeeded.values_list("currency", "kind", "amount"):
        if kind in TAKEN:
            found[currency].by_operations += _plain(amount)
        elif kind == "refund":
            found[currency].by_operations -= _plain(amount)
    return [found[currency] for currency in sorted(found)]


def _plain(amount: Any) -> Decimal:
    value: Decimal = getattr(amount, "amount", amount)  # Money from some queries, a bare Decimal from others.
    return value
