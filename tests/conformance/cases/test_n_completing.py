"""N. The order: processing payments at completion."""

from __future__ import annotations

from typing import Any

import pytest

from orders.errors import CannotComplete
from orders.models import Order
from payments.errors import PaymentDeclined
from payments.models import Payment, Reaction
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import EXCEPTIONS, GAP
from tests.conformance.observe import money
from tests.conformance.start import Shop, settled
from tests.scripted import ScriptedGateway, declined, ok

AREA = "N"


def at_confirm(shop: Shop, *payments: tuple[str, str], auto_capture: bool = False, total: str = "100.00") -> Order:
    """An order at the last step of checkout, with payments of a state and an amount each."""
    order = shop.order("confirm", total)
    for state, amount in payments:
        shop.payment(order, state, amount, method=shop.method(auto_capture=auto_capture))
    settled(order).refresh_from_db()
    return order


def states(order: Order) -> list[str]:
    return [payment.state for payment in order.payments.order_by("id")]


def asked() -> list[str]:
    return [call[0] for call in ScriptedGateway.calls]


@case("N", 198)
def test_n_198_two_cards_of_half(shop: Shop) -> None:
    """Of two cards of 50 for 100 the first is invalid once the second is added: 50 are paid, the balance is due."""
    order = settled(shop.order())
    for _ in range(2):
        order.add_payment(shop.method(auto_capture=True), source=shop.card, amount="50.00")
    order.process_payments()
    assert (states(order), money(order.payment_total)) == (["invalid", "completed"], "50.00")
    assert order.payment_state == "balance_due"


@case("N", 202)
def test_n_202_covered_already(shop: Shop) -> None:
    """Nobody is asked where the order is paid already."""
    order = at_confirm(shop, ("completed", "100.00"), ("checkout", "40.00"))
    order.process_payments()
    assert (asked(), states(order)) == ([], ["completed", "checkout"])


@case("N", 203)
def test_n_203_what_is_in_checkout(shop: Shop) -> None:
    """Every payment in checkout is processed."""
    order = at_confirm(shop, ("checkout", "60.00"), ("checkout", "40.00"))
    order.process_payments()
    assert states(order) == ["pending", "pending"]


@case("N", 204, EXCEPTIONS)
@pytest.mark.parametrize("allowed", [True, False])
def test_n_204_a_refusal(shop: Shop, settings: Any, allowed: bool) -> None:
    """A GatewayError is raised, unless the site lets checkout go on over it."""
    settings.PAYMENTS = settings.PAYMENTS | {"ALLOW_CHECKOUT_ON_GATEWAY_ERROR": allowed}
    gateways.script(authorize="decline")
    order = at_confirm(shop, ("checkout", "100.00"))
    if allowed:
        order.process_payments()
    else:
        with pytest.raises(PaymentDeclined):
            order.process_payments()
    assert states(order) == ["failed"]


@case("N", 206)
def test_n_206_all_are_held(shop: Shop) -> None:
    """Where all payments are held already, that is no failure."""
    order = at_confirm(shop, ("pending", "100.00"))
    order.process_payments()
    assert (asked(), states(order)) == ([], ["pending"])


@case("N", 207, EXCEPTIONS)
def test_n_207_covered_early(shop: Shop) -> None:
    """Where the total is covered before the last payment, the rest is left, and that is no failure."""
    order = at_confirm(shop, ("checkout", "100.00"), ("checkout", "50.00"), auto_capture=True)
    order.complete()
    assert (order.state, states(order)) == (Order.State.COMPLETE, ["completed", "checkout"])


@case("N", 208)
def test_n_208_the_first_declines(shop: Shop) -> None:
    """After a refusal the next payment is not asked for."""
    gateways.script(authorize="decline")
    order = at_confirm(shop, ("checkout", "60.00"), ("checkout", "40.00"))
    with pytest.raises(PaymentDeclined):
        order.process_payments()
    assert (asked(), states(order)) == (["authorize"], ["failed", "checkout"])


@case("N", 210)
def test_n_210_no_payment(shop: Shop) -> None:
    """Without a payment the order cannot be completed, and stays at confirm."""
    order = at_confirm(shop)
    with pytest.raises(CannotComplete) as refusal:
        order.complete()
    assert len(refusal.value.reasons) == 1
    order.refresh_from_db()
    assert order.state == Order.State.CONFIRM


@case("N", 211)
@pytest.mark.parametrize("state", ["void", "failed", "invalid"])
def test_n_211_no_valid_payment(shop: Shop, state: str) -> None:
    """With a void, failed or invalid payment only, the order goes back to payment."""
    order = at_confirm(shop, (state, "100.00"))
    with pytest.raises(CannotComplete):
        order.complete()
    assert order.state == Order.State.PAYMENT


@case("N", 212)
def test_n_212_a_declined_card(shop: Shop) -> None:
    """A declined card sends the order back to payment, also as the database has it, and the error says why."""
    card = shop.raw_card("4111111111111112")
    order = settled(shop.order("confirm"))
    order.add_payment(shop.bogus(), source=card)
    with pytest.raises(PaymentDeclined) as refusal:
        order.complete()
    assert refusal.value.message
    order.refresh_from_db()
    assert order.state == Order.State.PAYMENT


@case("N", 214)
def test_n_214_paid_before(shop: Shop) -> None:
    """An order that is paid already is completed without asking anybody."""
    order = at_confirm(shop, ("completed", "100.00"))
    order.complete()
    assert (order.state, order.payment_state, asked()) == (Order.State.COMPLETE, "paid", [])


@case("N", 216)
def test_n_216_nothing_to_pay(shop: Shop) -> None:
    """Where nothing is to be paid, checkout passes over payment and nobody is asked."""
    order = shop.order("delivery", "0.00")
    order.line_items.create(name="Gift", unit_price="0.00", quantity=1, currency="USD")
    order.next()
    assert order.state == Order.State.CONFIRM
    order.complete()
    assert (order.state, asked()) == (Order.State.COMPLETE, [])


@case("N", 221, GAP)
def test_n_221_one_dollar_of_a_hundred(shop: Shop) -> None:
    """An order of 100 with a payment of 1 is refused with the gap, and nobody is asked."""
    order = at_confirm(shop, ("checkout", "1.00"))
    with pytest.raises(CannotComplete) as refusal:
        order.complete()
    assert "99.00" in str(refusal.value)
    assert asked() == []


@case("N", 222)
def test_n_222_completion(shop: Shop, settings: Any) -> None:
    """Completion sets its date, and what must follow is queued once, however often it is asked for."""
    settings.REACTIONS = {"order.completed": ["shop.mail.order_confirmed"]}
    order = at_confirm(shop, ("checkout", "100.00"))
    order.complete()
    order.complete()
    assert order.completed_at is not None
    assert Reaction.objects.filter(topic="order.completed", key=order.number).count() == 1


@case("N", 224)
def test_n_224_the_second_declines(shop: Shop) -> None:
    """When the second of two declines, the first stays held; the next try asks for new payments only."""
    ScriptedGateway.script = {"authorize": [ok("GW-1"), declined(), ok("GW-2")]}
    order = at_confirm(shop, ("checkout", "60.00"), ("checkout", "40.00"))
    with pytest.raises(PaymentDeclined):
        order.process_payments()
    assert states(order) == ["pending", "failed"]
    third: Payment = order.add_payment(shop.method(), source=shop.card)
    order.process_payments()
    assert (states(order), money(third.amount)) == (["pending", "failed", "pending"], "40.00")
    assert len(asked()) == 3


STORE_CREDIT = "Store credit is not built yet."
NOT_APPLICABLE = {
    199: ("A card and store credit pay an order together.", STORE_CREDIT),
    200: ("Store credit beyond the total is left in checkout.", STORE_CREDIT),
    215: ("An order whose goods are out of stock is not charged.", "There is no stock to run out of."),
    218: ("A billing address may be made a condition of payment.", "There is no such setting; the pages ask for one."),
    219: ("A default card of the wallet makes a payment by itself.", "There is no wallet that makes payments."),
    220: ("That payment has an amount of zero.", "There is no wallet that makes payments."),
    223: ("The confirm step may be taken out of checkout.", "The steps of checkout are fixed."),
}
