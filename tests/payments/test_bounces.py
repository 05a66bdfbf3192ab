"""A refund that was done comes back: its money is ours again, can be given back once more, and staff see it."""

from __future__ import annotations

from itertools import permutations

import pytest

from orders.models import Order
from payments.actors import Actor, Origin
from payments.gateways.base import Outcome
from payments.models import Payment
from tests.factories import card_recipe, fact, make_order, purchased
from tests.payments.inbox_shop import Provider, wired_method
from tests.scripted import ok

pytestmark = pytest.mark.django_db
WEBHOOK = Actor(Origin.WEBHOOK)
BOUNCED = {"kind": "refund", "outcome": Outcome.DECLINED, "reference": "re_1", "message": "Account closed"}


def seen(payment):
    payment = Payment.objects.select_related("order").get(pk=payment.pk)
    order = Order.objects.get(pk=payment.order_id)
    refunds = [operation.state for operation in payment.operations.filter(kind="refund").order_by("sequence")]
    return refunds, payment.refunded_amount.amount, payment.credit_allowed.amount, order.payment_total.amount


@pytest.fixture
def refunded(scripted):
    """$100.00, of which $40.00 were given back as re_1."""
    payment = purchased()
    scripted.script["credit"] = ok(reference="re_1")
    payment.refund("40")
    assert seen(payment) == (["succeeded"], 40, 60, 60)
    return payment


def test_what_came_back_can_be_refunded_again(refunded, scripted):
    refunded.apply(fact(**BOUNCED), by=WEBHOOK)

    assert seen(refunded) == (["declined"], 0, 100, 100)
    assert refunded.review_reason == "The refund of $40.00 came back."
    assert refunded.refunds.get().operation.message == "Account closed"
    scripted.script["credit"] = ok(reference="re_2")
    refunded.refund("100")
    assert seen(refunded) == (["declined", "succeeded"], 100, 0, 0)


def test_told_twice_it_came_back_once_and_what_is_told_late_sends_nothing_off_again(refunded):
    done = {"kind": "refund", "amount_minor": 4000, "reference": "re_1"}
    for told in (BOUNCED, BOUNCED, done, BOUNCED, done):
        refunded.apply(fact(**told), by=WEBHOOK)

    assert seen(refunded) == (["declined"], 0, 100, 100)


@pytest.mark.parametrize("order", list(permutations(("done", "bounced", "done"))))
def test_the_end_does_not_depend_on_what_is_told_first(order):
    """Of a refund made at the provider's own console."""
    payment = purchased()
    done = {"kind": "refund", "amount_minor": 4000, "reference": "re_9"}
    for name in order:
        payment.apply(fact(**(done | BOUNCED | {"reference": "re_9"} if name == "bounced" else done)), by=WEBHOOK)

    assert seen(payment) == (["declined"], 0, 100, 100)


def test_another_refund_of_the_same_amount_stays_what_it_is(refunded, scripted):
    scripted.script["credit"] = ok(reference="re_2")
    refunded.refund("40")
    refunded.apply(fact(**BOUNCED), by=WEBHOOK)

    assert seen(refunded) == (["declined", "succeeded"], 40, 60, 60)


def test_a_refusal_without_its_name_undoes_nothing(refunded):
    refunded.apply(fact("refund", Outcome.DECLINED, 4000), by=WEBHOOK)

    assert (seen(refunded)[1:], refunded.review_reason) == ((40, 60, 60), "")


def test_the_simulators_own(settings):
    settings.REACTIONS = {}
    provider = Provider(settings)
    payment = make_order("48.00").add_payment(wired_method(), source=card_recipe.make(token="tok_refund_bounces"))
    payment.process()
    payment.refund("10")
    provider.deliver_due()
    provider.advance(7 * 86_400)
    provider.deliver_due()

    assert seen(payment) == (["declined"], 0, 48, 48)
    held = payment.payment_method.build_gateway().fetch(Payment.objects.get(pk=payment.pk).response_code)
    assert (held.captured_minor, held.refunded_minor) == (4800, 0)
