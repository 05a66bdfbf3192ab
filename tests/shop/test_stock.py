"""Goods are taken off the shelf once, put back once, and never sold twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from orders.models import Order
from payments.gateways.base import Outcome, Response
from payments.models import Payment
from shop import stock
from shop.models import Product, StockHold
from tests.factories import make_method, make_order, make_payment
from tests.shop.goods import make_cart, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_stock(settings):
    settings.REACTIONS = {
        "order.completed": ["shop.stock.goods_sold"],
        "order.canceled": ["shop.stock.goods_returned"],
        "order.resumed": ["shop.stock.goods_sold"],
    }


def left(*products: Product) -> list[int | None]:
    return [Product.objects.get(pk=product.pk).stock for product in products]


def holds(order: Order) -> list[tuple[str, int, str]]:
    return [(each.product.name, each.quantity, each.state) for each in order.stock_holds.order_by("id")]


def test_all_of_it_is_held_or_none():
    mug, tee = make_product("Mug", stock=5), make_product("Tee", stock=1)
    order = make_cart((mug, 2), (tee, 2))

    [missing] = stock.hold(order)

    assert (missing.sku, missing.wanted, missing.available) == ("TEE", 2, 1)
    assert str(missing) == "Only 1 of Tee is left."
    assert (left(mug, tee), holds(order)) == ([5, 1], [])
    Product.objects.filter(pk=tee.pk).update(stock=0)
    assert [str(each) for each in stock.hold(order)] == ["Tee is sold out."]


def test_holding_again_follows_the_lines():
    mug, tee = make_product("Mug", stock=5), make_product("Tee", stock=5)
    order = make_cart((mug, 2), (tee, 1))
    assert stock.hold(order) == []
    assert stock.hold(order) == []
    assert left(mug, tee) == [3, 4]

    order.set_quantity(order.line_items.get(sku="MUG"), 4)
    order.set_quantity(order.line_items.get(sku="TEE"), 0)
    assert stock.hold(order) == []

    assert (left(mug, tee), holds(order)) == ([1, 5], [("Mug", 4, "held"), ("Tee", 1, "released")])


def test_what_an_order_holds_itself_is_there_for_it():
    mug = make_product("Mug", stock=2)
    order = make_cart((mug, 2))
    stock.hold(order)
    assert left(mug) == [0]
    assert stock.hold(order) == []
    [missing] = stock.hold(make_cart((mug, 1)))
    assert missing.available == 0


def test_what_has_no_end_is_always_there():
    poster = make_product("Poster", stock=None)
    order = make_cart((poster, 99))
    assert stock.hold(order) == []
    stock.release(order)
    assert left(poster) == [None]


def test_letting_go_puts_it_back_once():
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    stock.hold(order)
    stock.release(order)
    stock.release(order)
    assert (left(mug), holds(order)) == ([5], [("Mug", 2, "released")])


def buy(order: Order) -> Payment:
    payment = make_payment(order=order, method=make_method(auto_capture=True))
    order.complete()
    return payment


@pytest.mark.django_db(transaction=True)
def test_a_sale_commits_it_and_a_cancellation_brings_it_back():
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    stock.hold(order)

    buy(order)
    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "sold")])
    stock.commit(order)
    stock.release(order)
    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "sold")])

    order.cancel()
    order.cancel()
    assert (left(mug), holds(order)) == ([5], [("Mug", 2, "returned")])

    order.resume()
    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "sold")])
    order.cancel()
    assert (left(mug), holds(order)) == ([5], [("Mug", 2, "returned")])


@pytest.mark.django_db(transaction=True)
def test_goods_that_nobody_held_are_taken_when_the_order_is_complete():
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    buy(order)
    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "sold")])


@pytest.mark.django_db(transaction=True)
def test_what_was_paid_for_and_is_gone_is_said_and_nothing_is_oversold():
    mug = make_product("Mug", stock=1)
    order = make_cart((mug, 2))
    buy(order)

    assert (left(mug), holds(order)) == ([1], [("Mug", 2, "short")])
    assert order.events.get(name="stock").note == "2 × Mug: paid for, but not in stock."
    order.cancel()
    assert (left(mug), holds(order)) == ([1], [("Mug", 2, "returned")])


@pytest.mark.django_db(transaction=True)
def test_an_order_from_elsewhere_touches_no_shelf():
    mug = make_product("Mug", stock=5)
    order = make_order("0")
    order.add_line("Mug", unit_price="10.00", quantity=2, sku="MUG")
    buy(order)
    assert (left(mug), holds(order)) == ([5], [])


# After a time


def expire_after(minutes: int) -> str:
    said = StringIO()
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        call_command("release_stock", stdout=said)
    return said.getvalue()


def test_goods_go_back_when_their_time_is_over_and_not_before(settings):
    settings.SHOP = {**settings.SHOP, "STOCK_HOLD_MINUTES": 20}
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    stock.hold(order)

    assert expire_after(19) == "0 orders let go of their goods.\n"
    assert left(mug) == [3]
    assert expire_after(21) == "1 order let go of its goods.\n"
    assert (left(mug), holds(order)) == ([5], [("Mug", 2, "released")])
    assert stock.hold(order) == []
    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "held")])


@pytest.mark.parametrize("outcome", [Outcome.PROCESSING, Outcome.APPROVED], ids=["waits", "holds money"])
def test_an_order_that_is_being_paid_keeps_its_goods(scripted, outcome):
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    stock.hold(order)
    payment = make_payment("5.00", order=order)
    scripted.script["*"] = Response(outcome=outcome, authorization="A")
    payment.authorize()

    assert expire_after(60) == "0 orders let go of their goods.\n"
    assert left(mug) == [3]


@pytest.mark.django_db(transaction=True)
def test_a_late_payment_of_goods_that_went_back_takes_them_again():
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    stock.hold(order)
    expire_after(60)
    assert left(mug) == [5]
    buy(order)
    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "sold")])


# Many at once


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_sixteen_customers_for_five_mugs_five_have_one():
    mug, tee = make_product("Mug", stock=5), make_product("Tee", stock=100)
    carts = [make_cart((mug, 1), (tee, 1)) if n % 2 else make_cart((tee, 1), (mug, 1)) for n in range(16)]

    def take(order: Order) -> bool:
        try:
            return stock.hold(order) == []
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(take, carts))

    assert sum(got) == 5
    assert left(mug, tee) == [0, 95]
    assert StockHold.objects.filter(state="held", product=mug).count() == 5


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_holding_letting_go_and_selling_at_once_loses_and_doubles_nothing():
    mug = make_product("Mug", stock=5)
    order = make_cart((mug, 2))
    make_payment(order=order, method=make_method(auto_capture=True))
    deeds = [stock.hold, stock.release, stock.commit, stock.hold, stock.release] * 3

    def act(deed) -> None:
        try:
            deed(Order.objects.get(pk=order.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, [*deeds, Order.complete, *deeds]))

    assert (left(mug), holds(order)) == ([3], [("Mug", 2, "sold")])
