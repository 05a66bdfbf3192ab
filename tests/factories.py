"""Records for tests: model-bakery recipes, and functions that set only what a test is about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from model_bakery import generators
from model_bakery.recipe import Recipe

from orders.models import Address, Order
from payments.gateways.base import Fact, Outcome
from payments.models import CreditCard, Payment, PaymentMethod

# model-bakery asks a generator for a value of an unknown field type.
for field in ("payments.models.amount.AmountField", "djmoney.models.fields.MoneyField"):
    generators.add(field, lambda: Decimal("10.00"))
generators.add("payments.models.amount.SharedCurrencyField", lambda: "USD")
generators.add("django_fsm.FSMField", lambda: "checkout")

address_recipe = Recipe(
    Address,
    name="Ada Byron",
    address1="12 Marylebone Rd",
    city="London",
    zip="NW1 5JX",
    country="GB",
    phone="+44 20 7946 0001",
)
card_recipe = Recipe(CreditCard, token="pm_1", brand="visa", last_four="4242", month=12, year=2030, name="Ada Byron")
method_recipe = Recipe(PaymentMethod, name="Card", gateway="scripted", auto_capture=False, config=dict, test_mode=True)


def make_method(**facts: Any) -> PaymentMethod:
    return PaymentMethod.objects.create(**({"name": "Card", "gateway": "scripted", "auto_capture": False} | facts))


def make_order(total: str = "100.00", *, currency: str = "USD", **facts: Any) -> Order:
    """An order in cart with one line that costs `total`; with none for a total of "0"."""
    order: Order = Order.objects.create(
        **({"email": "ada@example.com", "currency": currency, "last_ip_address": "203.0.113.9"} | facts)
    )
    if Decimal(total):
        order.add_line("Tee", unit_price=total, sku="TEE-M")
    return order


def make_payment(
    amount: Any = None, *, order: Order | None = None, method: PaymentMethod | None = None, source: Any = "card"
) -> Payment:
    """A payment in checkout, with a stored card unless another source is given."""
    if source == "card":
        source = card_recipe.make()
    return (order or make_order()).add_payment(method or make_method(), source=source, amount=amount)


def authorized(amount: Any = None, **facts: Any) -> Payment:
    payment = make_payment(amount, **facts)
    payment.authorize()
    return payment


def purchased(amount: Any = None, **facts: Any) -> Payment:
    payment = make_payment(amount, **facts)
    payment.purchase()
    return payment


def fact(kind: Any, outcome: Outcome = Outcome.APPROVED, amount_minor: int | None = None, **facts: Any) -> Fact:
    return Fact(kind=kind, outcome=outcome, amount_minor=amount_minor, **facts)
