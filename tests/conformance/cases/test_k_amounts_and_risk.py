"""K. Amounts, risk, actions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from string import ascii_uppercase

import pytest

from orders.models import Order
from payments.errors import PaymentDeclined
from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import FAILED_REFUND, NONE_IS_EMPTY
from tests.conformance.observe import money
from tests.conformance.start import Shop, settled
from tests.scripted import ScriptedGateway, ok

AREA = "K"
SAFE_AVS = "BDHJMQTVXY"


@case("K", 136)
def test_k_136_what_was_captured(shop: Shop) -> None:
    """Nothing is captured at first; after captures of 2 and 3 it is 5."""
    payment = shop.payment(shop.order(), "pending")
    assert money(payment.captured_amount) == "0.00"
    payment.capture(Decimal("2.00"), final=False)
    payment.capture(Decimal("3.00"))
    assert money(payment.captured_amount) == "5.00"


@case("K", 138)
def test_k_138_what_can_be_given_back(shop: Shop) -> None:
    """Of 100, with 80 given back, 20 are left to give back."""
    payment = shop.payment(shop.order(), "completed")
    assert money(payment.credit_allowed) == "100.00"
    payment.refund(Decimal("80.00"))
    assert money(payment.credit_allowed) == "20.00"


@case("K", 139)
@pytest.mark.parametrize(("refunded", "can"), [(None, True), ("100.00", False)])
def test_k_139_whether_it_can(shop: Shop, refunded: str | None, can: bool) -> None:
    """Something can be given back as long as there is credit allowed."""
    payment = shop.payment(shop.order(), "completed", refunded=refunded)
    assert (payment.credit_allowed.amount > 0) is can


@case("K", 140)
def test_k_140_given_back_in_full(shop: Shop) -> None:
    """A payment of 100 is given back in full after two refunds of 50, not before."""
    payment = shop.payment(shop.order(), "completed")
    assert payment.refunded_amount < payment.captured_amount
    payment.refund(Decimal("50.00"))
    payment.refund(Decimal("50.00"))
    assert payment.refunded_amount == payment.captured_amount


@case("K", 142, FAILED_REFUND)
def test_k_142_a_refund_that_failed(shop: Shop) -> None:
    """A refund that was declined leaves what can be given back as it was."""
    gateways.script(credit="decline")
    payment = shop.payment(shop.order(), "completed")
    with pytest.raises(PaymentDeclined):
        payment.refund(Decimal("80.00"))
    assert (payment.refunds.count(), money(payment.credit_allowed)) == (1, "100.00")


@case("K", 143)
@pytest.mark.parametrize("code", ["", *ascii_uppercase])
def test_k_143_risky_addresses(code: str) -> None:
    """Ten letters of the address check, and none at all, are no risk; every other letter is one."""
    assert Payment(avs_response=code).is_avs_risky is (bool(code) and code not in SAFE_AVS)


@case("K", 144, NONE_IS_EMPTY)
@pytest.mark.parametrize("code", ["", *ascii_uppercase])
def test_k_144_risky_security_codes(code: str) -> None:
    """M is no risk, every other letter is one; no answer is the empty text here, and no risk."""
    assert Payment(cvv_response_code=code).is_cvv_risky is (bool(code) and code != "M")


@case("K", 146, NONE_IS_EMPTY)
def test_k_146_one_answer_only(shop: Shop) -> None:
    """A security check without an answer is no risk, whoever asks."""
    order = shop.order()
    payment = shop.payment(order, "pending")
    assert not payment.is_risky
    assert not order.is_risky


@case("K", 147)
@pytest.mark.parametrize(
    ("avs", "cvv", "state", "risky"),
    [
        ("D", "M", "pending", False),
        ("M", "", "pending", False),
        ("", "", "pending", False),
        ("A", "M", "pending", True),
        ("D", "N", "pending", True),
        ("D", "M", "failed", True),
    ],
)
def test_k_147_risky_orders(shop: Shop, avs: str, cvv: str, state: str, risky: bool) -> None:
    """An order is at risk by an address check, a security code or a failed payment."""
    order = shop.order()
    payment = shop.payment(order, state)
    Payment.objects.filter(pk=payment.pk).update(avs_response=avs, cvv_response_code=cvv)
    assert order.is_risky is risky


@case("K", 148)
def test_k_148_risk_blocks_nothing(shop: Shop) -> None:
    """A risky payment does not keep an order from being completed."""
    ScriptedGateway.script = {"authorize": replace(ok(), avs_code="N", cvv_code="N")}
    order = settled(shop.order("confirm"))
    order.add_payment(shop.method(), source=shop.card)
    order.complete()
    assert (order.state, order.is_risky) == (Order.State.COMPLETE, True)


ACTIONS = "What may be done follows from the payment and what its gateway declares; sources know no actions."
NOT_APPLICABLE = {
    141: (
        "A payment of zero counts as given back in full.",
        "There is no such question; cancel and refund of it ask nobody.",
    ),
    150: (
        "Staff may mark a processing payment as failed.",
        "Nobody marks a payment as failed: what is open is recovered by evidence (law 3).",
    ),
    151: ("A source can be captured while pending or in checkout.", ACTIONS),
    152: ("A source can be voided when its payment can.", ACTIONS),
    154: ("A check can be captured and voided by its state.", ACTIONS),
    155: ("Store credit can be captured, voided and credited by its state.", "Store credit is not built yet."),
}
