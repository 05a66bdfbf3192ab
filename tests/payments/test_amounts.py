"""Several amounts of a row share one currency, and nothing relabels them."""

from decimal import Decimal

import pytest
from djmoney.money import Money

from orders.models import Order
from payments.errors import InvalidAmount
from payments.models import Payment
from tests.factories import make_order, make_payment

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("currency", "price"), [("JPY", "500"), ("KWD", "1.234"), ("EUR", "9.99")])
def test_amounts_come_back_with_their_currency_and_its_decimals(currency, price):
    order = Order.objects.get(pk=make_order(price, currency=currency).pk)

    assert order.total == Money(price, currency)
    assert str(order.total.amount) == price
    assert order.payment_total == Money(0, currency)


def test_a_default_does_not_turn_euros_into_dollars():
    assert Order(currency="EUR").total.currency.code == "EUR"


def test_assigning_another_currency_is_refused():
    order = make_order("5.00")

    with pytest.raises(ValueError, match="USD"):
        order.total = Money(5, "JPY")
    with pytest.raises(ValueError, match="USD"):
        order.currency = "JPY"
    assert order.total == Money(5, "USD")


def test_an_update_with_money_is_refused():
    payment = make_payment()

    with pytest.raises(TypeError, match="relabel"):
        Payment.objects.filter(pk=payment.pk).update(captured_amount=Money(9, "EUR"))
    payment.refresh_from_db()
    assert payment.amount == Money(100, "USD")


def test_comparing_with_money_compares_the_currency():
    dollars, euros = make_order("5.00"), make_order("5.00", currency="EUR")

    assert list(Order.objects.filter(total=Money(5, "EUR"))) == [euros]
    assert list(Order.objects.exclude(total=Money(5, "EUR"))) == [dollars]
    assert list(Order.objects.filter(total__gt=Money(4, "USD"))) == [dollars]


def test_deferred_amounts_load_when_they_are_read():
    payment = make_payment()

    lean = Payment.objects.only("number").get(pk=payment.pk)

    assert lean.amount == Money(100, "USD")
    assert Payment.objects.defer("currency").get(pk=payment.pk).captured_amount == Money(0, "USD")


def test_a_plain_number_takes_the_currency_of_the_row():
    order = make_order("5.00", currency="EUR")
    order.total = Decimal("7.50")
    assert order.total == Money("7.50", "EUR")


@pytest.mark.parametrize(
    ("currency", "price", "error"),
    [
        ("JPY", "100.50", InvalidAmount),
        ("USD", "1.005", InvalidAmount),
        ("USD", 1.5, TypeError),
        ("USD", "-1", InvalidAmount),
    ],
)
def test_a_price_that_does_not_fit_is_refused_and_nothing_is_kept(currency, price, error):
    order = make_order("0", currency=currency)

    with pytest.raises(error):
        order.add_line("Tee", unit_price=price)
    assert not order.line_items.exists()


def test_money_of_another_currency_is_refused_on_an_order():
    with pytest.raises(InvalidAmount, match="EUR"):
        make_order().add_line("Tee", unit_price=Money(5, "EUR"))
