"""PayPlug's test mode, for whoever has a key: skipped without one, which is how it has always been run here."""

from __future__ import annotations

import os
import uuid

import pytest

from payments.gateways.base import Outcome
from payments.gateways.conformance import Source
from payments.gateways.payplug import PayPlugGateway

KEY, CARD = os.environ.get("PAYPLUG_SANDBOX_SECRET_KEY", ""), os.environ.get("PAYPLUG_SANDBOX_CARD", "")
SHOP = "https://shop.example/"

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not KEY, reason="no key of PayPlug's test mode in PAYPLUG_SANDBOX_SECRET_KEY"),
]


@pytest.fixture
def gateway():
    return PayPlugGateway({"secret_key": KEY}, test=True)


def options(**more):
    number = uuid.uuid4().hex[:8].upper()
    named = {"order_id": f"R{number}-P{number}", "idempotency_key": f"P{number}-purchase-1", "currency": "EUR"}
    return {**named, "email": "ada@example.com", "return_url": SHOP, "initiator": "checkout", **more}


def look(gateway, kind, asked, authorization=""):
    key, order_id = asked["idempotency_key"], asked["order_id"]
    return gateway.lookup(kind=kind, idempotency_key=key, order_id=order_id, authorization=authorization)


@pytest.mark.parametrize("kind", ["purchase", "authorize"])
def test_a_page_is_opened_found_in_the_list_and_given_up(gateway, kind):
    asked = options()
    waits = getattr(gateway, kind)(1_000, Source(is_hosted=True), asked)
    assert (waits.outcome, waits.amount_minor) == (Outcome.ACTION_REQUIRED, 1_000)
    assert look(gateway, kind, asked).authorization == waits.authorization, "the list is not what we take it for"
    told = gateway.fetch(waits.authorization)
    assert (told.authorized_minor, told.captured_minor, told.voided) == (0, 0, False)
    assert gateway.void(waits.authorization, options()).success
    assert look(gateway, kind, asked, waits.authorization).error_code == "canceled_by_customer"


def test_the_checklist_is_read(gateway):
    found = gateway.check(notification_url=SHOP, currencies=frozenset({"EUR"}))
    assert {each.name for each in found} >= {"account", "capture later", "notices"}


@pytest.mark.skipif(not CARD, reason="no card that PayPlug has kept in PAYPLUG_SANDBOX_CARD")
def test_a_kept_card_is_charged_and_given_back_in_parts(gateway):
    sold = gateway.purchase(1_000, Source(token=CARD), options())
    assert sold.outcome in (Outcome.APPROVED, Outcome.ACTION_REQUIRED)
    if sold.success:
        for amount in (300, 250):
            asked = options()
            assert gateway.credit(amount, sold.authorization, asked).success
            assert gateway.fetch(sold.authorization).refunded_minor
        assert gateway.credit(451, sold.authorization, options()).error_code == "invalid_amount"
