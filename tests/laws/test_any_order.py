"""Law 4: whatever the order, the repeats and the mix of the four sources, the end is the same."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import Order
from payments.errors import GatewayError, GatewayUnavailable
from payments.gateways.base import Outcome
from payments.models import Payment, Reaction
from tests.factories import fact, make_order, make_payment
from tests.laws.lives import CODE, TOTAL, VERBS, Deed, Life, Telling, in_time, lives, told
from tests.laws.sandbox import examples, undone
from tests.scripted import ScriptedGateway, ok, waiting

pytestmark = pytest.mark.django_db
COUNTS: Counter[str] = Counter()
CALM = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


class Crash(BaseException): ...


@pytest.fixture(autouse=True)
def _a_receiver(settings: Any) -> None:
    topics = ("order.completed", "payment.refunded", "payment.failed", "payment.action_needed")
    settings.REACTIONS = {topic: ["tests.laws.test_any_order.receive"] for topic in topics}


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
        "refunds told": refunds_told(payment),
    }


def refunds_told(payment: Payment) -> int:
    """How many there are: exactly those that succeeded, whatever they were taken for in between."""
    told = set(Reaction.objects.filter(topic="payment.refunded").values_list("key", flat=True))
    done = payment.operations.filter(kind="refund", state="succeeded")
    assert told == {f"{payment.number}-{pk}" for pk in done.values_list("pk", flat=True)}
    return len(told)


def live(life: Life, tellings: list[Telling]) -> dict[str, Any]:
    with undone():
        payment, keys = begin(life)
        COUNTS.update(times=1, facts=len(tellings))
        for telling in tellings:
            payment.apply(telling.of(keys), by=telling.by)
        return end_of(payment)


def check(life: Life, tellings: list[Telling]) -> None:
    COUNTS["lives"] += 1
    end = live(life, tellings)
    assert end["state"] == life.state
    assert end["sums"][1:] == [life.captured, life.sum_of("refund")]
    assert end["sums"][0] == life.sum_of("authorize", "purchase")
    assert end["unsettled"] == 0
    assert end == live(life, in_time(tellings, life))
    assert end == live(life, [*tellings, *tellings])


def test_a_sale_told_as_a_capture_is_not_opened_again_by_a_late_poll():
    """Both names are one kind; the poll has no reference, and nothing was asked by us."""
    payment = make_payment()
    payment.apply(fact("capture", amount_minor=TOTAL, authorization=CODE, reference="ch_1"))
    payment.apply(fact("purchase", Outcome.PROCESSING, TOTAL, authorization=CODE))
    assert payment.state == "completed"


def test_a_sale_told_as_a_capture_first_is_taken_back_whole():
    """A capture of a hold would stay; that it was a sale is known from its second name."""
    told_of = {"amount_minor": TOTAL, "authorization": CODE, "reference": "ch_1"}
    payment = make_payment()
    for kind in ("capture", "purchase"):
        payment.apply(fact(kind, **told_of))
    payment.apply(fact("void", authorization=CODE, reference="v_1"))
    assert end_of(payment)["state"] == "void"
    assert end_of(payment)["sums"] == [TOTAL, 0, 0]


def test_a_refused_try_that_was_heard_waiting_is_ended_by_the_key_of_its_request():
    """The request came through as its second try; the first was heard of while it waited, by its own name only."""
    ScriptedGateway.script["authorize"] = waiting(CODE)
    payment = make_payment()
    payment.authorize()
    key = payment.operations.get().idempotency_key
    payment.apply(fact("authorize", authorization=CODE, reference="ch_2", idempotency_key=key))
    payment.apply(fact("authorize", Outcome.PROCESSING, TOTAL, authorization=CODE, reference="ch_1"))
    payment.apply(fact("authorize", Outcome.DECLINED, authorization=CODE, reference="ch_1", idempotency_key=key))
    assert end_of(payment)["state"] == "pending"
    assert end_of(payment)["unsettled"] == 0


@settings(max_examples=12, suppress_health_check=CALM)
@given(st.data())
def test_a_life_ends_the_same_however_it_is_told(data: Any):
    life = data.draw(lives())
    check(life, data.draw(told(life)))


@pytest.mark.drill
def test_many_lives_end_the_same_however_they_are_told(capsys: pytest.CaptureFixture[str]):
    COUNTS.clear()

    @settings(max_examples=examples(800), suppress_health_check=CALM)
    @given(st.data())
    def many(data: Any) -> None:
        life = data.draw(lives())
        check(life, data.draw(told(life)))

    many()
    with capsys.disabled():
        lives_, times, facts = (COUNTS[each] for each in ("lives", "times", "facts"))
        print(f"\nAny order: {lives_} lives of a payment, told {times} times in {facts} facts, 0 differences.")
