"""Captures in groups: what becomes of each is what would become of it alone, and nothing is done twice."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from payments.batch import Result, Selection, handle, plan
from payments.capturing import Capturing
from payments.errors import GatewayUnavailable, PaymentBusy, UnsupportedAction
from payments.gateways.base import Fact, Snapshot
from payments.models import Operation, Payment
from payments.models.asking import HEAD_START, hear
from payments.models.gathering import MOST
from payments.models.grouping import Answered, claim_captures, settle_together
from payments.outcomes import BATCH
from payments.pacing import Pacing
from tests.counting import statements
from tests.factories import make_method, make_order, make_payment
from tests.scripted import ScriptedGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def method(db):
    return make_method(name="Card")


def held(amount="10.00", *, method, order=None):
    payment = make_payment(amount, order=order or make_order(amount), method=method)
    payment.order.complete()
    payment.authorize() if payment.order.payments.count() > 1 else None
    return Payment.objects.get(pk=payment.pk)


def in_turns(selection=None, *, pacing=None, planned=None):
    """A run whose threads take turns in this one: what they do is the same, and a test's transaction holds it."""
    pacing = pacing or Pacing(sleep=lambda seconds: None, clock=Clock())
    run = Capturing(iter(planned or list(plan(selection or Selection(), "capture"))), pacing=pacing, workers=8)
    handled = []
    while run._refill() or run.out:
        handled += run._held_back()
        run._claim()
        while not (run.todo.empty() and run.answers.empty()):
            while not run.todo.empty():
                run.todo.get()()
            if not run.answers.empty():
                run._settle(run._collected(run.answers.get())[0])
        handled += run._what_became()
    return {each.candidate.pk: (each.result, each.said) for each in handled}


def captured():
    return [call for call in ScriptedGateway.calls if call[0] == "capture"]


def by_order(answers):
    """Each payment's answers by its place in the plan, for nobody knows who asks first."""
    keys = {f"{payment.number}-capture": answers[index] for index, payment in enumerate(Payment.objects.order_by("id"))}

    def answer(options):
        told = keys[options["idempotency_key"].rpartition("-")[0]]
        told = told.pop(0) if isinstance(told, list) else told
        if isinstance(told, BaseException):
            raise told
        return told(options) if callable(told) else told

    return answer


def lost_and_booked(options):
    ScriptedGateway.books[options["idempotency_key"]] = ok("GW-CAPTURE")
    raise GatewayUnavailable("lost")


ANSWERS = {
    "approved": lambda: ok("GW", reference="ch_1", message="Fine.", params={"fee": "0.30"}, amount_minor=1000),
    "declined": lambda: declined("Too late."),
    "waiting": waiting,
    "lost": lambda: GatewayUnavailable("lost"),
    "lost and booked": lambda: lost_and_booked,
    "too many requests": lambda: [GatewayUnavailable("Too many.", retry_after=1), ok("GW")],
    "always too many": lambda: [GatewayUnavailable("Too many.", retry_after=1) for _try in range(4)],
    "unsupported": lambda: UnsupportedAction("It cannot."),
    "no gateway raises that": lambda: KeyError("id"),
    "another amount": lambda: ok("GW", amount_minor=1),
}
HOLDS_IT = Snapshot(
    authorization="GW-AUTHORIZE", authorized_minor=1000, captured_minor=1000, refunded_minor=0, voided=False
)
PAYMENT = ("state", "amount", "captured_amount", "authorized_amount", "response_code", "avs_response", "review_reason")
OPERATION = ("sequence", "kind", "state", "amount", "message", "error_code", "reason", "authorization", "reference")
OPERATION_TOO = ("params", "origin", "state_before", "state_after", "final", "guessed", "next_action")
ORDER = ("state", "payment_state", "payment_total")


def picture(payment):
    payment = Payment.objects.select_related("order").get(pk=payment.pk)
    operations = [[getattr(each, name) for name in OPERATION + OPERATION_TOO] for each in payment.operations.all()]
    keys = [each.idempotency_key.removeprefix(payment.number) for each in payment.operations.all()]
    own = [getattr(payment, name) for name in PAYMENT], [getattr(payment.order, name) for name in ORDER]
    times = [each.answered_at is None for each in payment.operations.all()]
    return own, operations, keys, times


@pytest.mark.parametrize("snapshot", [None, HOLDS_IT])
def test_whatever_the_provider_says_each_ends_as_it_would_alone(method, snapshot):
    ScriptedGateway.snapshot = snapshot
    together = [held(method=method) for _each in ANSWERS]
    alone = [held(method=method) for _each in ANSWERS]
    ScriptedGateway.script = {"capture": by_order([each() for each in (*ANSWERS.values(), *ANSWERS.values())])}
    planned = list(plan(Selection(), "capture"))
    said = in_turns(planned=planned[: len(together)])
    for candidate, one, other, name in zip(planned[len(together) :], together, alone, ANSWERS, strict=True):
        handled = handle(candidate, "capture", pacing=Pacing(sleep=lambda seconds: None, clock=Clock()))
        assert said[one.pk] == (handled.result, handled.said), name
        assert picture(one) == picture(other), name


class Clock:
    """Every look at it is a second later: nobody waits."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def test_who_cannot_be_asked_for_is_held_back_and_the_others_are_captured(method):
    busy, completed, voided, unset, fine, partly = (held(method=method) for _each in range(6))
    planned = list(plan(Selection(), "capture"))
    ScriptedGateway.script = {"void": [GatewayUnavailable("lost"), ok("GW")]}
    with suppress(GatewayUnavailable):
        busy.void_transaction()
    voided.void_transaction()
    completed.capture()
    partly.capture("4.00", final=False)
    Payment.objects.filter(pk=unset.pk).update(payment_method=make_method(name="Other", gateway="gone"))
    said = in_turns(planned=planned)
    assert {pk: result for pk, (result, _said) in said.items()} == {
        busy.pk: Result.HELD,
        completed.pk: Result.HELD,
        voided.pk: Result.HELD,
        unset.pk: Result.HELD,
        fine.pk: Result.DONE,
        partly.pk: Result.DONE,
    }
    assert "has no answer yet" in said[busy.pk][1]
    assert said[completed.pk][1] == "it is completed by now"
    assert len(captured()) == 4
    assert Payment.objects.get(pk=partly.pk).captured_amount.amount == 10


def test_two_payments_of_one_order_take_turns(method):
    order = make_order("30.00")
    first = make_payment("10.00", order=order, method=method)
    first.authorize()
    second = make_payment("20.00", order=order, method=method)
    second.authorize()
    order.complete()
    assert set(claim_captures([first.pk, second.pk], by=BATCH)) == {first.pk}
    Operation.objects.filter(state="open").delete()
    Payment.objects.filter(pk=first.pk).update(state="pending")
    assert set(in_turns().values()) == {(Result.DONE, "")}
    order.refresh_from_db()
    assert (order.payment_state, order.payment_total.amount) == ("paid", 30)


def test_an_answer_that_cannot_be_written_undoes_no_other(method):
    payments = [held(method=method) for _each in range(4)]
    longer_than_its_column = ok("x" * 300)
    ScriptedGateway.script = {"capture": by_order([ok("GW"), longer_than_its_column, declined("No."), ok("GW")])}
    said = in_turns()
    strict = connection.vendor == "postgresql"  # SQLite keeps whatever fits into memory.
    bad = (Result.UNKNOWN, "DataError") if strict else (Result.DONE, "")
    assert [said[payment.pk] for payment in payments] == [
        (Result.DONE, ""),
        bad,
        (Result.DECLINED, "No."),
        (Result.DONE, ""),
    ]
    states = [Payment.objects.get(pk=payment.pk).state for payment in payments]
    assert states == ["completed", "processing" if strict else "completed", "failed", "completed"]


# Whoever is killed


def longer_ago(than):
    """As if what is open had been claimed so long ago."""
    for operation in Operation.objects.filter(state="open"):
        Operation.objects.filter(pk=operation.pk).update(created_at=timezone.now() - than)


def test_killed_after_the_claim_it_surely_never_happened_and_is_captured_once(method):
    payments = [held(method=method) for _each in range(3)]
    claimed = claim_captures([each.pk for each in payments], by=BATCH)
    assert {each.operation.state for each in claimed.values()} == {"open"}
    assert {Payment.objects.get(pk=each.pk).state for each in payments} == {"processing"}

    gateway = method.gateway_class
    longer_ago(gateway.longest_call + HEAD_START / 2)
    for payment in payments:
        payment.recover()  # Whoever claimed it may still be about to send.
    assert Operation.objects.filter(state="open").count() == 3
    longer_ago(gateway.longest_call + HEAD_START + gateway.capabilities.visibility_window)
    for payment in payments:
        payment.recover()
    assert {Payment.objects.get(pk=each.pk).state for each in payments} == {"pending"}
    assert set(in_turns().values()) == {(Result.DONE, "")}
    assert len(captured()) == 3


def test_killed_before_the_answers_are_written_they_are_found_and_not_asked_for_again(method):
    payments = [held(method=method) for _each in range(3)]
    claimed = claim_captures([each.pk for each in payments], by=BATCH)
    for each in claimed.values():
        hear(each.claim, each.operation, by=BATCH)
    longer_ago(method.gateway_class.longest_call + HEAD_START)
    for payment in payments:
        payment.recover()
    assert {Payment.objects.get(pk=each.pk).state for each in payments} == {"completed"}
    assert in_turns() == {}
    assert len(captured()) == 3


def test_what_is_not_sent_in_time_is_called_off_and_asked_for_again(method):
    payment = held(method=method)
    waits = [HEAD_START.total_seconds()]

    class LateOnce(Pacing):
        """The first worker wakes when what it was handed may not be sent any more."""

        def take(self, method, turn):
            time.sleep(waits.pop() if waits else 0)
            return super().take(method, turn)

    pacing = LateOnce(clock=Clock(), sleep=lambda seconds: None)
    assert in_turns(pacing=pacing) == {payment.pk: (Result.DONE, "")}
    assert list(payment.operations.values_list("kind", "state", "message"))[1:] == [
        ("capture", "canceled", "It was not sent."),
        ("capture", "succeeded", ""),
    ]
    assert len(captured()) == 1


def test_a_fact_that_comes_before_the_answer_is_written_counts_once(method):
    payment = held(method=method)
    claimed = claim_captures([payment.pk], by=BATCH)[payment.pk]
    response = hear(claimed.claim, claimed.operation, by=BATCH)
    payment.recover()
    payment.apply(Fact.from_response("capture", response, idempotency_key=claimed.operation.idempotency_key))
    settled = settle_together([Answered(claimed.claim, claimed.operation, response)], by=BATCH)
    assert settled[payment.pk].state == "succeeded"
    payment.refresh_from_db()
    assert (payment.captured_amount.amount, payment.operations.filter(kind="capture").count()) == (10, 1)


# Statements


def of_a_group(payments):
    with statements() as claiming:
        claimed = claim_captures([each.pk for each in payments], by=BATCH)
    assert len(claimed) == len(payments)
    answered = [
        Answered(each.claim, each.operation, hear(each.claim, each.operation, by=BATCH)) for each in claimed.values()
    ]
    with statements() as settling:
        assert len(settle_together(answered, by=BATCH)) == len(payments)
    return claiming, settling


@pytest.mark.parametrize("size", [1, 3, MOST])
def test_a_group_takes_four_statements_to_claim_and_six_to_settle_whatever_its_size(method, size):
    payments = [held(method=method) for _each in range(size)]
    claiming, settling = of_a_group(payments)
    kinds = [Counter(sql.split()[0] for sql in ran) for ran in (claiming, settling)]
    each = 1 if connection.vendor == "postgresql" else size  # SQLite is no way off, and writes row by row.
    assert kinds[0] == {"SELECT": 2, "INSERT": each, "UPDATE": each}
    assert kinds[1] == {"SELECT": 3, "UPDATE": 3 * each}
    assert {Payment.objects.get(pk=each.pk).state for each in payments} == {"completed"}


# With threads


def run(*, workers=8, pacing=None):
    return list(Capturing(plan(Selection(), "capture"), pacing=pacing or Pacing(), workers=workers).run())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_single_capture_beside_a_group_and_every_cent_is_taken_once(method):
    payments = [held(method=method) for _each in range(24)]
    ScriptedGateway.script = {"capture": lambda options: time.sleep(0.005) or ok("GW")}

    def one_by_one(found):
        try:
            for payment in found:
                with suppress(PaymentBusy, TransitionNotAllowed):
                    Payment.objects.get(pk=payment.pk).capture()
        finally:
            connection.close()

    beside = [threading.Thread(target=one_by_one, args=(part,)) for part in (payments, payments[::-1])]
    for thread in beside:
        thread.start()
    handled = run()
    for thread in beside:
        thread.join()
    assert len(captured()) == len({call[3]["idempotency_key"] for call in captured()}) == 24
    assert {each.result for each in handled} <= {Result.DONE, Result.HELD}
    found = Payment.objects.filter(pk__in=[each.pk for each in payments])
    assert {(each.state, each.captured_amount.amount) for each in found} == {("completed", 10)}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_what_somebody_holds_is_passed_over_and_waits_alone(method):
    payments = [held(method=method) for _each in range(3)]
    holding, let_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            Payment.objects.select_for_update().get(pk=payments[1].pk)
            holding.set()
            let_go.wait(10)
        connection.close()

    somebody = threading.Thread(target=hold)
    somebody.start()
    holding.wait(10)
    running = Capturing(plan(Selection(), "capture"), pacing=Pacing(), workers=4).run()
    first = [next(running).candidate.pk for _number in range(2)]
    assert payments[1].pk not in first
    let_go.set()
    assert [each.candidate.pk for each in running] == [payments[1].pk]
    somebody.join()
    assert {Payment.objects.get(pk=each.pk).state for each in payments} == {"completed"}


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_whoever_stops_listening_leaves_nothing_half_done(method):
    for _number in range(24):
        held(method=method)
    ScriptedGateway.script = {"capture": lambda options: time.sleep(0.06) or ok("GW")}
    running = Capturing(plan(Selection(), "capture"), pacing=Pacing(), workers=4).run()
    next(running)
    running.close()
    assert not Operation.objects.filter(state="open").exists()
    states = Counter(Payment.objects.values_list("state", flat=True))
    assert set(states) == {"completed", "pending"}
    assert states["completed"] == len(captured())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_more_than_a_provider_allows_is_never_asked_in_a_second(method):
    for _number in range(30):
        held(method=method)
    sent = []

    def answer(options):
        sent.append(time.monotonic())
        time.sleep(0.02)
        return ok("GW")

    ScriptedGateway.script = {"capture": answer}
    handled = run(pacing=Pacing({"": 20}))
    assert [each.result for each in handled] == [Result.DONE] * 30
    sent.sort()
    assert all(later - earlier > 0.98 for earlier, later in zip(sent, sent[20:], strict=False))
