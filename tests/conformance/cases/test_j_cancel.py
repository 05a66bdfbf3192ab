"""J. cancel()."""

from __future__ import annotations

import pytest

from payments.errors import PaymentDeclined
from payments.models import Refund
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import CHECKS_REFUNDED, EVERY_REQUEST_KEPT, NOTHING_LEFT
from tests.conformance.observe import money
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway, ok

AREA = "J"


def verbs() -> list[str]:
    return [call[0] for call in ScriptedGateway.calls]


@case("J", 120)
def test_j_120_a_void_that_is_possible(shop: Shop) -> None:
    """A hold is voided: the payment is void, with the code of the answer."""
    ScriptedGateway.script = {"void": ok("123")}
    payment = shop.payment(shop.order(), "pending")
    payment.cancel()
    assert (payment.state, payment.response_code, verbs()) == ("void", "123", ["void"])


@case("J", 122)
def test_j_122_a_void_that_is_not_possible(shop: Shop) -> None:
    """Where a sale cannot be voided, what was taken is given back, by one refund."""
    gateways.script(void="decline", credit="success")
    payment = shop.payment(shop.order(), "completed")
    payment.cancel()
    assert [money(refund.amount) for refund in payment.refunds.all()] == ["100.00"]


@case("J", 123)
def test_j_123_after_an_earlier_refund(shop: Shop) -> None:
    """Of 10 with 5 given back earlier, 5 more are given back."""
    payment = shop.payment(shop.order(), "completed", "10.00", refunded="5.00")
    payment.cancel()
    assert [money(refund.amount) for refund in payment.refunds.order_by("id")] == ["5.00", "5.00"]
    assert verbs() == ["credit"]


@case("J", 124)
def test_j_124_the_reason(shop: Shop) -> None:
    """The refund's reason is that the order was canceled; the reason is made where it is missing."""
    gateways.script(void="decline", credit="success")
    refund = shop.payment(shop.order(), "completed").cancel()
    assert isinstance(refund, Refund)
    assert refund.reason is not None and refund.reason.name == "Order canceled"


@case("J", 126)
def test_j_126_completed_still(shop: Shop) -> None:
    """A payment that was given back by cancel is still completed."""
    gateways.script(void="decline", credit="success")
    payment = shop.payment(shop.order(), "completed")
    payment.cancel()
    assert payment.state == "completed"


@case("J", 127, NOTHING_LEFT)
def test_j_127_nothing_left(shop: Shop) -> None:
    """Where everything was given back already, nobody is asked and None is returned."""
    payment = shop.payment(shop.order(), "completed", refunded="100.00")
    assert payment.cancel() is None
    assert (payment.state, verbs()) == ("completed", [])


@case("J", 128)
@pytest.mark.parametrize(("verb", "state", "kinds"), [
    ("authorize", "void", ["authorize", "void"]),
    ("purchase", "completed", ["purchase", "refund"]),
])  # fmt: skip
def test_j_128_as_bogus_can(shop: Shop, verb: str, state: str, kinds: list[str]) -> None:
    """With bogus a hold is voided, and a sale is given back without trying a void."""
    card = shop.raw_card()
    payment = shop.order().add_payment(shop.bogus(), source=card, amount="5.00")
    getattr(payment, verb)()
    payment.cancel()
    assert payment.state == state
    assert [each.kind for each in payment.operations.order_by("sequence")] == kinds


@case("J", 130, EVERY_REQUEST_KEPT)
def test_j_130_a_void_that_failed_is_kept(shop: Shop) -> None:
    """The void that cancel tries is asked with all options, and kept in the journal also when it is declined."""
    gateways.script(void="decline")
    payment = shop.payment(shop.order(), "pending")
    with pytest.raises(PaymentDeclined):
        payment.cancel()
    assert gateways.asked(payment) == [["void", "AUTH-0", "Payment"]]
    assert payment.operations.get(kind="void").state == "declined"


@case("J", 131, CHECKS_REFUNDED)
def test_j_131_checks(shop: Shop) -> None:
    """A check that was cashed is given back, not voided."""
    method = shop.bogus(name="Check", gateway="check")
    payment = shop.payment(shop.order(), "checkout", method=method, source=False)
    payment.capture()
    refund = payment.cancel()
    assert isinstance(refund, Refund)
    assert (payment.state, money(payment.refunded_amount)) == ("completed", "100.00")


NOT_APPLICABLE = {
    132: ("Captured store credit is given back by cancel.", "Store credit is not built yet."),
    134: ("A void of store credit with an unknown code fails.", "Store credit is not built yet."),
    135: (
        "Another canceller may be configured.",
        "What cancel does follows from what the gateway declares; there is no class to be swapped.",
    ),
}
