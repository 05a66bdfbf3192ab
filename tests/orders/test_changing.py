"""Changing an order before it is placed: under its lock, back to the step that is asked for, never while it is paid."""

from __future__ import annotations

import pytest
from django_fsm import TransitionNotAllowed

from orders.models import Order
from payments.actors import Actor, Origin
from payments.errors import PaymentBusy
from payments.gateways.base import Outcome, Response
from tests.factories import authorized, make_method, make_order, make_payment, purchased

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    """In confirm, with a payment that nobody was asked for."""
    order = make_order("30.00")
    make_payment(order=order)
    order.advance()
    assert order.state == "confirm"
    return order


@pytest.mark.parametrize(("back_to", "state"), [("payment", "payment"), ("cart", "cart"), ("confirm", "confirm")])
def test_a_change_goes_back_gives_up_checkout_payments_and_counts_anew(order, back_to, state):
    with order.changing(back_to, by=Actor(Origin.CHECKOUT)) as locked:
        locked.line_items.update(quantity=2)
        locked.adjustments.create(kind="shipping", label="Post", currency="USD", amount="5.00")

    assert (order.state, str(order.total.amount), str(order.shipment_total.amount)) == (state, "65.00", "5.00")
    assert order.payments.get().state == "invalid"
    stored = Order.objects.get()
    assert (stored.state, stored.total) == (order.state, order.total)
    gone_back = [(each.before, each.after, each.origin) for each in order.events.filter(name="state")]
    assert gone_back == ([] if state == "confirm" else [("confirm", state, "checkout")])


def test_an_order_that_is_not_further_stays_where_it_is():
    order = make_order("30.00")
    with order.changing("payment"):
        pass
    assert (order.state, order.events.count()) == ("cart", 0)


def test_what_fails_in_between_changes_nothing(order):
    def fail():
        with order.changing("cart") as locked:
            locked.line_items.all().delete()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (order.state, Order.objects.get().state, order.line_items.count()) == ("confirm", "confirm", 1)
    assert order.payments.get().state == "checkout"


def test_a_quantity_is_set_and_none_takes_the_line_out(order):
    line = order.line_items.get()
    order.set_quantity(line, 3)
    assert (order.state, str(order.total.amount)) == ("cart", "90.00")
    order.set_quantity(line, 0)
    assert (order.line_items.count(), order.total.amount) == (0, 0)
    for wrong in (-1, True, "2"):
        with pytest.raises(ValueError, match="whole number"):
            order.set_quantity(line, wrong)


def test_nobody_changes_the_line_of_another_order(order):
    other = make_order("30.00")
    order.set_quantity(other.line_items.get(), 9)
    assert other.line_items.get().quantity == 1


@pytest.mark.parametrize("outcome", [Outcome.PROCESSING, Outcome.ACTION_REQUIRED])
def test_nothing_changes_while_a_payment_waits(scripted, outcome):
    order = make_order("30.00")
    scripted.script["purchase"] = Response(outcome=outcome, authorization="A", next_action={})
    make_payment(order=order, method=make_method(auto_capture=True))
    order.complete()
    with pytest.raises(PaymentBusy):
        order.set_quantity(order.line_items.get(), 2)
    assert Order.objects.get().state == "confirm"


@pytest.mark.parametrize("paid", [authorized, purchased])
def test_nothing_changes_once_money_is_held_or_taken_for_it(paid):
    order = make_order("30.00")
    paid(order=order)
    with pytest.raises(PaymentBusy):
        order.set_quantity(order.line_items.get(), 2)
    assert str(Order.objects.get().total.amount) == "30.00"


def test_money_that_was_given_back_keeps_nobody_from_changing():
    order = make_order("30.00")
    purchased(order=order).refund()
    order.set_quantity(order.line_items.get(), 2)
    assert str(order.total.amount) == "60.00"


def test_an_order_that_was_placed_is_not_changed(order):
    order.complete()
    with pytest.raises(TransitionNotAllowed), order.changing():
        pass
