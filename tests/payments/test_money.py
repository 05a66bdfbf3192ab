"""Law 6: Money in the domain, whole minor units at the wire, by the currency's exponent."""

from decimal import Decimal

import pytest
from djmoney.money import Money
from hypothesis import given
from hypothesis import strategies as st

from payments.errors import InvalidAmount
from payments.money import as_money, exponent, from_minor, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("500", "JPY", 500), ("12.34", "EUR", 1234), ("1.234", "KWD", 1234), ("0", "USD", 0), ("-3.50", "USD", -350)],
)
def test_both_ways(amount, currency, minor):
    assert to_minor(Money(amount, currency)) == minor
    assert from_minor(minor, currency) == Money(amount, currency)


@given(st.integers(-(10**10), 10**10), st.sampled_from(["JPY", "EUR", "USD", "KWD", "CLP", "TND", "CLF"]))
def test_minor_units_come_back_unchanged(minor, currency):
    assert to_minor(from_minor(minor, currency)) == minor


@pytest.mark.parametrize(("amount", "currency"), [("100.5", "JPY"), ("1.001", "EUR"), ("1.0001", "KWD")])
def test_an_amount_finer_than_its_currency_is_refused(amount, currency):
    with pytest.raises(InvalidAmount, match="finer"):
        to_minor(Money(amount, currency))
    with pytest.raises(InvalidAmount, match="finer"):
        as_money(amount, currency)


@pytest.mark.parametrize("currency", ["XXX", "XAU", "ABC", "", "usd"])
def test_what_is_no_currency_is_refused(currency):
    with pytest.raises(InvalidAmount, match="currency"):
        exponent(currency)


@pytest.mark.parametrize("value", [1.5, True, None, b"1", [1]])
def test_only_exact_numbers_are_amounts(value):
    with pytest.raises(TypeError):
        as_money(value, "USD")


@pytest.mark.parametrize("value", ["", "abc", "NaN", "Infinity", "1e400", "1,50", Decimal("sNaN")])
def test_text_that_is_no_amount_is_refused(value):
    with pytest.raises(InvalidAmount):
        as_money(value, "USD")


def test_money_of_another_currency_is_refused():
    with pytest.raises(InvalidAmount, match="EUR"):
        as_money(Money(1, "EUR"), "USD")


@pytest.mark.parametrize("value", [1.0, "1", Decimal(1), True])
def test_minor_units_are_whole(value):
    with pytest.raises(TypeError):
        from_minor(value, "USD")


def test_an_invalid_amount_is_a_value_error():
    assert issubclass(InvalidAmount, ValueError)
