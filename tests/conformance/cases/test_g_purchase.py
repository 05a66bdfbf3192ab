"""G. purchase()."""

from __future__ import annotations

import pytest

from payments.errors import GatewayError, GatewayUnavailable
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import UNKNOWN
from tests.conformance.observe import money
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway

AREA = "G"


@case("G", 86)
def test_g_086_what_is_asked(shop: Shop) -> None:
    """The gateway is asked with the minor units, the source and the options, and the answer is kept once."""
    payment = shop.payment(shop.order(), "checkout")
    payment.purchase()
    verb, amount, source, options = ScriptedGateway.calls[0]
    assert (verb, amount, source) == ("purchase", 10000, payment.source)
    assert payment.operations.get().idempotency_key == options["idempotency_key"]


@case("G", 87)
def test_g_087_the_codes(shop: Shop) -> None:
    """An approval completes the payment; its authorization and address check are kept."""
    gateways.script(purchase="success")
    payment = shop.payment(shop.order(), "checkout")
    payment.purchase()
    assert (payment.state, payment.response_code, payment.avs_response) == ("completed", "GW-PURCHASE", "D")


@case("G", 88)
def test_g_088_what_was_taken(shop: Shop) -> None:
    """All of the amount is captured, once, and nothing is left to capture."""
    payment = shop.payment(shop.order(), "checkout")
    payment.purchase()
    assert (money(payment.captured_amount), money(payment.uncaptured_amount)) == ("100.00", "0.00")


@case("G", 90, UNKNOWN)
def test_g_090_a_lost_connection(shop: Shop) -> None:
    """A lost connection is a GatewayError: processing, nothing captured, and an unknown operation to recover."""
    gateways.script(purchase="connection_error")
    payment = shop.payment(shop.order(), "checkout")
    with pytest.raises(GatewayError) as error:
        payment.purchase()
    assert isinstance(error.value, GatewayUnavailable)
    assert (payment.state, money(payment.captured_amount)) == ("processing", "0.00")
    assert payment.operations.get().state == "unknown"


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
