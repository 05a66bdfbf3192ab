"""Braintree's fields in a browser: frames of another origin, a nonce in our form, and what is said without them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from payments.models import PaymentMethod
from tests.journeys.test_checkout import PLACE, carried, go, visitor  # noqa: F401 (a fixture)
from tests.providers.braintree_server import MERCHANT, PRIVATE_KEY, PUBLIC_KEY, BraintreeServer
from tests.shop.storefront import stocked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(live_server: Any, settings: Any) -> Iterator[BraintreeServer]:
    made = BraintreeServer(accounts={"shop_usd": "USD"}).start()
    settings.PAYMENT_SECRETS = {"BRAINTREE_PRIVATE_KEY": PRIVATE_KEY}
    stocked()
    config = {
        "merchant_id": MERCHANT,
        "public_key": PUBLIC_KEY,
        "private_key": "BRAINTREE_PRIVATE_KEY",
        "merchant_accounts": "USD=shop_usd",
        "base_url": made.address,
        "script_url": f"{made.address}/web/js",
    }
    PaymentMethod.objects.create(name="Card", code="card", gateway="braintree", auto_capture=True, config=config)
    yield made
    made.close()


def type_card(page: Page, number: str) -> None:
    for frame, label, value in (
        ("number", "Card number", number),
        ("expirationDate", "Expiry date", "12 / 34"),
        ("cvv", "Security code", "123"),
    ):
        page.frame_locator(f"iframe[title={frame}]").get_by_label(label).fill(value)


def test_a_card_is_typed_into_frames_and_paid(visitor: Any, server: BraintreeServer, look: Any) -> None:  # noqa: F811
    page = visitor()
    carried(page)
    expect(page.locator("iframe[title=number]")).to_be_visible()
    look(page, "braintree-fields", part="main")
    go(page, "Continue to review")
    expect(page.get_by_role("alert").filter(has_text="Look at the card's number")).to_be_visible()
    type_card(page, "4012 8888 8888 1881")
    go(page, "Continue to review")
    expect(page.get_by_text("Visa •••• 1881")).to_be_visible()
    page.get_by_role("button", name=PLACE).click()
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    [sale] = server.books.transactions.values()
    assert (str(sale["amount"]), sale["status"]) == ("30.00", "submitted_for_settlement")
    assert not any(b"4012888888881881" in body.replace(b" ", b"") for _, _, body in server.requests)


def test_fields_that_do_not_come_are_said_and_tried_again(visitor: Any, server: BraintreeServer) -> None:  # noqa: F811
    page = visitor()
    page.route("**/hosted-fields.min.js", lambda route: route.abort())
    carried(page)
    expect(page.get_by_text("Card entry is not available at the moment")).to_be_visible()
    assert page.locator("input[autocomplete=cc-number]").count() == 0
    page.unroute("**/hosted-fields.min.js")
    go(page, "Try again")
    expect(page.locator("iframe[title=number]")).to_be_visible()
