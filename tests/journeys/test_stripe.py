"""Stripe's fields on the payment page, played by localstripe's script, and staff at work on what was paid there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from payments.models import Payment, PaymentMethod, RefundReason
from tests.drills.localstripe import LocalStripe, NotInstalled
from tests.drills.test_localstripe import OLD, UNKNOWN_TO_IT
from tests.journeys.test_checkout import PLACE, carried, go, shop, the_order, visitor, wait_until
from tests.journeys.test_staff import open_payment, press, sums

__all__ = ["shop", "visitor"]
pytestmark = pytest.mark.django_db(transaction=True)
GOOD, REFUSED, CHALLENGED = "4242424242424242", "4000000000000341", "4000002760003184"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    try:
        started = LocalStripe(tmp_path_factory.mktemp("localstripe"))
    except NotInstalled as reason:
        pytest.skip(str(reason))
    yield started
    started.stop()


@pytest.fixture
def method(shop: Any, provider: LocalStripe, settings: Any) -> PaymentMethod:
    settings.PAYMENT_SECRETS = {**settings.PAYMENT_SECRETS, "STRIPE": provider.key, "STRIPE_HOOK": provider.secret}
    config = {
        "secret_key": "STRIPE",
        "publishable_key": "pk_test_localstripe",
        "webhook_secret": "STRIPE_HOOK",
        "base_url": provider.url,
        "script_url": f"{provider.url}/js.stripe.com/v3/",
        "api_version": OLD,
        "extra_params": UNKNOWN_TO_IT,
    }
    made: PaymentMethod = PaymentMethod.objects.create(
        name="Credit card", code="stripe", gateway="stripe", config=config, position=3
    )
    return made


def by_stripe(page: Page, number: str) -> None:
    page.get_by_label("Credit card").check()
    fields = page.locator("[data-stripe-card]")
    expect(fields.get_by_placeholder("number")).to_be_visible(timeout=15_000)
    page.locator("[data-stripe-name]").fill("Ada Byron")
    for name, value in {"number": number, "exp_month": "12", "exp_year": "30", "cvc": "123"}.items():
        fields.get_by_placeholder(name).fill(value)
    go(page, "Continue to review")


def test_declined_then_paid_and_worked_on(method, provider, visitor, signed_in, look):
    RefundReason.objects.create(name="Requested by customer")
    page = visitor()
    carried(page)
    page.get_by_label("Credit card").check()
    look(page, "checkout-stripe", part="[data-stripe]")
    by_stripe(page, REFUSED)
    page.get_by_role("button", name=PLACE).click()
    expect(page.get_by_role("alert")).to_contain_text("This payment did not come about")
    by_stripe(page, GOOD)
    page.get_by_role("button", name=PLACE).click()
    expect(page.locator("h1")).to_have_text("Thank you for your order")
    payment = Payment.objects.get(order=the_order(), state="pending")
    assert provider.ask("GET", f"/v1/payment_intents/{payment.response_code}")["status"] == "requires_capture"

    staff = signed_in("mira")
    open_payment(staff, payment)
    press(staff, "Capture")
    staff.get_by_label("Amount in USD").fill("20")
    staff.get_by_role("button", name="Show with this amount").click()
    staff.get_by_role("button", name="Capture $20.00").click()
    expect(staff.locator(".messagelist")).to_contain_text("Done: capture of $20.00.")
    press(staff, "Refund")
    staff.get_by_label("Amount in USD").fill("5")
    staff.get_by_role("button", name="Show with this amount").click()
    staff.get_by_label("Reason").select_option("Requested by customer")
    staff.get_by_role("button", name="Refund $5.00").click()
    expect(staff.locator(".messagelist")).to_contain_text("Done: refund of $5.00.")
    assert sums(payment) == ("completed", 20, 5)
    theirs = provider.ask("GET", f"/v1/refunds?payment_intent={payment.response_code}")["data"]
    assert 500 in [each["amount"] for each in theirs]


@pytest.mark.parametrize("passed", [True, False])
def test_the_bank_asks_within_our_page(method, provider, visitor, look, passed):
    page = visitor()
    carried(page)
    by_stripe(page, CHALLENGED)
    page.get_by_role("button", name=PLACE).click()
    expect(page.locator("h1")).to_have_text("Your payment needs you")
    look(page, "checkout-challenge", part="[data-stripe-challenge]")
    go(page, "Confirm with the bank")
    go(page, "Complete authentication" if passed else "Fail authentication")
    ends = "Thank you for your order" if passed else "This payment did not come about"
    expect(page.locator("body")).to_contain_text(re.compile(ends), timeout=15_000)
    wait_until(lambda: Payment.objects.get().state == ("pending" if passed else "failed"))


def test_a_script_that_does_not_load_leaves_no_raw_card_form(method, visitor):
    method.config["script_url"] = "http://127.0.0.1:9/js"
    method.save()
    page = visitor()
    carried(page)
    page.get_by_label("Credit card").check()
    expect(page.get_by_role("alert")).to_contain_text("not available at the moment. Nothing was charged.")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    assert page.locator("input[autocomplete=cc-number]:visible").count() == 0
