"""The cart: whose it is, what goes in and out, and that it works by its forms alone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory

from orders.models import Order
from payments.errors import PaymentBusy
from payments.gateways.base import Outcome, Response
from shop import cart, stock
from shop.models import Basket, Product
from tests.counting import statements
from tests.factories import make_method, make_payment
from tests.shop.goods import make_cart, make_product, make_promotion, make_shipping, make_tax, rows, set_price

pytestmark = pytest.mark.django_db


@pytest.fixture
def mug():
    return make_product("Mug", stock=5, USD="10.00", EUR="9.00", JPY="1500")


@pytest.fixture
def tee():
    return make_product("Tee", USD="24.00", EUR="22.00")


@pytest.fixture
def ada():
    return User.objects.create_user("ada", "ada@example.com", "secret")


def visit(user=None, session=None):
    """A request of a browser that has been here before."""
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    request.session = session if session is not None else SessionStore()
    request.COOKIES["sessionid"] = "known"
    return request


def contents(order):
    return {line.sku: line.quantity for line in order.line_items.all()}


def put(client, product, quantity=1):
    return client.post(f"/p/{product.slug}/add", {"quantity": quantity}, follow=True)


# Whose it is


def test_a_guests_cart_is_named_by_the_session(mug):
    request = visit()
    assert cart.find(request) is None
    order = cart.take(request)
    cart.add(order, mug, 2)

    again = visit(session=request.session)
    assert cart.find(again) == order
    assert cart.take(again) == order
    assert cart.count_of(again) == 2
    assert cart.find(visit()) is None


def test_a_users_cart_is_there_on_every_device(mug, ada):
    order = cart.take(visit(ada))
    assert (order.user, order.email) == (ada, "ada@example.com")
    assert cart.find(visit(ada)) == order
    assert cart.find(visit(User.objects.create_user("eve"))) is None


def test_nobody_gets_a_users_cart_by_its_number_in_a_session(ada):
    order = cart.take(visit(ada))
    session = SessionStore()
    session[cart.KEPT_AS] = order.pk
    assert cart.find(visit(session=session)) is None


def test_an_order_that_was_placed_is_no_cart_any_more(mug, ada):
    order = cart.take(visit(ada))
    cart.add(order, mug)
    make_payment(order=order, method=make_method(auto_capture=True))
    order.complete()
    assert cart.find(visit(ada)) is None


def test_an_order_from_elsewhere_is_no_cart(ada):
    Order.objects.create(user=ada, currency="USD")
    assert cart.find(visit(ada)) is None


def test_a_cart_that_was_let_go_is_not_found_again(ada):
    request = visit(ada)
    order = cart.take(request)
    cart.let_go(request)
    assert cart.find(visit(ada)) is None
    assert Order.objects.filter(pk=order.pk).exists()


# Merged when signing in


def test_a_guests_cart_becomes_the_users(mug, ada):
    request = visit()
    cart.add(cart.take(request), mug, 2)
    guest = cart.find(request)

    merged = cart.merge(visit(ada, request.session), ada)

    assert merged == guest
    assert (merged.user, merged.email) == (ada, "ada@example.com")
    assert contents(cart.find(visit(ada))) == {"MUG": 2}


def test_two_carts_become_one_and_no_more_is_taken_than_there_is(mug, tee, ada):
    mine = cart.take(visit(ada))
    cart.add(mine, mug, 3)
    request = visit()
    guest = cart.take(request)
    cart.add(guest, mug, 4)
    cart.add(guest, tee, 1)
    cart.apply_code(guest, make_promotion().code)

    merged = cart.merge(visit(ada, request.session), ada)

    assert merged == mine
    assert contents(merged) == {"MUG": 5, "TEE": 1}
    assert str(Order.objects.get().total.amount) == "66.60"
    assert rows(merged) == [("promotion", "-7.40")]


def test_merging_changes_the_currency_to_that_of_the_users_cart(mug, ada):
    cart.take(visit(ada), "EUR")
    request = visit()
    cart.add(cart.take(request, "USD"), mug)
    merged = cart.merge(visit(ada, request.session), ada)
    assert (str(merged.currency), str(merged.total.amount)) == ("EUR", "9.00")


def test_a_cart_that_is_being_paid_is_left_alone_when_signing_in(mug, tee, ada, scripted):
    mine = cart.take(visit(ada))
    cart.add(mine, mug)
    wait_for_payment(mine, scripted)
    request = visit()
    guest = cart.take(request)
    cart.add(guest, tee)

    assert cart.merge(visit(ada, request.session), ada) == guest
    assert cart.find(visit(ada)) == guest
    assert contents(mine) == {"MUG": 1}


def test_a_guests_order_that_is_being_paid_goes_on_without_the_account(mug, ada, scripted):
    request = visit()
    guest = cart.take(request)
    cart.add(guest, mug)
    wait_for_payment(guest, scripted)

    assert cart.merge(visit(ada, request.session), ada) is None
    assert Order.objects.get().user is None


def test_signing_in_without_a_cart_changes_nothing(ada):
    assert cart.merge(visit(ada), ada) is None
    mine = cart.take(visit(ada))
    assert cart.merge(visit(ada), ada) == mine


# In and out


def test_the_same_product_is_one_line_and_prices_are_the_shops(mug):
    order = cart.take(visit())
    cart.add(order, mug)
    set_price(mug, "11.00")
    cart.add(order, mug, 2)
    assert contents(order) == {"MUG": 3}
    assert str(order.total.amount) == "33.00"


@pytest.mark.parametrize(
    ("quantity", "says"),
    [(6, "Only 5 of Mug are left."), (0, "whole number"), (-1, "whole number"), (100, "At most 99")],
)
def test_what_cannot_be_is_refused_and_changes_nothing(mug, quantity, says):
    order = cart.take(visit())
    with pytest.raises(cart.Refused, match=says):
        cart.add(order, mug, quantity)
    assert (contents(order), order.total.amount) == ({}, 0)


def test_a_product_that_is_not_on_offer_is_refused(mug):
    order = cart.take(visit())
    for facts in ({"active": False}, {"active": True, "stock": 0}):
        Product.objects.filter(pk=mug.pk).update(**facts)
        with pytest.raises(cart.Refused):
            cart.add(order, Product.objects.get(pk=mug.pk))


def test_what_was_removed_can_be_put_back(mug):
    order = cart.take(visit())
    line = cart.add(order, mug, 3)
    removed = cart.remove(order, line)
    assert (contents(order), order.total.amount) == ({}, 0)
    cart.add(order, Product.objects.get(sku=removed.sku), removed.quantity)
    assert contents(order) == {"MUG": 3}


def test_another_quantity_sends_checkout_back_to_the_cart_and_the_goods_to_the_shelf(mug):
    order = cart.take(visit())
    order.email = "ada@example.com"
    order.save(update_fields=["email"])
    line = cart.add(order, mug, 3)
    payment = make_payment(order=order)
    order.advance()
    stock.hold(order)

    cart.set_quantity(order, line, 1)

    payment.refresh_from_db()
    mug.refresh_from_db()
    assert (order.state, payment.state, mug.stock) == ("cart", "invalid", 5)
    assert str(order.total.amount) == "10.00"


def wait_for_payment(order, scripted):
    Order.objects.filter(pk=order.pk).update(email="ada@example.com")
    order.refresh_from_db()
    scripted.script["purchase"] = Response(outcome=Outcome.ACTION_REQUIRED, authorization="A", next_action={})
    make_payment(order=order, method=make_method(auto_capture=True))
    order.complete()
    assert order.state == "confirm"


def test_a_cart_that_is_being_paid_cannot_be_changed_and_a_new_one_is_begun(mug, tee, scripted):
    request = visit()
    order = cart.take(request)
    line = cart.add(order, mug)
    wait_for_payment(order, scripted)

    for change in (
        lambda: cart.add(order, tee),
        lambda: cart.set_quantity(order, line, 2),
        lambda: cart.drop_code(order),
        lambda: cart.in_currency(order, "EUR"),
    ):
        with pytest.raises(PaymentBusy):
            change()
    assert contents(Order.objects.get(pk=order.pk)) == {"MUG": 1}

    again = visit(session=request.session)
    assert cart.find(again) == order
    new = cart.take(again)
    assert new != order
    assert cart.find(visit(session=request.session)) == new


# Codes and currencies


def test_a_code_is_known_however_it_is_typed(mug):
    order = cart.take(visit())
    cart.add(order, mug, 2)
    make_promotion()
    cart.apply_code(order, " t en ")
    assert str(order.total.amount) == "18.00"
    cart.drop_code(order)
    assert (str(order.total.amount), rows(order)) == ("20.00", [])


@pytest.mark.parametrize("code", ["NONE", "OVER", "EUROS"])
def test_a_code_that_does_not_hold_is_refused(mug, code):
    order = cart.take(visit())
    cart.add(order, mug)
    make_promotion("OVER").__class__.objects.filter(code="OVER").update(active=False)
    make_promotion("EUROS", EUR="5.00")
    with pytest.raises(cart.Refused):
        cart.apply_code(order, code)
    assert Basket.objects.get().promotion is None


def test_another_currency_is_another_order_with_the_same_goods(mug, tee, ada):
    request = visit(ada)
    order = cart.take(request)
    cart.add(order, mug, 2)
    cart.add(order, tee)
    cart.apply_code(order, make_promotion(USD="5.00", EUR="4.00").code)

    cart.choose_currency(request, "EUR")

    new = cart.find(visit(ada))
    assert new == cart.find(request)
    assert (str(new.currency), contents(new), str(new.total.amount)) == ("EUR", {"MUG": 2, "TEE": 1}, "36.00")
    assert Order.objects.count() == 1

    cart.choose_currency(request, "JPY")
    assert contents(cart.find(request)) == {"MUG": 2}  # The tee has no price in yen.
    with pytest.raises(cart.Refused):
        cart.choose_currency(request, "XXX")


def test_an_order_that_somebody_tried_to_pay_keeps_its_currency_and_its_payments(mug):
    order = cart.take(visit())
    cart.add(order, mug)
    make_payment(order=order)
    new = cart.in_currency(order, "EUR")
    assert Order.objects.get(pk=order.pk).payments.get().state == "invalid"
    assert (new.payments.count(), new.basket.active) == (0, True)


# By its forms


def test_the_whole_life_of_a_cart_by_its_forms_alone(mug, tee):
    client = Client(enforce_csrf_checks=False)
    assert "There is nothing in your cart." in client.get("/cart/").content.decode()

    page = put(client, mug, 2).content.decode()
    assert "Mug is in your cart." in page and "$20.00" in page
    line = Order.objects.get().line_items.get()

    page = client.post(f"/cart/lines/{line.pk}", {"quantity": 3}, follow=True).content.decode()
    assert "$30.00" in page
    page = client.post(f"/cart/lines/{line.pk}", {"quantity": 3, "remove": "1"}, follow=True).content.decode()
    assert "“Mug” was removed." in page and "There is nothing in your cart." in page
    page = client.post("/cart/undo", follow=True).content.decode()
    assert "$30.00" in page and "was removed" not in page

    make_promotion()
    page = client.post("/cart/code", {"code": "ten"}, follow=True).content.decode()
    assert "$27.00" in page
    page = client.post("/cart/code", {"drop": "1"}, follow=True).content.decode()
    assert "$27.00" not in page
    page = client.post("/currency", {"currency": "EUR", "next": "/cart/"}, follow=True).content.decode()
    assert "€27.00" in page


@pytest.mark.parametrize("quantity", ["", "x", "1.5", "-1", "²", "99999999", "0"])
def test_a_quantity_that_is_none_is_answered_with_a_sentence(mug, quantity):
    page = put(Client(), mug, quantity)
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


def test_a_price_that_changed_since_is_said_on_the_cart_page(mug):
    client = Client()
    put(client, mug)
    set_price(mug, "12.00")
    assert "Mug now costs $12.00; it was $10.00." in client.get("/cart/").content.decode()
    assert "now costs" not in client.get("/cart/").content.decode()


def test_a_cart_that_is_being_paid_says_so(mug, scripted):
    client = Client()
    put(client, mug)
    order = Order.objects.get()
    wait_for_payment(order, scripted)
    page = client.get("/cart/").content.decode()
    assert "is being confirmed" in page and "Go to checkout" not in page
    line = order.line_items.get()
    page = client.post(f"/cart/lines/{line.pk}", {"quantity": 2}, follow=True).content.decode()
    assert 'role="alert"' in page


def test_an_order_that_became_another_in_another_window_is_gone(mug):
    order = cart.take(visit())
    cart.add(order, mug)
    cart.in_currency(Order.objects.get(), "EUR")
    for change in (lambda: cart.add(order, mug), lambda: cart.drop_code(order)):
        with pytest.raises(Order.DoesNotExist):
            change()


def test_nobody_changes_the_line_of_somebody_else(mug):
    put(Client(), mug)
    line = Order.objects.get().line_items.get()
    Client().post(f"/cart/lines/{line.pk}", {"quantity": 1, "remove": "1"})
    assert contents(Order.objects.get()) == {"MUG": 1}


def test_it_changes_by_post_with_a_token_and_leads_nowhere_else(mug):
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/p/{mug.slug}/add").status_code == 403
    assert client.get(f"/p/{mug.slug}/add").status_code == 405
    away = Client().post("/currency", {"currency": "EUR", "next": "https://elsewhere.example/"})
    assert away["Location"] == "/"


def test_the_cart_takes_at_most_twelve_statements_however_much_is_in_it(ada):
    client = Client()
    client.force_login(ada)
    promotion = make_promotion()
    order = make_cart(user=ada, country="US", state="CO")
    Basket.objects.update(promotion=promotion, shipping_method=make_shipping("Post", US_USD="5.00"))
    make_tax("US", "0.029", region="CO")
    counts = set()
    for number in range(9):
        cart.add(order, make_product(f"Product {number}", stock=9))
        if number in (0, 8):
            client.get("/cart/")
            with statements() as ran:
                client.get("/cart/")
            counts.add(len(ran))
    assert len(counts) == 1, counts
    order.advance()
    make_payment(order=order)
    with statements() as ran:
        client.get("/cart/")
    assert len(ran) <= 12
