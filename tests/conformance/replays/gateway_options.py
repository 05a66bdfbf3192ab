"""One full set of options, key by key."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model

from orders.models import Address, Order
from payments.models import Payment
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop
from tests.conformance.tables import Row

ADDRESS = {
    "name": "Pat Example",
    "address1": "1 Test Street",
    "address2": "Floor 2",
    "city": "Testville",
    "state": "AL",
    "zip": "00001",
    "country": "US",
    "phone": "555-0100",
}


def _payment(shop: Shop) -> Payment:
    """The oracle's order, with the sums of `meta.order`; made once for all keys."""
    found = Payment.objects.filter(number="PAYNUM12").first()
    if found:
        return found
    address = Address.objects.create(**ADDRESS)
    order = Order.objects.create(
        number="R123456789",
        email="a@example.com",
        user=get_user_model().objects.create(username="pat"),
        last_ip_address="203.0.113.7",
        bill_address=address,
        ship_address=address,
    )
    order.add_line("Tee", unit_price="19.99", quantity=2)
    order.add_adjustment("shipping", "7.50", "Post")
    order.add_adjustment("tax", "3.33", "Tax")
    order.add_adjustment("promotion", "-1.25", "Spring")
    payment = order.add_payment(shop.method(), source=shop.card)
    Payment.objects.filter(pk=payment.pk).update(number="PAYNUM12")
    payment.refresh_from_db()
    return payment


def replay(row: Row, shop: Shop) -> Expectation:
    payment = _payment(shop)
    value: Any = payment.gateway_options()[row["key"]]  # type: ignore[literal-required]
    if row["key"] == "customer_id":
        value = "the customer" if value == payment.order.user_id else value
    elif row["key"] == "originator":
        value = "the payment" if value == payment else value
    return {"value": value}


def solidus(row: Row) -> Expectation:
    """Its decimal cents as whole ones."""
    if row["class"] == "BigDecimal":
        cents = Decimal(row["value"])
        assert cents == int(cents)
        return {"value": int(cents)}
    return {"value": "the customer" if row["key"] == "customer_id" else row["value"]}


RULES: tuple[Rule, ...] = ()
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
