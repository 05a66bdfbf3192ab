"""P. The order: cancellation."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from orders.models import Order
from payments.actors import Actor
from payments.errors import PaymentDeclined
from payments.models import Payment, Reaction
from tests.conformance import gateways
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import PAYMENT_BY_PAYMENT
from tests.conformance.observe import money
from tests.conformance.start import Shop, settled
from tests.scripted import ScriptedGateway, declined, ok

AREA = "P"


def complete(shop: Shop, *states: str) -> tuple[Order, list[Payment]]:
    order = shop.order()
    payments = [shop.payment(order, state, "50.00") for state in states]
    return settled(order), payments


def state_of(payment: Payment) -> str:
    payment.refresh_from_db()
    return payment.state


@case("P", 242)
def test_p_242_a_completed_payment(shop: Shop) -> None:
    """What was taken is given back; the payment keeps its state, the order is canceled and dated."""
    gateways.script(void="decline", credit="success")
    order, (payment,) = complete(shop, "completed")
    order.cancel()
    assert (order.state, state_of(payment), payment.refunds.count()) == (Order.State.CANCELED, "completed", 1)
    assert order.canceled_at is not None


@case("P", 243)
def test_p_243_a_pending_payment(shop: Shop) -> None:
    """What is held is voided."""
    order, (payment,) = complete(shop, "pending")
    order.cancel()
    assert state_of(payment) == "void"


@case("P", 244)
def test_p_244_a_failed_payment(shop: Shop) -> None:
    """A failed payment stays as it is."""
    order, (payment,) = complete(shop, "failed")
    order.cancel()
    assert (state_of(payment), ScriptedGateway.calls) == ("failed", [])


@case("P", 250)
def test_p_250_who_canceled(shop: Shop, settings: Any) -> None:
    """What must follow is queued once, and the order knows who canceled it."""
    settings.REACTIONS = {"order.canceled": ["shop.mail.order_confirmed"]}
    order, _ = complete(shop)
    clerk = Actor("staff", get_user_model().objects.create(username="clerk"))
    order.cancel(reason="Changed her mind", by=clerk)
    event = order.events.get(after="canceled")
    assert (event.actor, event.note) == (clerk, "Changed her mind")
    assert Reaction.objects.filter(topic="order.canceled", key=order.number).count() == 1


@case("P", 251, PAYMENT_BY_PAYMENT)
def test_p_251_what_moved_no_money(shop: Shop) -> None:
    """A payment in checkout becomes invalid, so that nobody charges it later; one in processing is left alone."""
    order, (checkout, processing) = complete(shop, "checkout", "processing")
    order.cancel()
    assert (state_of(checkout), state_of(processing)) == ("invalid", "processing")
    assert ScriptedGateway.calls == []


@case("P", 252)
def test_p_252_given_back_in_part(shop: Shop) -> None:
    """Of a payment that was given back in part, the rest is given back."""
    order = shop.order()
    payment = shop.payment(order, "completed", "50.00", refunded="20.00")
    settled(order).cancel()
    assert [money(refund.amount) for refund in payment.refunds.order_by("id")] == ["20.00", "30.00"]


@case("P", 253, PAYMENT_BY_PAYMENT)
def test_p_253_one_of_them_fails(shop: Shop) -> None:
    """Where a later payment fails, the earlier stays undone and the order canceled; called again, the rest follows."""
    ScriptedGateway.script = {"void": [ok("1"), declined(), ok("3"), ok("4")]}
    order, payments = complete(shop, "pending", "pending", "pending")
    with pytest.raises(PaymentDeclined):
        order.cancel()
    assert [state_of(payment) for payment in payments] == ["void", "pending", "void"]
    assert order.state == Order.State.CANCELED
    order.cancel()
    assert state_of(payments[1]) == "void"


@case("P", 254)
def test_p_254_taken_up_again(shop: Shop) -> None:
    """An order that is taken up again is complete; its payments stay void."""
    order, (payment,) = complete(shop, "pending")
    order.cancel()
    order.resume()
    assert (order.state, state_of(payment)) == (Order.State.COMPLETE, "void")


NOT_APPLICABLE = {
    246: ("Held store credit is let go.", "Store credit is not built yet."),
    247: ("Spent store credit is given back.", "Store credit is not built yet."),
    248: ("A shipped order cannot be canceled.", "Orders have no shipping states."),
}
