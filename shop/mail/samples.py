"""One of each letter, to be looked at: about an order that is made for it and given up again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone, translation

from orders.models import Address, Order
from payments.models import CreditCard, Operation, Payment, PaymentMethod
from shop.mail import account_letters, letters
from shop.mail.sending import Letter


@dataclass(frozen=True, slots=True)
class Sample:
    """A letter written out, and when it is sent."""

    name: str
    topic: str
    subject: str
    text: str
    html: str


def samples(language: str) -> list[Sample]:
    """All letters in that language. Nothing of it stays in the database."""
    with _given_up(), translation.override(language), timezone.override(None):
        order = _order()
        paid = _payment(order, "completed", taken=order.total.amount)
        order.recalculate()
        found = [_sample("order.completed", letters.confirmation(order))]
        waiting = _operation(_payment(order, "processing"), "authorize", "waiting", next_action={"type": "redirect"})
        found.append(_sample("payment.action_needed", letters.confirmation_by_customer(waiting)))
        declined = _operation(_payment(order, "failed"), "capture", "declined", error_code="insufficient_funds")
        found.append(_sample("payment.failed", letters.failure(declined)))
        given_back = _operation(paid, "refund", "succeeded", amount=Decimal("24.50"))
        order.payments.filter(pk=paid.pk).update(refunded_amount=Decimal("24.50"))
        found.append(_sample("payment.refunded", letters.refund(given_back)))
        order.payments.filter(state="processing").update(state="invalid")
        hold = _operation(_payment(order, "pending"), "authorize", "succeeded")
        found.append(_sample("order.canceled", letters.cancellation(order)))
        found.append(_sample("payment.expiring", letters.expiry(hold)))
        ada = User.objects.create_user("ada-sample", "ada@example.com", first_name="Ada")
        found.append(_sample("account.password_reset", account_letters.password_reset(ada)))
        found.append(_sample("account.email_changed", account_letters.email_changed(ada)))
        return found


def _sample(topic: str, letter: Letter) -> Sample:
    return Sample(letter.name, topic, letter.subject, letter.text, letter.html)


@contextmanager
def _given_up() -> Iterator[None]:
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def _order() -> Order:
    ada = Address.objects.create(
        name="Ada Byron", address1="12 Marylebone Road", city="London", zip="NW1 5JX", country="GB"
    )
    order: Order = Order.objects.create(
        number="R-SAMPLE",
        email="ada@example.com",
        currency="EUR",
        bill_address=ada,
        ship_address=ada,
        completed_at=timezone.now(),
    )
    order.add_line("Pocket notebook, dotted, 120 pages", unit_price="12.50", quantity=2, sku="NOTE-DOT")
    order.add_line("Fountain pen", unit_price="49.00", sku="PEN-F")
    order.add_adjustment("shipping", "4.50", "Standard shipping")
    order.add_adjustment("promotion", "-4.00", "SPRING")
    order.add_adjustment("included_tax", "11.90", "VAT 19 %")
    return order


def _payment(order: Order, state: str, *, taken: Decimal = Decimal(0)) -> Payment:
    method, _made = PaymentMethod.objects.get_or_create(
        code="letters-sample", defaults={"name": "Card", "gateway": "bogus", "config": {}}
    )
    card = CreditCard.objects.create(token="none", brand="visa", last_four="4242", month=12, year=2030)  # noqa: S106
    payment: Payment = Payment.objects.create(
        order=order,
        payment_method=method,
        source=card,
        amount=order.total,
        authorized_amount=order.total.amount,
        captured_amount=taken,
        currency=order.currency,
        state=state,
        capture_by=timezone.now() + timedelta(hours=20),
    )
    return payment


def _operation(payment: Payment, kind: str, state: str, *, amount: Decimal | None = None, **facts: Any) -> Operation:
    operation: Operation = Operation.objects.create(
        payment=payment,
        sequence=1,
        kind=kind,
        state=state,
        currency=payment.currency,
        amount=payment.amount.amount if amount is None else amount,
        **facts,
    )
    return operation
