"""E. process()."""

from __future__ import annotations

from typing import Any

import pytest
from django_fsm import TransitionNotAllowed

from payments.errors import GatewayError
from payments.gateways.base import Response
from payments.models import Payment
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import NEVER_NEGATIVE
from tests.conformance.observe import money
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway, ok

AREA = "E"


def begun(shop: Shop, state: str, *, auto_capture: bool, gateway: str = "card", source: bool = True) -> Payment:
    return shop.payment(shop.order(), state, method=shop.method(gateway, auto_capture=auto_capture), source=source)


def asked() -> list[str]:
    return [call[0] for call in ScriptedGateway.calls]


@case("E", 54)
def test_e_054_at_once(shop: Shop) -> None:
    """With auto-capture a payment in checkout is completed."""
    payment = begun(shop, "checkout", auto_capture=True)
    payment.process()
    assert payment.state == "completed"


@case("E", 55)
def test_e_055_held(shop: Shop) -> None:
    """Without auto-capture a payment in checkout becomes pending."""
    payment = begun(shop, "checkout", auto_capture=False)
    payment.process()
    assert payment.state == "pending"


@case("E", 56)
def test_e_056_processing_already(shop: Shop) -> None:
    """A payment that is processing is left alone: nobody is asked, and None is returned."""
    payment = begun(shop, "processing", auto_capture=False)
    assert payment.process() is None
    assert (payment.state, asked()) == ("processing", [])


@case("E", 58)
def test_e_058_failed(shop: Shop) -> None:
    """A failed payment cannot be processed."""
    with pytest.raises(TransitionNotAllowed):
        begun(shop, "failed", auto_capture=False).process()


@case("E", 59)
@pytest.mark.parametrize("auto_capture", [True, False])
@pytest.mark.parametrize("state", ["void", "invalid"])
def test_e_059_void_or_invalid(shop: Shop, state: str, auto_capture: bool) -> None:
    """A void or invalid payment cannot be processed, with or without auto-capture."""
    with pytest.raises(TransitionNotAllowed):
        begun(shop, state, auto_capture=auto_capture).process()


@case("E", 60)
def test_e_060_completed_is_authorized_again(shop: Shop) -> None:
    """Without auto-capture a completed payment is authorized again, and ends pending (kept, surprising as it is)."""
    payment = begun(shop, "completed", auto_capture=False)
    payment.process()
    assert (payment.state, asked()) == ("pending", ["authorize"])


@case("E", 61, NEVER_NEGATIVE)
def test_e_061_completed_is_purchased_again(shop: Shop) -> None:
    """With auto-capture a completed payment is purchased again; what is left to capture is zero, never less."""
    payment = begun(shop, "completed", auto_capture=True)
    payment.process()
    assert (payment.state, asked()) == ("completed", ["purchase"])
    assert (money(payment.captured_amount), money(payment.uncaptured_amount)) == ("200.00", "0.00")


@case("E", 62)
def test_e_062_pending_is_purchased(shop: Shop) -> None:
    """With auto-capture a pending payment is purchased, not captured (kept, surprising as it is)."""
    payment = begun(shop, "pending", auto_capture=True)
    payment.process()
    assert (payment.state, asked()) == ("completed", ["purchase"])


@case("E", 64)
@pytest.mark.parametrize("auto_capture", [True, False])
def test_e_064_no_source_needed(shop: Shop, auto_capture: bool) -> None:
    """Where no source is needed nothing happens, also with auto-capture."""
    payment = begun(shop, "checkout", auto_capture=auto_capture, gateway="check", source=False)
    assert payment.process() is None
    assert (payment.state, asked()) == ("checkout", [])


@case("E", 66)
def test_e_066_an_unsupported_source(shop: Shop) -> None:
    """A source that the method does not take is a GatewayError, and makes the payment invalid."""
    payment = begun(shop, "checkout", auto_capture=False, gateway="unsupported")
    with pytest.raises(GatewayError):
        payment.process()
    assert (payment.state, asked()) == ("invalid", [])


@case("E", 67)
def test_e_067_an_unsupported_source_too_late(shop: Shop) -> None:
    """A pending payment with such a source cannot become invalid any more: an illegal state, nobody asked."""
    payment = begun(shop, "pending", auto_capture=True, gateway="unsupported")
    with pytest.raises(TransitionNotAllowed):
        payment.process()
    assert (payment.state, asked()) == ("pending", [])


@case("E", 68)
def test_e_068_processing_while_it_is_asked(shop: Shop) -> None:
    """A payment is processing before the gateway is asked."""
    payment = begun(shop, "checkout", auto_capture=False)
    seen: list[Any] = []

    def answer(options: Any) -> Response:
        seen.append(Payment.objects.get(pk=payment.pk).state)
        return ok()

    ScriptedGateway.script = {"authorize": answer}
    payment.process()
    assert seen == ["processing"]


@case("E", 70)
@pytest.mark.parametrize("site", [True, False])
def test_e_070_as_the_site_says(shop: Shop, settings: Any, site: bool) -> None:
    """A method without a wish of its own follows the site's default."""
    settings.PAYMENTS = settings.PAYMENTS | {"AUTO_CAPTURE": site}
    method = shop.bogus(auto_capture=None)
    payment = shop.payment(shop.order(), "checkout", method=method)
    payment.source.token = "BGS-approves"
    payment.source.save()
    payment.process()
    assert payment.state == ("completed" if site else "pending")


NOT_APPLICABLE = {
    63: ("A payment without a payment method is left alone.", "A payment always has one: the column is not null."),
}
