"""Customers on their way from a product to a paid order: each ends with exactly the right money in the books."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect

from orders.models import Order
from payments.models import CreditCard, Operation, PaymentMethod
from payments.simulator.in_process import Transport
from payments.simulator.options import Options
from payments.simulator.server import Simulator
from payments.wallet import Wallet
from shop.links import order_url
from shop.models import Product
from tests.journeys.conftest import DESKTOP, PHONE
from tests.payments.inbox_shop import CONFIG, SECRETS
from tests.shop.storefront import Customer, bogus, stocked

pytestmark = pytest.mark.django_db(transaction=True)

CHALLENGED = "4000 0000 0000 3220"


@pytest.fixture
def shop(live_server: Any, settings: Any) -> Iterator[Simulator]:
    """A product, a test card, a check, and the simulator's page, which runs beside the shop."""
    settings.PAYMENT_SECRETS = SECRETS
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": live_server.url}
    settings.CHECKOUT = dict.fromkeys(settings.CHECKOUT, "")
    stocked()
    bogus(name="Card", position=1)
    with Simulator(options=Options(secret_key=SECRETS["WIRED_KEY"], webhook_secret=SECRETS["WIRED_HOOK"])) as running:
        PaymentMethod.objects.create(
            name="Payment page",
            code="page",
            gateway="simulator",
            config={**CONFIG, "base_url": running.url},
            auto_capture=True,
            position=2,
        )
        yield running


@pytest.fixture
def visitor(browser: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """A browser of its own for each customer."""
    contexts: list[BrowserContext] = []

    def open_page(**options: Any) -> Page:
        options = {"viewport": DESKTOP, "base_url": live_server.url, "timezone_id": "UTC"} | options
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def go(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def to_payment(page: Page) -> None:
    """From the product to the page of the ways to pay."""
    page.goto("/p/tee/")
    go(page, "Add to cart")
    page.goto("/cart/")
    page.get_by_role("link", name="Go to checkout").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    ship_to(page)
    go(page, "Continue to delivery")
    go(page, "Continue to payment")


def carried(page: Page, user: User | None = None) -> None:
    """The same, walked without a browser: what these journeys are about begins at the ways to pay."""
    customer = Customer(user).ready(Product.objects.get(), user=user)
    session = customer.client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "domain": "localhost", "path": "/"}])
    page.goto("/checkout/payment/")


def ship_to(page: Page) -> None:
    page.locator("#id_shipping-name").fill("Ada Byron")
    page.locator("#id_shipping-address1").fill("12 Marylebone Rd")
    page.locator("#id_shipping-zip").fill("NW1 5JX")
    page.locator("#id_shipping-city").fill("London")
    page.locator("#id_shipping-country").select_option("GB")


def by_card(page: Page, *, declined: bool = False) -> None:
    page.get_by_label("Card", exact=False).first.check()
    page.get_by_role("button", name=f"Take it {'4000' if declined else '4111'}").click()
    go(page, "Continue to review")


def by_page(page: Page) -> None:
    page.get_by_label("Payment page").check()
    go(page, "Continue to review")


PLACE = re.compile(r"^Place the order and pay \$30\.00")


def pay_there(page: Page) -> None:
    """On the simulator's own page: a card that is challenged."""
    page.locator("[name=number]").fill(CHALLENGED)
    page.locator("[name=expiry]").fill("12/40")
    page.locator("[name=cvc]").fill("123")
    page.locator("[name=name]").fill("Ada Byron")
    page.locator("[name=number]").press("Enter")


def the_order() -> Order:
    found: Order = Order.objects.get()
    return found


def charged(simulator: Simulator) -> list[tuple[str, int]]:
    """The simulator's own books."""
    records = simulator.engine.call("GET", "/v1/records").json()["data"]
    return [(each["kind"], each["amount"]) for each in records]


def asked() -> list[tuple[str, str, str]]:
    rows = Operation.objects.order_by("id")
    return [(each.payment.payment_method.code, each.kind, each.state) for each in rows]


def wait_until(done: Callable[[], bool]) -> None:
    for _ in range(300):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError("It did not come about.")


def test_a_guest_with_a_card_who_clicks_twice_and_goes_back(shop, visitor, look):
    page = visitor()
    to_payment(page)
    for step in ("address", "delivery"):
        page.goto(f"/checkout/{step}/")
        look(page, f"checkout-{step}", part="body")
    page.goto("/checkout/payment/")
    page.get_by_label("Card", exact=False).first.check()
    expect(page.locator("#id_card-number")).to_be_visible()
    page.get_by_role("button", name="Take it 4111").click()
    look(page, "checkout-payment", part="body")
    go(page, "Continue to review")
    look(page, "checkout-review", part="body")
    page.get_by_role("button", name=PLACE).dblclick()
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    look(page, "checkout-complete", part="body")
    page.go_back()
    page.go_back()
    page.goto("/checkout/confirm/")
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    expect(page.get_by_role("status")).to_have_text("This order has been placed already.")
    assert asked() == [("card", "purchase", "succeeded")]
    assert (the_order().state, str(the_order().payment_total.amount)) == ("complete", "30.00")
    assert charged(shop) == []


def test_declined_and_then_a_page_with_a_challenge(shop, visitor, look):
    page = visitor()
    carried(page)
    by_card(page, declined=True)
    page.get_by_role("button", name=PLACE).click()
    expect(page.get_by_role("alert")).to_contain_text("This payment did not come about")
    look(page, "checkout-declined", part="body")
    page.emulate_media(color_scheme="dark")
    look(page, "checkout-declined-dark", part="body")
    by_page(page)
    page.get_by_role("button", name=PLACE).click()
    page.wait_for_url(f"{shop.url}/**")
    order = the_order()
    page.go_back()  # Thinks twice: the page is waited for, and nothing else can be paid meanwhile.
    page.goto("/checkout/payment/")
    expect(page.locator("h1")).to_have_text("Your payment needs you")
    look(page, "checkout-waiting", part="body")
    page.get_by_role("link", name="Continue to the payment page").click()
    pay_there(page)
    go(page, "Yes, approve the payment")
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    order.refresh_from_db()
    assert (order.state, order.payment_state) == ("complete", "paid")
    assert charged(shop) == [("authorize", 3000), ("capture", 3000)]
    assert asked() == [("card", "purchase", "declined"), ("page", "purchase", "succeeded")]


def test_the_browser_is_closed_at_the_challenge_and_the_notice_finishes_the_order(shop, visitor):
    """The bank's app approves it after that."""
    page = visitor(viewport=PHONE, color_scheme="dark", has_touch=True)
    carried(page)
    by_page(page)
    page.get_by_role("button", name=PLACE).click()
    pay_there(page)
    expect(page.get_by_role("button", name="Yes, approve the payment")).to_be_visible()
    challenge = urlsplit(page.url).path
    page.context.close()
    phone = visitor(viewport=PHONE)
    phone.goto(order_url(the_order()))
    expect(phone.locator("h1")).to_have_text("Your payment needs you")
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": shop.url}
    status, _headers, _page = Transport(shop.engine).request("POST", challenge, b"passed=yes", headers)
    assert status == 303
    wait_until(lambda: the_order().state == "complete")
    assert the_order().payment_state == "paid"
    assert charged(shop) == [("authorize", 3000), ("capture", 3000)]
    expect(phone.locator("h1")).to_have_text("Thank you for your order")  # The page went on by itself.


def test_an_account_pays_with_its_saved_card(shop, visitor):
    user = User.objects.create_user("ada", email="ada@example.com")
    card = CreditCard.objects.create(token="BGS-approves", brand="visa", last_four="1111", month=12, year=2040)
    Wallet(user).add(card, PaymentMethod.objects.get(code="card"))
    page = visitor()
    carried(page, user)
    expect(page.get_by_label("Visa •••• 1111")).to_be_checked()
    expect(page.locator("#id_card-number")).to_be_hidden()
    go(page, "Continue to review")
    page.get_by_role("button", name=PLACE).click()
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    assert asked() == [("card", "purchase", "succeeded")]
    assert the_order().user == user


def test_two_tabs_place_the_same_order(shop, visitor):
    first = visitor()
    carried(first)
    by_card(first)
    second = first.context.new_page()
    second.goto("/checkout/confirm/")
    for tab in (first, second):
        tab.get_by_role("button", name=PLACE).click(no_wait_after=True)
    expect(first.locator("h1")).to_have_text(
        re.compile("Thank you for your order|Your payment is being confirmed|Your cart")
    )
    second.wait_for_url(lambda url: "confirm" not in url)
    wait_until(lambda: the_order().state == "complete")
    assert asked() == [("card", "purchase", "succeeded")]
    assert str(the_order().payment_total.amount) == "30.00"


def test_without_script_on_a_phone(shop, visitor):
    page = visitor(viewport=PHONE, java_script_enabled=False)
    to_payment(page)
    page.locator("[name=method][value=card]").check()
    for name, value in {"number": "4111111111111111", "name": "Ada", "expiry": "12/34", "code": "123"}.items():
        page.locator(f"#id_card-{name}").fill(value)
    go(page, "Continue to review")
    page.get_by_role("button", name=PLACE).click()
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    assert asked() == [("card", "purchase", "succeeded")]


def test_a_provider_s_script_that_does_not_load(shop, visitor, settings):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "braintree": "tests.shop.gateways.OutOfReach"}
    PaymentMethod.objects.create(name="Elsewhere", code="elsewhere", gateway="braintree", auto_capture=True, position=3)
    page = visitor()
    carried(page)
    page.get_by_label("Elsewhere").check()
    expect(page.get_by_role("alert")).to_contain_text("not available at the moment. Nothing was charged.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert page.locator("input[autocomplete=cc-number]:visible").count() == 0
    by_card(page)
    page.get_by_role("button", name=PLACE).click()
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    assert asked() == [("card", "purchase", "succeeded")]
