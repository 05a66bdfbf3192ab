"""A customer's account in a browser: opened with a cart, a card kept and charged, the order seen, the card removed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from orders.models import Order
from payments.wallet import Wallet
from tests.journeys.conftest import PHONE
from tests.journeys.test_checkout import PLACE, asked, go, ship_to, visitor  # noqa: F401
from tests.shop.storefront import bogus, stocked

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL, PASSWORD = "ada@example.com", "a-horse-and-9-stables"


@pytest.fixture
def shop(live_server: Any, settings: Any) -> None:
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": live_server.url}
    stocked()
    bogus(name="Card", position=1)


def heading(page: Page, words: str) -> None:
    expect(page.locator("h1")).to_have_text(words)


def test_an_account_is_opened_with_a_cart_a_card_is_kept_charged_and_removed(shop, visitor, look):  # noqa: F811
    page = visitor()
    blocked: list[str] = []
    page.on("console", lambda said: blocked.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto("/p/tee/")
    go(page, "Add to cart")
    page.goto("/account/")
    heading(page, "Sign in")
    look(page, "account-sign-in", part="body")
    page.get_by_role("link", name="Open an account").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    go(page, "Open the account")
    heading(page, "Your orders")

    page.get_by_role("link", name="Cards").click()
    heading(page, "Your cards")
    look(page, "account-no-card", part="body")
    page.get_by_role("link", name="Add a card").click()
    heading(page, "Add a card")
    page.get_by_role("button", name="Take it 4111").click()
    look(page, "account-add-card", part="body")
    go(page, "Keep this card")
    expect(page.get_by_role("heading", name="Visa •••• 1111")).to_be_visible()
    look(page, "account-cards", part="body")

    page.goto("/checkout/")
    expect(page.get_by_label("E-mail")).to_have_value(EMAIL)
    ship_to(page)
    go(page, "Continue to delivery")
    go(page, "Continue to payment")
    expect(page.get_by_label("Visa •••• 1111")).to_be_checked()
    go(page, "Continue to review")
    page.get_by_role("button", name=PLACE).click()
    heading(page, "Thank you for your order")
    assert asked() == [("card", "purchase", "succeeded")]

    order = Order.objects.get()
    page.goto("/account/")
    heading(page, "Your orders")
    look(page, "account-orders", part="body")
    page.get_by_role("link", name=order.number).click()
    expect(page.get_by_text("$30.00 was paid.")).to_be_visible()
    look(page, "account-order", part="body")
    page.get_by_role("link", name="Proforma invoice").click()
    expect(page.locator("main")).to_contain_text(order.number)
    page.get_by_role("link", name="Back").click()

    page.get_by_role("link", name="Addresses").click()
    go(page, "Ship here by default")
    expect(page.get_by_text("This address is a default from now on.")).to_be_visible()
    look(page, "account-addresses", part="body")
    page.get_by_role("link", name="Details").click()
    heading(page, "Your details")
    look(page, "account-details", part="body")

    page.set_viewport_size(PHONE)
    page.get_by_role("link", name="Cards").click()
    page.get_by_role("link", name="Remove •••• 1111").click()
    heading(page, "Remove this card?")
    look(page, "account-card-remove", part="body")
    go(page, "Remove the card")
    expect(page.get_by_text("No card is kept for you.")).to_be_visible()
    assert not Wallet(User.objects.get()).entries().exists()
    assert blocked == []

    page.get_by_role("link", name="Details").click()
    page.locator("main").get_by_role("button", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    look(page, "account-french", part="body")
