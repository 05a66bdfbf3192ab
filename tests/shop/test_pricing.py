"""What an order costs: prices, promotion, shipping and taxes from the shop's rows, exact to the cent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.utils import timezone
from django_fsm import TransitionNotAllowed
from hypothesis import given
from hypothesis import strategies as some

from orders.models import Order
from payments.errors import PaymentBusy
from payments.gateways.base import Outcome, Response
from payments.money import to_minor
from shop.models import Product, Promotion, TaxRate
from shop.pricing import choose_shipping, needs_shipping, reprice, shipping_choices
from shop.quoting import discount_minor, half_up, taxes
from tests.factories import make_method, make_payment
from tests.shop.goods import make_cart, make_product, make_promotion, make_shipping, make_tax, rows, set_price

pytestmark = pytest.mark.django_db


def test_a_price_that_has_changed_is_the_orders_at_once_and_said():
    mug, tee = make_product("Mug"), make_product("Tee", USD="24.00")
    order = make_cart((mug, 2), (tee, 1))
    set_price(mug, "11.50")

    [change] = reprice(order)

    assert (change.kind, str(change)) == ("price", "Mug now costs $11.50; it was $10.00.")
    assert str(order.total.amount) == "47.00"
    assert str(Order.objects.get().total.amount) == "47.00"
    assert reprice(order) == []


@pytest.mark.parametrize("gone", ["inactive", "no price", "no such product"])
def test_what_is_no_longer_on_offer_leaves_the_order(gone):
    mug, tee = make_product("Mug"), make_product("Tee", USD="24.00")
    order = make_cart((mug, 2), (tee, 1))
    if gone == "inactive":
        Product.objects.filter(pk=mug.pk).update(active=False)
    elif gone == "no price":
        mug.prices.all().delete()
    else:
        order.line_items.filter(sku="MUG").update(sku="OTHER")

    [change] = reprice(order)

    assert str(change) == "Mug is no longer on offer."
    assert [line.name for line in order.line_items.all()] == ["Tee"]
    assert str(order.total.amount) == "24.00"


def test_an_order_with_nothing_left_in_it_is_a_cart_again():
    mug = make_product()
    order = make_cart((mug, 1))
    order.advance()
    assert order.state == "confirm"
    Product.objects.update(active=False)

    reprice(order)

    assert (order.state, order.line_items.count(), order.total.amount) == ("cart", 0, 0)


def test_a_change_sends_a_confirmed_order_back_to_payment_and_gives_up_what_was_not_asked_for():
    mug = make_product()
    order = make_cart((mug, 1))
    payment = make_payment(order=order)
    order.advance()
    set_price(mug, "12.00")

    assert reprice(order)

    payment.refresh_from_db()
    assert (order.state, payment.state) == ("payment", "invalid")
    assert order.events.filter(name="state", before="confirm", after="payment").exists()


def test_nothing_is_changed_while_a_payment_is_open(scripted):
    mug = make_product()
    order = make_cart((mug, 1))
    make_payment(order=order, method=make_method(auto_capture=True))
    scripted.script["purchase"] = Response(outcome=Outcome.PROCESSING, authorization="A")
    order.complete()
    assert order.state == "confirm"
    set_price(mug, "12.00")

    with pytest.raises(PaymentBusy):
        reprice(order)

    assert str(Order.objects.get().total.amount) == "10.00"


def test_a_complete_order_keeps_its_prices():
    mug = make_product()
    order = make_cart((mug, 1))
    make_payment(order=order)
    order.complete()
    set_price(mug, "12.00")
    with pytest.raises(TransitionNotAllowed):
        reprice(order)


# Shipping


def test_methods_are_offered_where_they_go_at_the_price_of_the_country():
    mug = make_product(USD="10.00", EUR="9.00")
    make_shipping("Post", US_USD="5.00", USD="14.00", EUR="9.00")
    make_shipping("Courier", US_USD="18.00")
    make_shipping("Bike", DE_EUR="3.00")

    def offered(**facts):
        return [(each.method.name, str(each.price.amount)) for each in shipping_choices(make_cart((mug, 1), **facts))]

    assert offered(country="US") == [("Post", "5.00"), ("Courier", "18.00")]
    assert offered(country="FR") == [("Post", "14.00")]
    assert offered(country="DE", currency="EUR") == [("Post", "9.00"), ("Bike", "3.00")]
    assert offered() == [("Post", "14.00")]


def test_what_was_chosen_is_charged_and_remembered():
    order = make_cart((make_product(), 1), country="US")
    post, courier = make_shipping("Post", US_USD="5.00"), make_shipping("Courier", US_USD="18.00")
    assert needs_shipping(order)

    assert choose_shipping(order, post) == []
    assert (rows(order), str(order.total.amount), needs_shipping(order)) == ([("shipping", "5.00")], "15.00", False)

    choose_shipping(order, courier)
    assert (rows(order), str(order.shipment_total.amount)) == ([("shipping", "18.00")], "18.00")


def test_a_method_that_does_not_go_there_is_refused():
    order = make_cart((make_product(), 1), country="US")
    with pytest.raises(ValueError, match="does not go"):
        choose_shipping(order, make_shipping("Bike", DE_USD="3.00"))


def test_from_some_value_on_shipping_costs_nothing():
    mug = make_product()
    order = make_cart((mug, 4), country="US")
    choose_shipping(order, make_shipping("Post", US_USD="5.00/50.00"))
    assert rows(order) == [("shipping", "5.00")]

    order.set_quantity(order.line_items.get(), 5)
    [change] = reprice(order)

    assert rows(order) == [("shipping", "0.00")]
    assert str(change) == "Post now costs $0.00; it was $5.00."


def test_a_method_that_is_gone_is_taken_off_and_said():
    order = make_cart((make_product(), 1), country="US")
    post = make_shipping("Post", US_USD="5.00")
    choose_shipping(order, post)
    post.rates.all().delete()

    [change] = reprice(order)

    assert (change.kind, rows(order), needs_shipping(order)) == ("shipping", [], True)


# Promotions


@pytest.mark.parametrize(
    ("terms", "off"),
    [
        ({"percent": 10}, "-3.00"),
        ({"percent": 33, "minimum": "30.00"}, "-9.90"),
        ({"percent": 10, "minimum": "30.01"}, None),
        ({"USD": "7.50"}, "-7.50"),
        ({"USD": "99.00"}, "-30.00"),
        ({"EUR": "7.50"}, None),
    ],
)
def test_a_promotion_takes_off_what_its_terms_say_and_never_more_than_the_goods(terms, off):
    order = make_cart((make_product(), 3))
    order.basket.promotion = make_promotion(**terms)
    order.basket.save()

    reprice(order)

    assert rows(order) == ([("promotion", off)] if off else [])
    assert order.total.amount == 30 + Decimal(off or 0)


@pytest.mark.parametrize(
    "facts",
    [{"active": False}, {"ends_at": timezone.now() - timedelta(1)}, {"starts_at": timezone.now() + timedelta(1)}],
    ids=["inactive", "over", "to come"],
)
def test_a_promotion_that_is_over_is_taken_off_and_said(facts):
    order = make_cart((make_product(), 1))
    order.basket.promotion = make_promotion()
    order.basket.save()
    reprice(order)
    assert str(order.total.amount) == "9.00"
    Promotion.objects.update(**facts)

    [change] = reprice(Order.objects.get())

    order = Order.objects.get()
    assert (str(change), str(order.total.amount)) == ("The promotion TEN is over.", "10.00")
    assert order.basket.promotion is None


# Taxes


def test_tax_is_added_by_country_and_region_and_told_as_a_new_total():
    make_tax("US", "0.029", region="CO")
    make_tax("US", "0.01", label="Federal")
    make_tax("US", "0.07", region="CA")
    order = make_cart((make_product(USD="24.00"), 1), country="US", state="co")

    [change] = reprice(order)

    assert rows(order) == [("tax", "0.24"), ("tax", "0.70")]
    assert (change.kind, str(change)) == ("total", "The total is now $24.94; it was $24.00.")


def test_a_tax_that_is_included_changes_no_total():
    make_tax("DE", "0.19", included=True, on_shipping=True)
    order = make_cart((make_product(EUR="59.00"), 1), country="DE", currency="EUR")
    choose_shipping(order, make_shipping("Post", EUR="4.90"))

    assert rows(order) == [("shipping", "4.90"), ("included_tax", "10.20")]  # 63.90 × 19 ÷ 119
    assert (str(order.total.amount), str(order.additional_tax_total.amount)) == ("63.90", "0.00")


def test_a_category_has_its_own_rate():
    book = make_product("Book", category="books", EUR="10.70")
    mug = make_product("Mug", EUR="11.90")
    make_tax("DE", "0.19", included=True)
    make_tax("DE", "0.07", included=True, category=book.category)
    order = make_cart((mug, 1), (book, 1), country="DE", currency="EUR")
    reprice(order)
    assert rows(order) == [("included_tax", "0.70"), ("included_tax", "1.90")]


def test_tax_is_of_what_is_left_after_the_promotion():
    make_tax("US", "0.10")
    order = make_cart((make_product(), 3), country="US")
    order.basket.promotion = make_promotion(USD="5.00")
    order.basket.save()
    reprice(order)
    assert rows(order) == [("promotion", "-5.00"), ("tax", "2.50")]


def test_yen_have_no_decimals():
    make_tax("JP", "0.10", included=True)
    order = make_cart((make_product(JPY="1400"), 1), country="JP", currency="JPY")
    reprice(order)
    assert rows(order) == [("included_tax", "127")]  # 127.27…


def test_half_a_cent_goes_up_and_is_rounded_once_for_the_whole_order():
    make_tax("US", "0.05")
    dime = make_product("Dime", USD="0.10")
    penny = make_product("Penny", USD="0.10")
    order = make_cart((dime, 1), (penny, 2), country="US")
    reprice(order)
    assert rows(order) == [("tax", "0.02")]  # 1.5 cents, not 1 + 1.


@given(amount=some.fractions(min_value=0, max_value=10**9, max_denominator=10**6))
def test_half_up_is_the_nearest(amount):
    found = half_up(amount)
    assert -Fraction(1, 2) < found - amount <= Fraction(1, 2)


@given(
    goods=some.lists(some.integers(1, 10**6), min_size=1, max_size=5),
    percent=some.integers(0, 100),
    rates=some.lists(some.sampled_from(["0.07", "0.19", "0.2", "0.0725"]), max_size=3),
    shipping=some.integers(0, 5000),
)
def test_included_taxes_never_come_to_more_than_the_goods(goods, percent, rates, shipping):
    product = Product(category_id=1)
    found = [make_rate(pk, rate) for pk, rate in enumerate(rates)]
    discount = discount_minor(Promotion(percent=Decimal(percent)), None, sum(goods)) if percent else 0
    due = taxes(found, [(product, each) for each in goods], discount, shipping)
    assert sum(each.amount_minor for each in due) <= sum(goods) - discount + shipping + len(rates)
    assert all(each.amount_minor > 0 for each in due)


def make_rate(pk, rate):
    return TaxRate(pk=pk, country="DE", rate=Decimal(rate), included=True, on_shipping=True, label=str(pk))


def test_the_gateway_is_told_the_sums_of_these_rows():
    make_tax("US", "0.10")
    order = make_cart((make_product(), 3), country="US")
    order.basket.promotion = make_promotion(USD="5.00")
    order.basket.save()
    choose_shipping(order, make_shipping("Post", US_USD="5.00"))
    payment = make_payment(order=order)

    options = payment.gateway_options()

    assert [options[key] for key in ("subtotal", "discount", "shipping", "tax")] == [3000, -500, 500, 250]
    assert to_minor(payment.amount) == 3250
