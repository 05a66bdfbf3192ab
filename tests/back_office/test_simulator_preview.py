"""The preview of an errand shows what the simulator itself holds, asked over HTTP."""

from __future__ import annotations

import pytest

from payments.models import CreditCard
from payments.simulator.options import Options
from payments.simulator.server import Simulator
from tests.back_office.conftest import errand_page, text_of
from tests.factories import authorized, make_method

pytestmark = pytest.mark.django_db
MONEY = ("view_payment", "capture_payment", "void_payment", "refund_payment")


@pytest.fixture(scope="module")
def simulator():
    with Simulator(options=Options(secret_key="sk_test_preview")) as running:
        yield running


@pytest.fixture
def clerk(staff):
    return staff(*MONEY)


@pytest.fixture
def held(simulator, settings):
    """$100.00 that the simulator holds."""
    settings.PAYMENT_SECRETS = {"SIMULATOR_SECRET_KEY": "sk_test_preview"}
    config = {"base_url": simulator.url, "secret_key": "SIMULATOR_SECRET_KEY"}
    card = CreditCard.objects.create(token="tok_visa", brand="visa", last_four="4242", month=12, year=2030)
    return authorized("100.00", method=make_method(gateway="simulator", config=config), source=card)


def test_the_preview_has_the_providers_own_figures(clerk, held):
    words = text_of(clerk.get(errand_page(held, "capture")))
    assert "What the provider holds now" in words
    assert "Authorized $100.00 $100.00" in words
    assert "Captured $0.00 $0.00" in words
    assert "The authorization ends on" in words
    assert "The provider's figures are not ours." not in words


def test_what_happened_outside_is_seen_before_anything_is_done(clerk, held, simulator):
    deed = {"payment": held.response_code, "deed": "capture", "amount": 4_000}
    assert simulator.engine.call("POST", "/_events", deed).status == 200
    words = text_of(clerk.get(errand_page(held, "capture")))
    assert "The provider's figures are not ours." in words
    assert "Captured $0.00 $40.00" in words


def test_a_hold_that_ran_out_is_seen(clerk, held, simulator):
    simulator.engine.call("POST", "/_events", {"payment": held.response_code, "deed": "expire"})
    assert "Let go no yes" in text_of(clerk.get(errand_page(held, "capture")))


def test_a_simulator_that_is_silent_does_not_keep_the_preview_away(clerk, held, simulator):
    rule = {"fault": "lost_answer", "kind": "fetch"}
    simulator.engine.call("POST", "/_faults", {"rules": [rule]})
    words = text_of(clerk.get(errand_page(held, "void")))
    assert "The provider did not say what it holds: 127.0.0.1 could not be reached, or hung up" in words
    assert "It is a void" in words
