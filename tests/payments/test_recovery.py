"""The clock: what has no answer is tried in turn, by one at a time, until evidence ends it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from payments.errors import GatewayUnavailable
from payments.gateways.base import Snapshot
from payments.models import Operation
from payments.recovery import Ended, due, recover_due, recover_one
from payments.workers import work
from tests.factories import authorized, make_method, make_payment
from tests.scripted import NarrowGateway, ScriptedGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def lost(**facts):
    """A capture whose answer was lost."""
    payment = authorized("100.00", **facts)
    ScriptedGateway.script = {"capture": GatewayUnavailable("The line went dead.")}
    with pytest.raises(GatewayUnavailable):
        payment.capture()
    ScriptedGateway.script = {}
    return payment


def found(payment, answer):
    ScriptedGateway.books[payment.operations.last().idempotency_key] = answer


def run(*arguments):
    out = StringIO()
    try:
        call_command("recover_payments", "--workers", "1", *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


def test_what_is_found_is_settled_and_the_oldest_first():
    payments = [lost() for _each in range(3)]
    for payment in payments:
        found(payment, ok("GW-CAPTURE"))
    said, code = run()
    assert code == 0
    lines = said.splitlines()
    assert [line.split()[1] for line in lines[:3]] == [payment.number for payment in payments]
    assert "3 settled" in lines[-1]
    assert not Operation.objects.unanswered().exists()


@pytest.mark.parametrize(
    ("answer", "ended"),
    [(ok("GW"), Ended.SETTLED), (declined(), Ended.SETTLED), (waiting(), Ended.WAITING), (None, Ended.UNKNOWN)],
)
def test_each_end_has_its_name(answer, ended):
    payment = lost()
    if answer is not None:
        found(payment, answer)
    assert [each.ended for each in recover_due()] == [ended]


def test_what_is_not_found_comes_back_later_and_later():
    payment = lost()
    pauses = []
    for _try in range(6):
        operation = payment.operations.last()
        with time_machine.travel((operation.next_try_at or timezone.now()) + timedelta(seconds=1), tick=False):
            ScriptedGateway.script = {}
            recover_one(operation.pk)
            operation.refresh_from_db()
            if operation.state != "unknown":
                break
            pauses.append((operation.next_try_at - timezone.now()).total_seconds())
    assert operation.state == "canceled"  # The visibility window has passed.
    assert all(pause >= 22 for pause in pauses)
    assert pauses == sorted(pauses)


def test_what_waits_for_its_turn_is_left_alone_unless_it_is_asked_for_at_once():
    payment = lost()
    assert run()[1] == 2
    asked = len(ScriptedGateway.calls)
    said, code = run()
    assert "its turn has not come" in said
    assert code == 2  # It is still unknown.
    assert len(ScriptedGateway.calls) == asked
    found(payment, ok("GW-CAPTURE"))
    assert run("--at-once")[1] == 0


def test_what_needs_a_person_keeps_its_reason_and_says_so():
    payment = authorized("100.00", method=make_method(gateway="narrow"))
    NarrowGateway.script = {"capture": GatewayUnavailable("The line went dead.")}
    with pytest.raises(GatewayUnavailable):
        payment.capture()
    said, code = run()
    assert code == 1
    assert "can neither be looked up nor asked again" in said
    assert payment.operations.last().reason


def test_only_one_of_two_runs_takes_an_operation():
    payment = lost()
    operation = payment.operations.last()
    taken = Operation.objects.filter(pk=operation.pk)
    taken.update(next_try_at=timezone.now() + timedelta(minutes=5))
    assert recover_one(operation.pk).ended == Ended.TAKEN
    assert [call for call in ScriptedGateway.calls if call[0] == "lookup"] == []


def test_who_was_killed_with_an_operation_in_hand_is_not_waited_for():
    payment = lost()
    operation = payment.operations.last()
    Operation.objects.filter(pk=operation.pk).update(next_try_at=timezone.now() + timedelta(minutes=5))
    found(payment, ok("GW-CAPTURE"))
    with later(minutes=6):
        assert [each.ended for each in recover_due()] == [Ended.SETTLED]


def test_one_payments_trouble_does_not_keep_the_others_waiting(monkeypatch):
    first, second = lost(), lost()

    def lookup(self, *, kind, idempotency_key, order_id, authorization):
        if first.number in idempotency_key:
            raise RuntimeError("A gateway should not raise this.")
        return ok("GW-CAPTURE")

    monkeypatch.setattr(ScriptedGateway, "lookup", lookup)
    ended = {each.payment: each.ended for each in recover_due()}
    assert ended == {first.number: Ended.UNKNOWN, second.number: Ended.SETTLED}


def test_a_method_a_payment_or_a_number_of_them_can_be_chosen():
    card, other = lost(), lost(method=make_method(name="Other card"))
    assert {each.payment for each in recover_due(methods=["other-card"])} == {other.number}
    assert {each.payment for each in recover_due(payments=[card.number])} == {card.number}
    assert len(list(recover_due(at_once=True, limit=1))) == 1


def test_a_dry_run_asks_nobody():
    payment = lost()
    asked = len(ScriptedGateway.calls)
    said, code = run("--dry-run")
    assert code == 0
    assert f"{payment.order.number} {payment.number} capture $100.00 unknown since" in said
    assert len(ScriptedGateway.calls) == asked
    assert due().count() == 1


def test_json_is_one_object_a_line():
    payment = lost()
    found(payment, ok("GW-CAPTURE"))
    [line] = run("--json")[0].splitlines()
    assert json.loads(line) == {
        "order": payment.order.number,
        "payment": payment.number,
        "method": "card",
        "operation": 2,
        "kind": "capture",
        "amount": "100.00",
        "currency": "USD",
        "ended": "settled",
        "said": "",
    }


def test_nothing_to_do_is_said():
    said, code = run()
    assert (code, said.strip()) == (0, "Nothing is open or unknown, or its turn has not come.")


# Holds that end by themselves


@pytest.fixture
def short_lived(monkeypatch):
    lifetime = timedelta(days=7)
    changed = replace(ScriptedGateway.capabilities, authorization_lifetime=lifetime)
    monkeypatch.setattr(ScriptedGateway, "capabilities", changed)
    return lifetime


def test_a_hold_is_to_be_captured_within_the_lifetime_that_the_gateway_declares(short_lived):
    payment = authorized("100.00")
    answered = payment.operations.get().answered_at
    payment.refresh_from_db()
    assert payment.capture_by == answered + short_lived
    payment.capture()
    payment.refresh_from_db()
    assert payment.capture_by is None


def test_what_the_provider_says_comes_before_what_the_gateway_declares(short_lived):
    ScriptedGateway.script = {"authorize": ok("GW-1", params={"expires_at": "2026-12-24T18:00:00+01:00"})}
    payment = authorized("100.00")
    payment.refresh_from_db()
    assert payment.capture_by.isoformat() == "2026-12-24T17:00:00+00:00"


@pytest.mark.parametrize("said", ["soon", "2026-13-45T99:00:00", 7, None])
def test_a_time_that_is_none_is_passed_over(said):
    ScriptedGateway.script = {"authorize": ok("GW-1", params={"expires_at": said})}
    assert authorized("100.00").capture_by is None


def test_a_hold_whose_time_is_over_is_let_go_on_evidence(short_lived):
    payment = make_payment("100.00")
    payment.order.complete()
    snapshot = {"authorization": "GW-AUTHORIZE", "authorized_minor": 10000, "captured_minor": 0, "refunded_minor": 0}
    with later(days=8):
        ScriptedGateway.snapshot = Snapshot(**snapshot, voided=False)
        assert list(recover_due()) == []
        payment.refresh_from_db()
        assert payment.state == "pending"

        ScriptedGateway.snapshot = Snapshot(**snapshot, voided=True)
        [expired] = recover_due()
        assert (expired.ended, expired.payment) == (Ended.EXPIRED, payment.number)
        assert list(recover_due()) == []
    payment.refresh_from_db()
    operation = payment.operations.last()
    assert (payment.state, payment.capture_by) == ("void", None)
    assert (operation.kind, operation.actor.origin, operation.message) == ("void", "recovery", "It expired.")
    order = payment.order
    order.refresh_from_db()
    assert order.payment_state == "failed"
    assert order.add_payment(payment.payment_method, source=payment.source).amount.amount == 100  # Payable again.


def test_a_provider_that_is_silent_about_a_hold_leaves_it_alone(short_lived):
    payment = authorized("100.00")
    with later(days=8):
        assert list(recover_due()) == []  # fetch raises: the test has set no snapshot.
    payment.refresh_from_db()
    assert payment.state == "pending"


# The workers


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_workers_share_the_work_and_two_runs_take_nothing_twice():
    payments = [lost() for _each in range(12)]
    for payment in payments:
        found(payment, ok("GW-CAPTURE"))
    ended = []

    def recover():
        try:
            ended.extend(recover_due(workers=3))
        finally:
            connection.close()

    runs = [threading.Thread(target=recover) for _run in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    settled = [each.payment for each in ended if each.ended == Ended.SETTLED]
    assert sorted(settled) == sorted(payment.number for payment in payments)
    lookups = [call[2] for call in ScriptedGateway.calls if call[0] == "lookup"]
    assert len(lookups) == len(set(lookups)) == 12


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_jobs_are_fed_as_they_are_worked_off():
    fed = []

    def jobs():
        for number in range(1000):
            fed.append(number)
            yield number

    working = work(jobs(), lambda number: number, workers=4)
    next(working)
    assert len(fed) < 30
    working.close()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_job_that_raises_ends_the_run_with_its_error():
    def do(number):
        if number == 5:
            raise RuntimeError("five")
        return number

    with pytest.raises(RuntimeError, match="five"):
        list(work(range(10), do, workers=3))
