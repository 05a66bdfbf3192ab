"""A placed order whose payment is declined while nobody looks can be paid again, and may be paid late."""

from __future__ import annotations

import pytest

from orders.models import Order
from payments.actors import Actor, Origin
from payments.errors import PaymentDeclined
from payments.gateways.base import Outcome
from payments.models import Payment
from tests.factories import card_recipe, fact, make_method, make_order
from tests.scripted import ScriptedGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db
WEBHOOK = Actor(Origin.WEBHOOK)


def placed(**answers):
    """An order in confirm whose payment waits for its customer."""
    ScriptedGateway.script = {"authorize": waiting(), **answers}
    order = make_order()
    payment = order.add_payment(make_method(), source=card_recipe.make())
    order.complete()
    assert seen(order) == ("confirm", "processing")
    return order, payment


def seen(order):
    order = Order.objects.get(pk=order.pk)
    return (order.state, *order.payments.order_by("id").values_list("state", flat=True))


def tell(payment, outcome, **facts):
    key = payment.operations.get(sequence=1).idempotency_key
    return payment.apply(fact("authorize", outcome, idempotency_key=key, **facts), by=WEBHOOK)


def test_it_goes_back_to_payment_and_is_paid_by_another():
    order, payment = placed()
    tell(payment, Outcome.DECLINED)
    assert seen(order) == ("payment", "failed")
    event = order.events.get(before="confirm", after="payment")
    assert event.actor == WEBHOOK
    ScriptedGateway.script = {}
    order.refresh_from_db()
    order.add_payment(make_method(), source=card_recipe.make())
    order.complete()
    assert seen(order) == ("complete", "failed", "pending")


@pytest.mark.parametrize("times", [2, 3])
def test_the_same_refusal_again_changes_nothing(times):
    order, payment = placed()
    for _ in range(times):
        tell(payment, Outcome.DECLINED)
    assert seen(order) == ("payment", "failed")
    assert order.events.filter(after="payment", before="confirm").count() == 1


def test_a_page_that_is_closed_frees_the_order_too():
    order, payment = placed(void=ok("GW-WAIT"))
    payment.void_transaction()
    assert seen(order) == ("payment", "void")


def test_money_that_comes_after_all_finishes_what_was_placed():
    order, payment = placed()
    tell(payment, Outcome.DECLINED)
    payment.apply(fact("capture", amount_minor=10000, authorization="GW-WAIT", reference="cap_1"), by=WEBHOOK)
    assert seen(order) == ("complete", "completed")
    order.refresh_from_db()
    assert order.payment_state == "paid"
    assert order.completed_at


def test_what_was_chosen_meanwhile_is_not_placed_by_a_late_refusal():
    order, payment = placed()
    tell(payment, Outcome.DECLINED)
    order.refresh_from_db()
    order.add_payment(make_method(gateway="check", name="Check"))
    payment.apply(fact("capture", amount_minor=100, reference="late_1"), by=WEBHOOK)
    assert seen(order)[0] == "payment"


def test_a_second_payment_under_way_keeps_the_order_where_it_is():
    order, payment = placed()
    Payment.objects.create(
        order=order, payment_method=payment.payment_method, amount="10", currency="USD", state="processing"
    )
    tell(payment, Outcome.DECLINED)
    assert seen(order)[0] == "confirm"


def test_a_payment_that_still_covers_it_keeps_the_order_where_it_is():
    order, payment = placed()
    Payment.objects.create(
        order=order, payment_method=payment.payment_method, amount="100", currency="USD", source=card_recipe.make()
    )
    tell(payment, Outcome.DECLINED)
    assert seen(order)[0] == "confirm"


def test_declined_at_once_it_has_to_be_placed_anew():
    ScriptedGateway.script = {"authorize": declined()}
    order = make_order()
    order.add_payment(make_method(), source=card_recipe.make())
    with pytest.raises(PaymentDeclined):
        order.complete()
    found = Order.objects.get(pk=order.pk)
    assert (found.state, found.placed_at, order.state) == ("payment", None, "payment")
    assert order.events.filter(before="confirm", after="payment").count() == 1


def test_where_the_site_goes_on_over_errors_completing_decides(settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "ALLOW_CHECKOUT_ON_GATEWAY_ERROR": True}
    ScriptedGateway.script = {"authorize": declined()}
    order = make_order()
    order.add_payment(make_method(), source=card_recipe.make())
    order.complete()
    assert seen(order) == ("complete", "failed")


def test_money_that_comes_late_places_no_other_goods_than_were_placed():
    order, payment = placed()
    tell(payment, Outcome.DECLINED)
    order.refresh_from_db()
    line = order.line_items.get()
    with order.changing() as locked:
        locked.line_items.filter(pk=line.pk).update(name="Something else")
    payment.apply(fact("capture", amount_minor=10000, authorization="GW-WAIT", reference="cap_1"), by=WEBHOOK)

    assert seen(order) == ("payment", "completed")
    order = Order.objects.get(pk=order.pk)
    order.complete()
    assert seen(order) == ("complete", "completed")
