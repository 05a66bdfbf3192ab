"""Racers out of step. Without a guard, for the twins: they read without a lock, all together, then write.

Imported in the arena's own process only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orders.models import Order
from payments.models import Operation, Payment
from payments.models.claim import Claim
from tests.races.provider import Hall


def _together(place: str) -> None:
    """Go on when all have come so far: here it is decided what to do, on what was read."""
    if Hall.gate and place == Hall.meeting:
        Hall.gate.meet()


class UnguardedClaim(Claim):
    def open(self, *what: Any, **also: Any) -> Operation:
        _together("open")
        return super().open(*what, **also)


class UnguardedPayment(Payment):
    class Meta:
        proxy = True
        app_label = "payments"

    def _lock(self, *how: Any, **also: Any) -> Payment:
        joined = ("payment_method", "order__bill_address", "order__ship_address", "credit_card__address")
        payment: Payment = UnguardedPayment._base_manager.select_related(*joined).get(pk=self.pk)
        return payment

    @contextmanager
    def _claim(self, **how: Any) -> Iterator[Claim]:
        with super()._claim(**how) as claim:
            yield UnguardedClaim(claim.payment, claim.ledger, claim.others)

    def read_operations(self) -> list[Operation]:
        found = super().read_operations()
        _together("read")
        return found


class UnguardedOrder(Order):
    class Meta:
        proxy = True
        app_label = "orders"

    @property
    def payments(self) -> Any:  # type: ignore[override]
        return UnguardedPayment._base_manager.filter(order=self.pk)

    def _lock(self, *how: Any, **also: Any) -> Order:
        order: Order = UnguardedOrder._base_manager.get(pk=self.pk)
        return order

    def payment_sums(self) -> Any:
        found = super().payment_sums()
        _together("sums")
        return found


class SlowToVoid(Payment):
    """Has seen that nothing is held; before it goes on, somebody stands at the provider asking for a hold."""

    class Meta:
        proxy = True
        app_label = "payments"

    def _void_unasked(self, *seen: Any, **also: Any) -> Any:
        if Hall.gate:
            Hall.gate.wait_for_asker()
        return super()._void_unasked(*seen, **also)


class TooLateToVoid(Payment):
    """The same, and the hold is there when it goes on."""

    class Meta:
        proxy = True
        app_label = "payments"

    def _void_unasked(self, *seen: Any, **also: Any) -> Any:
        if Hall.gate:
            Hall.gate.wait_for_answer()
        return super()._void_unasked(*seen, **also)
