"""A backend written as the brief describes it, on the base class alone, and orders for it."""

from __future__ import annotations

from typing import Any

import pytest

from orders.models import Order
from payments.backends import BasePaymentBackend, DummyPaymentBackend
from payments.models import PaymentMethod
from tests.factories import address_recipe, make_method, make_order

ADDRESS = {
    "first_name": "Sam",
    "last_name": "Iam",
    "address": "1 Rue des Œufs",
    "postcode": "69001",
    "city": "Lyon",
    "country": "FR",
}


class ForeignBackend(BasePaymentBackend):
    """A provider that knows us by the contract only: what it says goes straight to the hooks."""

    name = "foreign"


@pytest.fixture
def backend(db: None) -> ForeignBackend:
    return ForeignBackend(make_method(name="Foreign"))


@pytest.fixture
def dummy_method(db: None) -> PaymentMethod:
    made: PaymentMethod = PaymentMethod.objects.create(name="Dummy", gateway="bogus", auto_capture=True)
    return made


@pytest.fixture
def dummy(dummy_method: PaymentMethod, settings: Any) -> DummyPaymentBackend:
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": "https://shop.example"}
    return DummyPaymentBackend(dummy_method)


@pytest.fixture
def order(db: None) -> Order:
    """100.00 EUR, with somebody to bill."""
    return make_order("100.00", currency="EUR", bill_address=address_recipe.make())


def seen(order: Order) -> tuple[str, str, str]:
    """(state, payment state, paid), as the rows have it."""
    found = Order.objects.get(pk=order.pk)
    return found.state, found.payment_state, str(found.payment_total.amount)


def paid(provider_id: str = "pay_1", amount: str = "100.00", **more: Any) -> dict[str, Any]:
    return {"id": provider_id, "amount": amount, "billing_address": ADDRESS, **more}
