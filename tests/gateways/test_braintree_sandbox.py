"""Braintree's real sandbox, for whoever has keys: skipped without them, which is how it has always been run here."""

from __future__ import annotations

import os
import uuid

import pytest

from payments.gateways.base import Outcome
from payments.gateways.braintree import BraintreeGateway
from payments.gateways.conformance import Source

NAMES = ("MERCHANT_ID", "PUBLIC_KEY", "PRIVATE_KEY", "ACCOUNT")
KEYS = {name: os.environ.get(f"BRAINTREE_SANDBOX_{name}", "") for name in NAMES}
CURRENCY = os.environ.get("BRAINTREE_SANDBOX_CURRENCY") or "EUR"

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not all(KEYS.values()), reason="no keys of Braintree's sandbox in BRAINTREE_SANDBOX_*"),
]


@pytest.fixture
def gateway():
    keys = {name.lower(): value for name, value in KEYS.items() if name != "ACCOUNT"}
    return BraintreeGateway({**keys, "merchant_accounts": f"{CURRENCY}={KEYS['ACCOUNT']}"}, test=True)


def options(**more):
    number = uuid.uuid4().hex[:8].upper()
    named = {"order_id": f"R{number}-P{number}", "idempotency_key": f"P{number}-kit-1", "currency": CURRENCY}
    return {**named, "email": "ada@example.com", "customer": "ada@example.com", "final": True, **more}


def nonce(name="fake-valid-nonce"):
    return Source(token=name)


def test_a_hold_is_taken_in_part_and_looked_up(gateway):
    asked = options()
    held = gateway.authorize(1_000, nonce(), asked)
    assert held.outcome is Outcome.APPROVED
    assert gateway.authorize(1_000, nonce(), asked).reference == held.reference, "request keys do not work here"
    taken = gateway.capture(400, held.authorization, options())
    assert (taken.outcome, taken.amount_minor) == (Outcome.APPROVED, 400)
    told = gateway.fetch(held.authorization)
    assert (told.authorized_minor, told.captured_minor) == (1_000, 400)
    key, order_id = asked["idempotency_key"], asked["order_id"]
    assert gateway.lookup(kind="authorize", idempotency_key=key, order_id=order_id, authorization="")


def test_a_sale_is_settled_and_given_back_in_parts(gateway):
    sold = gateway.purchase(1_000, nonce(), options())
    client = gateway.client()
    client.testing.settle_transaction(sold.authorization)
    for amount in (300, 250):
        assert gateway.credit(amount, sold.authorization, options()).success
    assert gateway.credit(451, sold.authorization, options()).error_code == "invalid_amount"
    assert gateway.fetch(sold.authorization).refunded_minor == 550


def test_an_unsettled_sale_is_voided_or_reversed(gateway):
    for undo in (
        lambda sold: gateway.void(sold, options()),
        lambda sold: gateway.credit(1_000, sold, options()),
    ):
        sold = gateway.purchase(1_000, nonce(), options()).authorization
        assert undo(sold).success
        assert gateway.fetch(sold).captured_minor == 0


def test_declines_come_by_amount(gateway):
    refused = gateway.purchase(200_100, nonce(), options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "insufficient_funds")


def test_a_card_is_kept_charged_and_forgotten(gateway):
    asked = options(customer_id=int(uuid.uuid4().int % 10**9))
    kept = nonce(gateway.store(nonce(), asked))
    assert gateway.purchase(1_000, kept, {**options(), "customer_id": asked["customer_id"]}).success
    gateway.forget(kept)
    gateway.forget(kept)
