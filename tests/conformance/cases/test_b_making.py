"""B. Making a payment: validation, amount."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from payments.errors import GatewayError, InvalidAmount
from payments.models import CreditCard, Payment
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import EXACT_AMOUNT, SOURCE_WHEN_ASKED, TOKENS
from tests.conformance.start import Shop

AREA = "B"


@case("B", 19, TOKENS)
def test_b_019_an_empty_card(shop: Shop) -> None:
    """An empty card needs number, code, name, month and year; one that a provider gave a token, the date alone."""
    date = {"month", "year"}
    needed = [(CreditCard(), date | {"number", "verification_value", "name"}), (CreditCard(token="pm_1"), date)]
    for card, names in needed:
        with pytest.raises(ValidationError) as found:
            card.full_clean()
        assert set(found.value.message_dict) == names


@case("B", 20, SOURCE_WHEN_ASKED)
def test_b_020_a_source_is_missing(shop: Shop) -> None:
    """A payment without the source it needs can be made; asking for its money is a GatewayError."""
    payment = shop.order().add_payment(shop.method(), source=None, amount="5.00")
    with pytest.raises(GatewayError):
        payment.process()
    assert payment.state == "checkout"


@case("B", 22)
@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_b_022_any_number_is_an_amount(shop: Shop, amount: str) -> None:
    """A payment of zero or less can be made."""
    payment = shop.order().add_payment(shop.method(), source=shop.card, amount=amount)
    assert payment.amount.amount == Decimal(amount)


@case("B", 23)
def test_b_023_valid_payments(shop: Shop) -> None:
    """Payments that are void, failed or invalid are no valid payments."""
    order = shop.order()
    for state in ("void", "failed", "invalid"):
        shop.payment(order, state)
    assert not order.payments.valid().exists()  # type: ignore[attr-defined]


@case("B", 26, EXACT_AMOUNT)
def test_b_026_amounts_are_exact(shop: Shop) -> None:
    """Text that is no number, or nothing at all, is refused as an amount; 1.55 is 1.55."""
    order = shop.order()
    for amount in ("invalid", ""):
        with pytest.raises(InvalidAmount):
            order.add_payment(shop.method(), source=shop.card, amount=amount)
    assert order.add_payment(shop.method(), source=shop.card, amount="1.55").amount.amount == Decimal("1.55")


@case("B", 28, EXACT_AMOUNT)
def test_b_028_a_decimal_comma(shop: Shop) -> None:
    """Amounts have a decimal point; a comma or a sign of a currency is for forms to read."""
    order = shop.order()
    for amount in ("2,99", "2,99 $", "-2,99 $"):
        with pytest.raises(InvalidAmount):
            order.add_payment(shop.method(), source=shop.card, amount=amount)
    for good in ("2.99", Decimal("2.99")):
        assert order.add_payment(shop.method(), source=shop.card, amount=good).amount.amount == Decimal("2.99")


@case("B", 30)
def test_b_030_the_number_stays(shop: Shop) -> None:
    """A payment that is saved again keeps its number."""
    payment = shop.payment(shop.order(), "checkout")
    number = payment.number
    payment.save()
    payment.refresh_from_db()
    assert payment.number == number


@case("B", 31)
def test_b_031_a_number_that_is_taken(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number that is in use already is drawn again."""
    order = shop.order()
    taken = shop.payment(order, "checkout").number
    letters = iter(f"{taken}ABCDEFGH")
    monkeypatch.setattr(secrets, "choice", lambda _: next(letters))
    assert shop.payment(order, "checkout").number == "ABCDEFGH"


@case("B", 32)
def test_b_032_what_a_number_is(shop: Shop) -> None:
    """A number has no I, O, 0 or 1, and the database keeps it unique."""
    order = shop.order()
    first, second = shop.payment(order, "checkout"), shop.payment(order, "checkout")
    assert set(first.number + second.number) <= set("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=second.pk).update(number=first.number)


@case("B", 34)
def test_b_034_the_currency_is_the_orders(shop: Shop) -> None:
    """A payment is in the currency of its order, and its amount is money in it."""
    order = shop.order(currency="GBP")
    payment = order.add_payment(shop.method(), source=shop.card, amount="5.00")
    assert str(payment.currency) == "GBP"
    assert payment.amount.currency.code == "GBP"


@case("B", 35)
def test_b_035_a_method_off_the_offer(shop: Shop) -> None:
    """A payment keeps its payment method when that is taken off the offer."""
    payment = shop.payment(shop.order(), "checkout")
    payment.payment_method.soft_delete()
    again: Any = Payment.objects.get(pk=payment.pk)
    assert again.payment_method == payment.payment_method


NOT_APPLICABLE = {
    24: ("Payments with store credit are told apart.", "Store credit is not built yet."),
    27: ("An amount that is no number is refused by the REST API.", "Solidus's REST API is not planned."),
    36: ("Metadata of customers and staff are kept, within limits.", "Payments have no free metadata."),
}
