"""One sale (create, authorize, capture) by us, by a minimal ORM version and by the plain driver.

All three make the same five durable commits: the order with its line and payment; before and after the call
that authorizes; before and after the call that captures. The gateway does nothing.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import connection, models, transaction

from orders.models import Order
from payments.gateways.base import Capabilities, Gateway, Outcome, Response
from payments.models import CreditCard, PaymentMethod


class NoopGateway(Gateway):
    """Approves at once and costs nothing."""

    capabilities = Capabilities(idempotency_keys=True)

    def authorize(self, amount_minor: int, source: Any, options: Any) -> Response:
        return Response(outcome=Outcome.APPROVED, authorization="A")

    def capture(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return Response(outcome=Outcome.APPROVED)


class BareOrder(models.Model):  # noqa: DJ008
    number = models.CharField(max_length=32, unique=True)
    email = models.EmailField()
    total = models.DecimalField(max_digits=19, decimal_places=4)
    payment_total = models.DecimalField(max_digits=19, decimal_places=4, default=0)

    class Meta:
        app_label = "payments"
        db_table = "bare_order"


class BareLine(models.Model):  # noqa: DJ008
    order = models.ForeignKey(BareOrder, models.CASCADE)
    name = models.CharField(max_length=255)
    unit_price = models.DecimalField(max_digits=19, decimal_places=4)
    quantity = models.IntegerField()

    class Meta:
        app_label = "payments"
        db_table = "bare_line"


class BarePayment(models.Model):  # noqa: DJ008
    order = models.ForeignKey(BareOrder, models.CASCADE)
    number = models.CharField(max_length=32, unique=True)
    state = models.CharField(max_length=16)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    captured = models.DecimalField(max_digits=19, decimal_places=4, default=0)
    code = models.CharField(max_length=255, blank=True)

    class Meta:
        app_label = "payments"
        db_table = "bare_payment"


class BareIntent(models.Model):  # noqa: DJ008
    payment = models.ForeignKey(BarePayment, models.CASCADE)
    key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    state = models.CharField(max_length=16)
    answer = models.CharField(max_length=255, blank=True)

    class Meta:
        app_label = "payments"
        db_table = "bare_intent"


BARE = (BareOrder, BareLine, BarePayment, BareIntent)


def make_tables() -> None:
    with connection.schema_editor() as editor:
        for model in BARE:
            editor.create_model(model)


class Ours:
    """Everycent through its public verbs."""

    def __init__(self) -> None:
        self.method = PaymentMethod.objects.create(name="Noop", gateway="noop", auto_capture=False)
        self.card = CreditCard.objects.create(token="pm_1", month=12, year=2030)

    def create(self) -> Any:
        with transaction.atomic():
            order = Order.objects.create(email="ada@example.com", currency="USD")
            order.add_line("Tee", unit_price="24.00", quantity=2, sku="TEE-M")
            return order.add_payment(self.method, source=self.card)

    def authorize(self, payment: Any) -> None:
        payment.authorize()

    def capture(self, payment: Any) -> None:
        payment.capture()


class MinimalORM:
    """What a careful programmer could not leave out: intent before, result after, in 3 + 4 + 4 statements."""

    def create(self) -> Any:
        with transaction.atomic():
            order = BareOrder._base_manager.create(number=_number("R"), email="ada@example.com", total=Decimal(48))
            BareLine._base_manager.create(order=order, name="Tee", unit_price=Decimal(24), quantity=2)
            return BarePayment._base_manager.create(
                order=order, number=_number("P"), state="checkout", amount=Decimal(48)
            )

    def authorize(self, payment: Any) -> None:
        self._ask(payment, "authorize", {"state": "pending", "code": "A"}, Decimal(0))

    def capture(self, payment: Any) -> None:
        self._ask(payment, "capture", {"state": "completed", "captured": Decimal(48)}, Decimal(48))

    def _ask(self, payment: Any, kind: str, result: dict[str, Any], paid: Decimal) -> None:
        with transaction.atomic():
            intent = BareIntent._base_manager.create(
                payment=payment, key=_number(kind), kind=kind, amount=payment.amount, state="open"
            )
        with transaction.atomic():
            BarePayment._base_manager.filter(pk=payment.pk).update(**result)
            BareIntent._base_manager.filter(pk=intent.pk).update(state="succeeded", answer="A")
            BareOrder._base_manager.filter(pk=payment.order_id).update(payment_total=paid)


class PlainDriver:
    """The same rows by the driver alone."""

    def create(self) -> Any:
        with transaction.atomic(), connection.cursor() as cursor:
            order = _insert(cursor, "bare_order", number=_number("R"), email="a@example.com", total=48, payment_total=0)
            _insert(cursor, "bare_line", order_id=order, name="Tee", unit_price=24, quantity=2)
            payment = _insert(
                cursor,
                "bare_payment",
                order_id=order,
                number=_number("P"),
                state="checkout",
                amount=48,
                captured=0,
                code="",
            )
            return order, payment

    def authorize(self, row: Any) -> None:
        self._ask(row, "authorize", "state = 'pending', code = 'A'", 0)

    def capture(self, row: Any) -> None:
        self._ask(row, "capture", "state = 'completed', captured = 48", 48)

    def _ask(self, row: Any, kind: str, result: str, paid: int) -> None:
        order, payment = row
        with transaction.atomic(), connection.cursor() as cursor:
            intent = _insert(
                cursor,
                "bare_intent",
                payment_id=payment,
                key=_number(kind),
                kind=kind,
                amount=48,
                state="open",
                answer="",
            )
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE bare_payment SET {result} WHERE id = %s", [payment])
            cursor.execute("UPDATE bare_intent SET state = 'succeeded', answer = 'A' WHERE id = %s", [intent])
            cursor.execute("UPDATE bare_order SET payment_total = %s WHERE id = %s", [paid, order])


_serial = itertools.count()


def _number(prefix: str) -> str:
    return f"{prefix}{next(_serial)}-{uuid.uuid4().hex[:8]}"


def _insert(cursor: Any, table: str, **values: Any) -> int:
    names, places = ", ".join(values), ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id", list(values.values()))
    return int(cursor.fetchone()[0])


CONTESTANTS: dict[str, Callable[[], Any]] = {"ours": Ours, "minimal ORM": MinimalORM, "plain driver": PlainDriver}
