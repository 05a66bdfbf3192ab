"""Where a row begins: orders and payments in the states that the oracle put its own into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from orders.models import Order
from payments.gateways.base import Fact, Outcome
from payments.models import CreditCard, Payment, PaymentMethod
from payments.money import Money, to_minor

EARLIER = "AUTH-0"  # The authorization that every payment of the oracle begins with.


class Shop:
    """What the rows of a test share: one card, a payment method for each gateway and capture mode, and beginnings."""

    def __init__(self) -> None:
        self.card = CreditCard.objects.create(token="tok_1", brand="visa", last_four="1111", month=12, year=2030)
        self.methods: dict[tuple[str, bool], PaymentMethod] = {}
        self.begun: dict[tuple[Any, ...], int] = {}

    def begin(self, key: tuple[Any, ...], make: Callable[[], Payment]) -> Payment:
        """A payment that many rows begin with, each with an instance of its own, and taking back what it does."""
        if key not in self.begun:
            self.begun[key] = make().pk
        return Payment.objects.select_related("order").get(pk=self.begun[key])

    def method(self, gateway: str = "card", *, auto_capture: bool = False) -> PaymentMethod:
        key = (gateway, auto_capture)
        if key not in self.methods:
            self.methods[key] = PaymentMethod.objects.create(
                name=gateway, gateway=f"scripted_{gateway}", auto_capture=auto_capture
            )
        return self.methods[key]

    def raw_card(self, number: str = "4111111111111111") -> CreditCard:
        """A card as a customer types it; only bogus takes it."""
        cards: Any = CreditCard.objects
        return cards.create(number=number, verification_value="123", month=12, year=2030)

    def bogus(self, **facts: Any) -> PaymentMethod:
        return PaymentMethod.objects.create(**({"name": "Card", "gateway": "bogus", "auto_capture": False} | facts))

    def order(self, state: str = "complete", total: str = "100.00", currency: str = "USD") -> Order:
        """An order of one line (none, if its total is zero); its sums are those of `settled`."""
        completed_at = timezone.now() if state in ("complete", "canceled") else None
        order = Order.objects.create(email="a@example.com", state=state, completed_at=completed_at, currency=currency)
        if total != "0.00":
            order.line_items.create(name="Tee", unit_price=Money(total, currency), quantity=1)
        return order

    def payment(
        self,
        order: Order,
        state: str,
        amount: str = "100.00",
        *,
        method: PaymentMethod | None = None,
        source: bool = True,
        refunded: str | None = None,
    ) -> Payment:
        """A payment with the history of its state: a hold if pending, a sale if completed, else none."""
        payment = Payment.objects.create(
            order=order,
            payment_method=method or self.method(),
            source=self.card if source else None,
            amount=Money(amount, "USD"),
            response_code=EARLIER,
        )
        kind = {"pending": "authorize", "completed": "purchase"}.get(state)
        if kind and payment.amount.amount > 0:
            _learn(payment, kind, amount, authorization=EARLIER)
        if refunded:
            _learn(payment, "refund", refunded, reference="R0")
        if payment.state != state:
            Payment.objects.filter(pk=payment.pk).update(state=state)
            payment.refresh_from_db()
        return payment


def settled(order: Order) -> Order:
    """The order as the database has it once its totals are computed."""
    order.recalculate()
    return order


def _learn(payment: Payment, kind: Any, amount: str, **names: Any) -> None:
    minor = to_minor(Money(amount, "USD"))
    payment.apply(Fact(kind=kind, outcome=Outcome.APPROVED, amount_minor=minor, **names))
