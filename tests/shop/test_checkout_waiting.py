"""What is not settled at once: the provider's page, answers that are lost or late, and coming back by the link."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from orders.models import Order
from payments.errors import GatewayUnavailable
from payments.models import Operation, Payment
from shop.links import order_token, order_url
from tests.payments.inbox_shop import Provider, wired_method
from tests.scripted import ScriptedGateway, declined, ok
from tests.shop.storefront import Customer, bogus, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(db):
    return stocked()


@pytest.fixture
def provider(settings):
    made = Provider(settings)
    yield made
    made.engine.close()


@pytest.fixture
def ada(product):
    customer = Customer()
    customer.take(product)
    return customer


@pytest.fixture
def at_the_page(provider, ada):
    """Ada has placed her order and is on the provider's page."""
    wired_method()
    bogus(code="other")
    ada.until("payment").pay_by("card")
    answer = ada.place()
    assert answer["Location"] == page_of(ada)
    return ada


def page_of(customer):
    return customer.order.payments.latest("id").operations.get(state="waiting").next_action["url"]


def seen(customer):
    order = customer.order
    return order.state, order.payment_state, [each.state for each in order.payments.order_by("id")]


def read(customer):
    return customer.client.get(order_url(customer.order)).content.decode()


def status(customer):
    return json.loads(customer.client.get(f"{order_url(customer.order)}status/").content)


def patient(customer):
    """The provider may be asked again."""
    Operation.objects.filter(payment__order=customer.order).update(next_try_at=None)


# The provider's page


def test_paid_on_the_provider_s_page_and_back(provider, at_the_page, product):
    ada = at_the_page
    assert seen(ada) == ("confirm", "", ["processing"])
    assert "Your payment needs you" in read(ada)
    assert status(ada) == {"state": "confirm", "settled": False}
    for step in ("address", "delivery", "payment", "confirm"):
        assert ada.get(step)["Location"] == order_url(ada.order)
    back = provider.pay(ada.order.payments.get())
    patient(ada)
    answer = ada.client.get(back.removeprefix("http://shop.example"))
    assert answer["Location"] == order_url(ada.order)
    assert "Thank you for your order" in read(ada)
    assert status(ada) == {"state": "complete", "settled": True}
    assert seen(ada) == ("complete", "paid", ["completed"])
    product.refresh_from_db()
    assert product.stock == 4


def test_the_browser_is_closed_and_the_notice_finishes_the_order(provider, at_the_page):
    provider.pay(at_the_page.order.payments.get())
    provider.deliver_due()
    assert seen(at_the_page) == ("complete", "paid", ["completed"])
    assert "Thank you for your order" in Customer().client.get(order_url(at_the_page.order)).content.decode()


def test_another_way_closes_the_page_at_the_provider_first(provider, at_the_page, product):
    ada = at_the_page
    payment = ada.order.payments.get()
    answer = ada.client.post(f"{order_url(ada.order)}another-way/")
    assert answer["Location"] == "/checkout/payment/"
    assert seen(ada) == ("payment", "", ["void"])
    product.refresh_from_db()
    assert product.stock == 5
    assert "did not come about" not in ada.get("payment").content.decode()  # It was the customer's own wish.
    provider.visit(
        payment.operations.first().next_action["url"], number="4242424242424242", expiry="12/40", cvc="123", name="A"
    )
    ada.pay_by("other")
    ada.place()
    assert seen(ada) == ("complete", "paid", ["void", "completed"])
    assert provider.engine.call("GET", "/v1/records").json()["data"] == []


def test_another_way_finds_the_page_paid_after_all(provider, at_the_page):
    provider.deaf = True
    provider.pay(at_the_page.order.payments.get())
    answer = at_the_page.client.post(f"{order_url(at_the_page.order)}another-way/")
    assert answer["Location"] == order_url(at_the_page.order)
    assert seen(at_the_page) == ("complete", "paid", ["completed"])


def test_canceled_on_the_provider_s_page(provider, at_the_page):
    provider.visit(f"{page_of(at_the_page)}/cancel", go="1")
    provider.deliver_due()
    page = read(at_the_page)
    assert "You left the payment page without paying." in page
    assert "Go on with this order" in page
    assert at_the_page.client.post(f"{order_url(at_the_page.order)}another-way/")["Location"] == "/checkout/payment/"
    at_the_page.pay_by("other")
    at_the_page.place()
    assert seen(at_the_page) == ("complete", "paid", ["failed", "completed"])


def test_the_link_goes_on_with_the_order_in_another_browser(provider, at_the_page):
    provider.visit(f"{page_of(at_the_page)}/cancel", go="1")
    provider.deliver_due()
    phone = Customer()
    phone.order_pk = at_the_page.order_pk
    assert "Go on with this order" in read(phone)
    assert phone.client.post(f"{order_url(phone.order)}another-way/")["Location"] == "/checkout/payment/"
    phone.pay_by("other")
    phone.place()
    assert seen(phone) == ("complete", "paid", ["failed", "completed"])


@pytest.mark.parametrize("account", [False, True])
def test_what_was_put_in_a_cart_since_then_waits_for_the_older_order(provider, product, account):
    user = User.objects.create_user("ada", email="ada@example.com") if account else None
    ada = Customer(user)
    wired_method()
    bogus(code="other")
    ada.take(product, user=user)
    ada.until("payment").pay_by("card")
    older = ada.order
    ada.place()
    ada.client.post("/p/tee/add", {"quantity": 2})
    newer = Order.objects.latest("id")
    assert newer.pk != older.pk
    assert ada.client.post(f"{order_url(older)}another-way/")["Location"] == "/checkout/payment/"
    assert b"1 \xc3\x97 Tee" in ada.get("payment").content
    ada.pay_by("other")
    ada.client.get(ada.place()["Location"])
    assert seen(ada) == ("complete", "paid", ["void", "completed"])
    assert b"2 \xc3\x97 Tee" in ada.get("address").content


def test_the_link_of_an_account_s_order_pays_for_nobody_else(product):
    user = User.objects.create_user("ada")
    ada, stranger = Customer(user), Customer()
    stranger.order_pk = ada.take(product, user=user).pk
    answer = stranger.client.post(f"{order_url(ada.order)}another-way/")
    assert answer["Location"].startswith("/account/sign-in/?next=%2Forder%2F")
    assert stranger.get("address")["Location"] == "/cart/"
    assert ada.client.post(f"{order_url(ada.order)}another-way/")["Location"] == "/checkout/address/"


# Lost and late answers


def test_an_answer_that_is_lost_is_never_a_failure(ada):
    method = bogus(config={"outage": True})
    bogus(code="other")
    ada.until("confirm")
    agreed = ada.agreed()
    answer = ada.place(agreed)
    assert answer["Location"] == order_url(ada.order)
    assert "Your payment is being confirmed" in read(ada)
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in read(ada)
    assert f'data-waits="{order_url(ada.order)}status/"' in read(ada)
    assert seen(ada) == ("confirm", "", ["processing"])
    for _again in range(2):  # The back button, and impatience.
        assert ada.place(agreed)["Location"] == order_url(ada.order)
        assert ada.pay_by("other")["Location"] == order_url(ada.order)
        assert ada.client.post(f"{order_url(ada.order)}another-way/")["Location"] == order_url(ada.order)
    assert "has not come to an end yet" in read(ada)
    assert Operation.objects.count() == 1
    method.config = {}
    method.save()
    patient(ada)
    assert "Thank you for your order" in read(ada)
    assert seen(ada) == ("complete", "paid", ["completed"])


class Killed(BaseException):
    """What ends a process."""


def test_a_process_that_was_killed_while_it_asked(ada, settings):
    """The claim is committed, and nobody is alive who knows more."""
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "bogus": "tests.shop.gateways.Numbers"}
    bogus()
    ada.until("confirm")
    agreed = ada.agreed()
    ScriptedGateway.script = {"purchase": Killed()}
    with pytest.raises(Killed):
        ada.place(agreed)
    assert [each.state for each in Operation.objects.all()] == ["open"]
    assert ada.place(agreed)["Location"] == order_url(ada.order)
    assert "being confirmed" in read(ada)
    ScriptedGateway.books = {Operation.objects.get().idempotency_key: ok()}
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        patient(ada)
        assert "Thank you for your order" in read(ada)
    assert seen(ada) == ("complete", "paid", ["completed"])
    assert [call[0] for call in ScriptedGateway.calls] == ["purchase", "lookup"]


def test_a_provider_that_was_not_reached_at_all_is_said_to_be_that(ada, settings):
    ScriptedGateway.script = {"*": GatewayUnavailable("Too many requests.", retry_after=3)}
    bogus(code="scripted", gateway="bogus")
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "bogus": "tests.shop.gateways.Numbers"}
    ada.until("payment").pay_by("scripted")
    assert ada.place()["Location"] == "/checkout/payment/"
    assert "could not be reached, and nothing was charged" in ada.get("payment").content.decode()
    ScriptedGateway.script = {"*": declined(), "purchase": ok("GW-1")}
    ada.pay_by("scripted")
    ada.place()
    assert seen(ada) == ("complete", "paid", ["failed", "completed"])


def test_a_card_that_was_deleted_before_the_order_was_placed(ada):
    bogus()
    ada.until("confirm")
    agreed = ada.agreed()
    Payment.objects.get().source.delete()
    assert ada.place(agreed)["Location"] == "/checkout/payment/"
    assert "could not be processed, and nothing was charged" in ada.get("payment").content.decode()
    assert seen(ada) == ("payment", "", ["checkout"])
    ada.pay_by()
    ada.place()
    assert seen(ada) == ("complete", "paid", ["invalid", "completed"])


# The secret link


def test_an_order_is_found_by_its_secret_link_alone(ada):
    bogus()
    ada.until("confirm").place()
    token = order_token(ada.order)
    assert ada.client.get(f"/order/{token}/").status_code == 200
    number = ada.order.number
    for guess in (number, f"{number}.", f"{number}.{'A' * 43}", token[:-1], f"R999999999.{token.partition('.')[2]}"):
        for page in ("", "status/"):
            assert ada.client.get(f"/order/{guess}/{page}").status_code == 404
        assert ada.client.post(f"/order/{guess}/another-way/").status_code == 404
    assert ada.client.get(f"/orders/{number}/").status_code == 404


def test_the_page_of_an_order_that_was_canceled_says_so(ada):
    bogus()
    ada.until("confirm").place()
    order = ada.order
    order.cancel("Out of stock")
    page = read(ada)
    assert "This order was canceled" in page
    assert "$30.00 given back" in page
    assert ada.client.post(f"{order_url(order)}another-way/")["Location"] == order_url(order)
    assert seen(ada)[0] == "canceled"


def test_a_complete_order_is_let_go_of_by_the_session(ada, product):
    bogus()
    ada.until("confirm")
    answer = ada.place()
    ada.client.get(answer["Location"])
    assert "cart" not in ada.client.session
