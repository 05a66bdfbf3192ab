"""Law 4: whatever the order, the repeats and the mix of the four sources, the end is the same."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from payments.errors import GatewayError, GatewayUnavailable
from payments.models import Payment, Reaction
from tests.factories import make_order, make_payment
from tests.laws.lives import CODE, TOTAL, VERBS, Deed, Life, Telling, in_time, lives, told
from tests.laws.sandbox import examples, undone
from tests.scripted import ScriptedGateway, ok, waiting

pytestmark = pytest.mark.django_db
CALM = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


class Crash(BaseException): ...


@pytest.fixture(autouse=True)
def _a_receiver(settings: Any) -> None:
    settings.REACTIONS = {"order.completed": ["tests.laws.test_any_order.receive"]}


def receive(reaction: Reaction) -> None:
    """Somebody who wants to know."""


# A payment with what we asked for


def begin(life: Life) -> tuple[Payment, dict[str, str]]:
    """The payment of an order, and the keys of what we asked, by the deed's name.

    The order is placed, to be finished by what covers it; where something is taken away again it is finished
    already, for whether it was covered for a moment does depend on what was heard first.
    """
    order = make_order(str(Decimal(TOTAL) / 100))
    order.advance()
    placed = {"placed_at": timezone.now()}
    finished = {} if life.only_adds else {"state": "complete", "completed_at": timezone.now()}
    Order.objects.filter(pk=order.pk).update(**placed, **finished)
    payment = make_payment(order=order)
    keys = {}
    for deed in life.deeds:
        if deed.asked == "again":
            keys[deed.reference] = payment.operations.latest("sequence").idempotency_key
        elif deed.asked:
            keys[deed.reference] = ask(payment, deed)
    if life.cancelled:
        ScriptedGateway.script["*"] = ok(CODE, reference="v_0")
        payment.cancel()
    return Payment.objects.get(pk=payment.pk), keys


def ask(payment: Payment, deed: Deed) -> str:
    answers = {"answered": deed.response, "waiting": waiting(CODE), "lost": GatewayUnavailable, "crashed": Crash}
    ScriptedGateway.script["*"] = answers[deed.asked]
    amount = Decimal(deed.amount) / 100
    with suppress(GatewayError, Crash):
        if deed.kind == "refund":
            payment.refund(amount)
        elif deed.kind == "capture":
            payment.capture(amount, final=deed.final)
        else:
            getattr(payment, VERBS[deed.kind])()
    operation = payment.operations.latest("sequence")
    assert operation.kind == deed.kind
    return operation.idempotency_key


def end_of(payment: Payment) -> dict[str, Any]:
    payment = Payment.objects.select_related("order").get(pk=payment.pk)
    order = payment.order
    done = payment.operations.filter(state="succeeded")
    return {
        "state": payment.state,
        "sums": [
            int(amount.amount * 100)
            for amount in (payment.authorized_amount, payment.captured_amount, payment.refunded_amount)
        ],
        "amount": payment.amount,
        "left": payment.credit_allowed,
        "done": sorted(
            (kind.replace("purchase", "capture"), amount) for kind, amount in done.values_list("kind", "amount")
        ),
        "unsettled": payment.operations.filter(state__in=["open", "unknown", "waiting"]).count(),
        "refunds": sorted(
            payment.refunds.filter(operation__state="succeeded").values_list("operation__amount", flat=True)
        ),
        "order": (order.state, order.payment_state, order.payment_total),
        "reactions": sorted(Reaction.objects.filter(key=order.number).values_list("topic", flat=True)),
    }


def live(life: Life, tellings: list[Telling]) -> dict[str, Any]:
    with undone():
        payment, keys = begin(life)
        for telling in tellings:
            payment.apply(telling.of(keys), by=telling.by)
        return end_of(payment)


def check(life: Life, tellings: list[Telling]) -> None:
    end = live(life, tellings)
    assert end["state"] == life.state
    assert end["sums"][1:] == [life.captured, life.sum_of("refund")]
    assert end["sums"][0] == life.sum_of("authorize", "purchase")
    assert end["unsettled"] == 0
    assert end == live(life, in_time(tellings, life))
    assert end == live(life, [*tellings, *tellings])


@settings(max_examples=40, suppress_health_check=CALM)
@given(st.data())
def test_a_life_ends_the_same_however_it_is_told(data: Any):
    life = data.draw(lives())
    check(life, data.draw(told(life)))


@pytest.mark.drill
@settings(max_examples=examples(800), suppress_health_check=CALM)
@given(st.data())
def test_many_lives_end_the_same_however_they_are_told(data: Any):
    life = data.draw(lives())
    check(life, data.draw(told(life)))
