"""D. What follows a saved payment."""

from __future__ import annotations

from payments.gateways.base import Fact, Outcome
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import TOKENS
from tests.conformance.observe import money, order_sums
from tests.conformance.start import Shop, settled

AREA = "D"


@case("D", 44)
def test_d_044_the_order_is_told_of_money(shop: Shop) -> None:
    """A completed payment counts for its order at once."""
    order = shop.order()
    payment = order.add_payment(shop.method(), source=shop.card, amount="5.00")
    payment.apply(Fact(kind="purchase", outcome=Outcome.APPROVED, amount_minor=500))
    order.refresh_from_db()
    assert (payment.state, money(order.payment_total)) == ("completed", "5.00")


@case("D", 46)
def test_d_046_the_order_is_told_of_a_void(shop: Shop) -> None:
    """A completed payment that is voided counts no more."""
    order = shop.order()
    payment = shop.payment(order, "completed")
    payment.void_transaction()
    order.refresh_from_db()
    assert (payment.state, money(order.payment_total)) == ("void", "0.00")


@case("D", 47)
def test_d_047_a_new_payment_on_a_complete_order(shop: Shop) -> None:
    """The payment state of a complete order follows when a payment is added."""
    order = shop.order()
    shop.payment(order, "failed")
    assert order_sums(settled(order))["order_payment_state"] == "failed"
    order.add_payment(shop.method(), source=shop.card)
    assert order_sums(order)["order_payment_state"] == "balance_due"


@case("D", 48, TOKENS)
def test_d_048_a_card_becomes_a_token(shop: Shop) -> None:
    """A card's number is turned into a token when a payment is made with it, and is not kept."""
    card = shop.raw_card()
    payment = shop.order().add_payment(shop.bogus(), source=card)
    payment.refresh_from_db()
    assert payment.source.token == card.token != ""
    assert payment.source.number == ""


@case("D", 51)
def test_d_051_nothing_to_keep(shop: Shop) -> None:
    """Without a source, and for a card that a provider keeps already, nothing is kept anew."""
    order = shop.order()
    assert order.add_payment(shop.method("check")).source is None
    order.add_payment(shop.bogus(), source=shop.card)
    shop.card.refresh_from_db()
    assert shop.card.token == "tok_1"


NOT_APPLICABLE = {
    50: (
        "An older payment that failed has its profile made no second time.",
        "Saving a payment makes no profile at a provider: law 9.",
    ),
    52: (
        "A lost connection while a profile is made is a GatewayError.",
        "Saving a payment makes no profile at a provider: law 9.",
    ),
}
