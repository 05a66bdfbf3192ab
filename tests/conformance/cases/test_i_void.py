"""I. void_transaction()."""

from __future__ import annotations

import pytest
from django_fsm import TransitionNotAllowed

from payments.errors import GatewayError, GatewayUnavailable, PaymentDeclined
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import CODES, CODES_KEPT, NOBODY_ASKED, VOID_OF_A_SALE
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway, ok

AREA = "I"


@case("I", 110)
def test_i_110_void_already(shop: Shop) -> None:
    """A void payment is not voided again; nobody is asked."""
    payment = shop.payment(shop.order(), "void")
    assert payment.void_transaction() is None
    assert (payment.state, ScriptedGateway.calls) == ("void", [])


@case("I", 111, CODES)
def test_i_111_with_a_stored_card(shop: Shop) -> None:
    """The void of a payment by stored card is asked with the authorization and the options, without the card."""
    payment = shop.payment(shop.order(), "pending")
    payment.void_transaction()
    ((verb, code, options),) = ScriptedGateway.calls
    assert (verb, code, options["originator"]) == ("void", "AUTH-0", payment)


@case("I", 112)
def test_i_112_without_a_source(shop: Shop) -> None:
    """The void of a payment without a source is asked with the authorization and the options."""
    payment = shop.payment(shop.order(), "pending", method=shop.method("check"), source=False)
    payment.void_transaction()
    assert ScriptedGateway.calls[0][:2] == ("void", "AUTH-0")


@case("I", 114)
def test_i_114_the_code_of_the_answer(shop: Shop) -> None:
    """A void replaces the code by that of its answer, and the payment is void."""
    gateways.script(void="success")
    payment = shop.payment(shop.order(), "pending")
    payment.void_transaction()
    assert (payment.state, payment.response_code) == ("void", "GW-VOID")


@case("I", 115)
def test_i_115_declined(shop: Shop) -> None:
    """A declined void is a GatewayError; state and code stay."""
    gateways.script(void="decline")
    payment = shop.payment(shop.order(), "pending")
    with pytest.raises(PaymentDeclined):
        payment.void_transaction()
    assert (payment.state, payment.response_code) == ("pending", "AUTH-0")


@case("I", 116, CODES_KEPT)
def test_i_116_an_answer_without_a_code(shop: Shop) -> None:
    """A void whose answer has no authorization keeps the code that there is."""
    ScriptedGateway.script = {"void": ok("")}
    payment = shop.payment(shop.order(), "pending")
    payment.void_transaction()
    assert (payment.state, payment.response_code) == ("void", "AUTH-0")


@case("I", 117, NOBODY_ASKED)
def test_i_117_failed(shop: Shop) -> None:
    """The void of a failed payment that holds nothing is an illegal state; nobody is asked."""
    payment = shop.payment(shop.order(), "failed")
    with pytest.raises(TransitionNotAllowed):
        payment.void_transaction()
    assert (payment.state, ScriptedGateway.calls) == ("failed", [])


@case("I", 118, VOID_OF_A_SALE)
def test_i_118_bogus_and_completed(shop: Shop) -> None:
    """bogus voids no sale: of a completed payment it is an illegal state, told before anybody is asked."""
    card = shop.raw_card()
    payment = shop.order().add_payment(shop.bogus(), source=card, amount="5.00")
    payment.purchase()
    with pytest.raises(TransitionNotAllowed):
        payment.void_transaction()
    assert (payment.state, payment.operations.count()) == ("completed", 1)


@case("I", 119)
def test_i_119_a_lost_connection(shop: Shop) -> None:
    """A lost connection is a GatewayError; the state stays."""
    gateways.script(void="connection_error")
    payment = shop.payment(shop.order(), "pending")
    with pytest.raises(GatewayError) as error:
        payment.void_transaction()
    assert isinstance(error.value, GatewayUnavailable)
    assert payment.state == "pending"


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
