"""Q. Refunds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payments.errors import GatewayUnavailable, InvalidAmount
from payments.gateways.base import Response
from payments.models import Refund
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import (
    CHECKS_REFUNDED,
    CODES,
    EXACT_AMOUNT,
    NEW_REFUND,
    NOBODY_ASKED,
    REASON_IS_FREE,
    SUMS_OF_ROWS,
    WRITTEN_FIRST,
)
from tests.conformance.observe import money
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway, ok

AREA = "Q"
FIVE = Decimal("5.00")


@case("Q", 255, WRITTEN_FIRST)
def test_q_255_written_before_it_is_asked(shop: Shop) -> None:
    """A refund is stored with its amount, open and without a code, before the gateway is asked for it."""
    payment = shop.payment(shop.order(), "completed")
    seen: list[Any] = []

    def answer(options: Any) -> Response:
        refund = Refund.objects.get(payment=payment)
        seen.append((money(refund.amount), refund.state, refund.reference))
        return ok("GW-CREDIT")

    ScriptedGateway.script = {"credit": answer}
    payment.refund(FIVE)
    assert seen == [("5.00", "open", "")]


@case("Q", 256, EXACT_AMOUNT)
def test_q_256_a_decimal_comma(shop: Shop) -> None:
    """An amount with a decimal comma is for forms to read, and refused here."""
    payment = shop.payment(shop.order(), "completed")
    with pytest.raises(InvalidAmount):
        payment.refund("100,00")


@case("Q", 258, NEW_REFUND)
def test_q_258_done_already(shop: Shop) -> None:
    """A refund that succeeded is not asked for again; there is nothing to perform, and recovering changes nothing."""
    payment = shop.payment(shop.order(), "completed")
    payment.refund(FIVE)
    payment.recover()
    assert len(ScriptedGateway.calls) == 1
    assert (payment.refunds.count(), money(payment.refunded_amount)) == (1, "5.00")


@case("Q", 259, CODES)
def test_q_259_with_a_stored_card(shop: Shop) -> None:
    """The credit of a payment by stored card is asked with amount, authorization and options, without the card."""
    payment = shop.payment(shop.order(), "completed")
    refund = payment.refund(FIVE)
    ((verb, amount, code, options),) = ScriptedGateway.calls
    assert (verb, amount, code, options["originator"]) == ("credit", 500, "AUTH-0", refund)


@case("Q", 260)
def test_q_260_without_a_source(shop: Shop) -> None:
    """The credit of a payment without a source is asked with amount, authorization and options."""
    payment = shop.payment(shop.order(), "completed", method=shop.method("check"), source=False)
    payment.refund(FIVE)
    assert ScriptedGateway.calls[0][:3] == ("credit", 500, "AUTH-0")


@case("Q", 262)
def test_q_262_a_lost_connection(shop: Shop) -> None:
    """A lost connection is a GatewayError."""
    gateways.script(credit="connection_error")
    with pytest.raises(GatewayUnavailable):
        shop.payment(shop.order(), "completed").refund(FIVE)


@case("Q", 263)
def test_q_263_too_much(shop: Shop) -> None:
    """More than is left is refused before anybody is asked."""
    payment = shop.payment(shop.order(), "completed", refunded="60.00")
    with pytest.raises(InvalidAmount):
        payment.refund(Decimal("40.01"))
    assert (ScriptedGateway.calls, payment.refunds.count()) == ([], 1)


@case("Q", 264, REASON_IS_FREE)
def test_q_264_what_a_refund_needs(shop: Shop) -> None:
    """A refund needs a payment and an amount above zero; its reason may be left out."""
    payment = shop.payment(shop.order(), "completed")
    for amount in ("0.00", "-5.00"):
        with pytest.raises(InvalidAmount):
            payment.refund(Decimal(amount))
    refund = payment.refund(FIVE)
    assert refund is not None and refund.reason is None
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(payment=None)


@case("Q", 266, CHECKS_REFUNDED)
def test_q_266_checks(shop: Shop) -> None:
    """A check is given back once, up to what was captured; a second refund has nothing left to give."""
    payment = shop.payment(shop.order(), "checkout", method=shop.bogus(gateway="check"), source=False)
    payment.capture()
    payment.refund()
    with pytest.raises(InvalidAmount):
        payment.refund()
    assert (money(payment.refunded_amount), payment.refunds.count()) == ("100.00", 1)


@case("Q", 267, SUMS_OF_ROWS)
def test_q_267_a_stored_refund_has_one_amount(shop: Shop) -> None:
    """A stored refund has no amount of its own that could be raised: it is read from its operation, as the sums are."""
    payment = shop.payment(shop.order(), "completed")
    refund = payment.refund(FIVE)
    assert refund is not None
    assert "amount" not in {field.name for field in Refund._meta.get_fields()}
    assert refund.amount == refund.operation.amount == payment.refunded_amount


@case("Q", 268, NOBODY_ASKED)
@pytest.mark.parametrize("state", ["pending", "void", "checkout"])
def test_q_268_nothing_was_taken(shop: Shop, state: str) -> None:
    """Nothing can be given back of a payment that never captured; nobody is asked."""
    payment = shop.payment(shop.order(), state)
    with pytest.raises(InvalidAmount):
        payment.refund(FIVE)
    assert (ScriptedGateway.calls, payment.refunds.count()) == ([], 0)


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
