"""H. capture()."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django_fsm import TransitionNotAllowed

from payments.errors import GatewayError, InvalidAmount
from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import DECLINED_CAPTURE, EXPLICIT_AMOUNT
from tests.conformance.observe import money
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway

AREA = "H"


def held(shop: Shop) -> Payment:
    return shop.payment(shop.order(), "pending")


@case("H", 91)
def test_h_091_an_amount_of_zero(shop: Shop) -> None:
    """Nothing is captured of a pending payment of zero."""
    assert shop.payment(shop.order(), "pending", "0.00").capture() is None
    assert ScriptedGateway.calls == []


@case("H", 92)
def test_h_092_an_amount_below_zero(shop: Shop) -> None:
    """Nothing is captured of a payment of less than zero."""
    assert shop.payment(shop.order(), "pending", "-10.00").capture() is None
    assert ScriptedGateway.calls == []


@case("H", 94)
def test_h_094_all_of_it(shop: Shop) -> None:
    """A capture takes the amount of the payment, once."""
    payment = held(shop)
    payment.capture()
    assert [each.kind for each in payment.operations.order_by("sequence")] == ["authorize", "capture"]
    assert money(payment.captured_amount) == "100.00"


@case("H", 95)
def test_h_095_part_of_it(shop: Shop) -> None:
    """A capture of 50 of 100 is one capture, of 50."""
    payment = held(shop)
    payment.capture(Decimal("50.00"))
    assert money(payment.operations.get(kind="capture").amount) == "50.00"


@case("H", 96)
def test_h_096_the_amount_shrinks(shop: Shop) -> None:
    """A capture of 60 leaves an amount of 60; the authorization keeps the history."""
    payment = held(shop)
    payment.capture(Decimal("60.00"))
    assert (money(payment.captured_amount), money(payment.amount)) == ("60.00", "60.00")
    assert money(payment.authorized_amount) == "100.00"


@case("H", 98)
def test_h_098_declined(shop: Shop) -> None:
    """A declined capture fails the payment and is a GatewayError."""
    gateways.script(capture="decline")
    payment = held(shop)
    with pytest.raises(GatewayError):
        payment.capture()
    assert payment.state == "failed"


@case("H", 99, DECLINED_CAPTURE)
def test_h_099_declined_and_nothing_recorded(shop: Shop) -> None:
    """A declined capture leaves the amount as it was, and nothing captured."""
    gateways.script(capture="decline")
    payment = held(shop)
    with pytest.raises(GatewayError):
        payment.capture(Decimal("40.00"))
    assert (money(payment.amount), money(payment.captured_amount)) == ("100.00", "0.00")


@case("H", 100)
def test_h_100_completed_already(shop: Shop) -> None:
    """A completed payment is not captured again: nobody is asked, nothing is added."""
    payment = shop.payment(shop.order(), "completed")
    assert payment.capture() is None
    assert (ScriptedGateway.calls, payment.operations.count()) == ([], 1)


@case("H", 102)
def test_h_102_a_check_in_checkout(shop: Shop) -> None:
    """A check is captured from checkout, without a source."""
    payment = shop.payment(shop.order(), "checkout", method=shop.method("check"), source=False)
    payment.capture()
    assert payment.state == "completed"


@case("H", 103)
def test_h_103_processing(shop: Shop) -> None:
    """A payment that is processing may be captured."""
    payment = shop.payment(shop.order(), "processing", method=shop.method("check"), source=False)
    payment.capture()
    assert payment.state == "completed"


@case("H", 104)
@pytest.mark.parametrize("state", ["failed", "void", "invalid"])
def test_h_104_the_dead(shop: Shop, state: str) -> None:
    """A payment that is failed, void or invalid cannot be captured; nobody is asked."""
    with pytest.raises(TransitionNotAllowed):
        shop.payment(shop.order(), state).capture()
    assert ScriptedGateway.calls == []


@case("H", 106)
@pytest.mark.parametrize(("code", "state"), [("12345", "completed"), ("54321", "failed")])
def test_h_106_bogus_knows_one_code(shop: Shop, code: str, state: str) -> None:
    """bogus captures the authorization 12345, and declines any other."""
    payment = shop.payment(shop.order(), "pending", method=shop.bogus())
    payment.operations.update(authorization=code)
    Payment.objects.filter(pk=payment.pk).update(response_code=code)
    if state == "failed":
        with pytest.raises(GatewayError):
            payment.capture()
    else:
        payment.capture()
    assert payment.state == state


@case("H", 107, EXPLICIT_AMOUNT)
def test_h_107_more_than_was_authorized(shop: Shop) -> None:
    """More than was authorized is refused before anybody is asked."""
    payment = held(shop)
    with pytest.raises(InvalidAmount):
        payment.capture(Decimal("100.01"))
    assert (ScriptedGateway.calls, payment.state) == ([], "pending")


@case("H", 108)
def test_h_108_bogus_answers_without_a_code(shop: Shop) -> None:
    """A capture whose answer has no authorization keeps the code and the address check."""
    card = shop.raw_card()
    payment = shop.order().add_payment(shop.bogus(), source=card, amount="5.00")
    payment.authorize()
    payment.capture()
    assert (payment.state, payment.response_code, payment.avs_response) == ("completed", "12345", "D")


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
