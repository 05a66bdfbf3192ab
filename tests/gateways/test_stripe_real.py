"""Against Stripe itself, in its test mode: only where somebody has put a test key into the environment.

    STRIPE_TEST_SECRET_KEY=sk_test_… .venv/bin/python -m pytest tests/gateways/test_stripe_real.py

No money moves there. Nothing is sent with a key that is not a test key.
"""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from payments.gateways.base import Outcome
from payments.gateways.conformance import Source
from payments.gateways.stripe import StripeGateway
from tests.gateways.stripe_benches import DECLINES, StripeBench

KEY = os.environ.get("STRIPE_TEST_SECRET_KEY", "")
WHY = "asks Stripe itself: set STRIPE_TEST_SECRET_KEY to a key that begins with sk_test_ or rk_test_"
pytestmark = pytest.mark.skipif(not KEY.startswith(("sk_test_", "rk_test_")), reason=WHY)
VISA = Source(token="pm_card_visa")


@pytest.fixture(scope="module")
def stripe():
    return StripeGateway({"secret_key": KEY}, test=True)


def options(**more):
    said = {"email": f"ada-{uuid.uuid4().hex[:8]}@example.com", "currency": "USD"}
    return StripeBench().options(**{**said, **more})


def test_a_hold_is_taken_in_part_and_given_back_in_parts(stripe):
    held = stripe.authorize(1_000, VISA, options())
    assert held.outcome is Outcome.APPROVED, held
    assert datetime.fromisoformat(held.params["expires_at"]) > datetime.now(UTC) + timedelta(days=1)
    taken = stripe.capture(600, held.authorization, options())
    assert (taken.outcome, taken.amount_minor, taken.reference) == (Outcome.APPROVED, 600, held.reference)
    for _ in range(2):
        assert stripe.credit(200, held.authorization, options()).success
    assert stripe.credit(201, held.authorization, options()).error_code == "invalid_amount"
    there = stripe.fetch(held.authorization)
    assert (there.authorized_minor, there.captured_minor, there.refunded_minor) == (1_000, 600, 400)


def test_a_hold_is_let_go(stripe):
    held = stripe.authorize(1_000, VISA, options())
    assert stripe.void(held.authorization, options()).success
    assert stripe.fetch(held.authorization).voided
    assert stripe.capture(1_000, held.authorization, options()).outcome is Outcome.DECLINED


@pytest.mark.parametrize(("code", "name"), [each for each in DECLINES.items() if each[0] != "velocity_exceeded"])
def test_refusals_have_our_words(stripe, code, name):
    refused = stripe.purchase(1_000, Source(token=name), options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, code)


def test_a_challenge_leads_to_the_bank(stripe):
    waits = stripe.purchase(1_000, Source(token="pm_card_threeDSecure2Required"), options())
    assert (waits.outcome, waits.next_action["type"]) == (Outcome.ACTION_REQUIRED, "redirect")


def test_the_same_key_is_the_same_deed_and_is_found(stripe):
    asked = options()
    first, again = (stripe.authorize(1_000, VISA, asked) for _ in range(2))
    assert (first.authorization, first.reference) == (again.authorization, again.reference)
    key = {"kind": "authorize", "idempotency_key": asked["idempotency_key"], "order_id": "", "authorization": ""}
    assert stripe.lookup(**key).reference == first.reference


def test_a_card_is_kept_charged_and_forgotten(stripe):
    asked = options(customer_id=7)
    saved = Source(token=stripe.store(VISA, asked))
    assert stripe.describe(saved.token)["last_four"] == "4242"
    assert stripe.purchase(1_000, saved, options(initiator="staff")).success
    stripe.forget(saved)
    stripe.forget(saved)
    assert stripe.purchase(1_000, saved, options()).outcome is Outcome.DECLINED


def test_the_books_have_what_was_just_done(stripe):
    sold = stripe.purchase(1_000, VISA, options())
    now = datetime.now(UTC)
    records = list(stripe.list_records(now - timedelta(minutes=10), now + timedelta(minutes=10)))
    assert sold.authorization in {record.authorization for record in records}
