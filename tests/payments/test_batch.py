"""The everyday batch: who is captured, who is held back and why, what it says, and that nothing is done twice."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from payments.batch import Result, Selection, handle, plan
from payments.errors import GatewayUnavailable
from payments.models import Payment
from payments.pacing import FIRST_PAUSE, STRIKES, Pacing, a_little_below
from tests.factories import authorized, card_recipe, make_method, make_order, make_payment
from tests.scripted import ScriptedGateway, declined, ok

pytestmark = pytest.mark.django_db


@pytest.fixture
def method(db):
    return make_method(name="Card")


def held(amount="10.00", *, method, **facts):
    payment = make_payment(order=make_order(amount, **facts), method=method)
    payment.order.complete()
    payment.refresh_from_db()
    return payment


def run(*arguments, command="capture_payments"):
    out = StringIO()
    code = 0
    try:
        call_command(command, "--workers", "1", *arguments, stdout=out)
    except SystemExit as end:
        code = end.code
    return out.getvalue(), code


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        call_command("capture_payments", *arguments, stdout=StringIO())
    assert error.value.returncode == 3
    return str(error.value)


def captured():
    return [call for call in ScriptedGateway.calls if call[0] == "capture"]


def states():
    return list(Payment.objects.order_by("id").values_list("state", flat=True))


# What it does and says


def test_everything_that_is_held_is_captured(method):
    for amount in ("10.00", "20.00", "30.00"):
        held(amount, method=method)
    said, code = run()
    assert (code, said.strip()) == (0, "3 captured ($60.00)")
    assert states() == ["completed"] * 3
    assert [call[1] for call in captured()] == [1000, 2000, 3000]
    operation = Payment.objects.first().operations.last()
    assert operation.actor.origin == "batch"


def test_run_again_it_finds_nothing(method):
    held(method=method)
    run()
    said, code = run()
    assert (code, said.strip()) == (0, "Nothing fits the selection.")
    assert len(captured()) == 1


def test_one_failure_stops_nothing_and_each_end_has_its_code(method):
    payments = [held(method=method) for _each in range(4)]
    answers = [ok("GW"), declined("Too late."), GatewayUnavailable("lost"), ok("GW")]
    ScriptedGateway.script = {"capture": answers}
    said, code = run()
    assert code == 2
    assert f"{payments[1].order.number} {payments[1].number} card $10.00 declined: Too late." in said
    assert f"{payments[2].order.number} {payments[2].number} card $10.00 unknown: lost" in said
    assert "2 captured ($20.00)" in said
    assert "settled by manage.py recover_payments" in said
    assert states() == ["completed", "failed", "processing", "completed"]


def test_something_declined_alone_is_code_1(method):
    held(method=method)
    ScriptedGateway.script = {"capture": declined("Too late.")}
    assert run()[1] == 1


def test_a_lost_answer_that_can_be_found_is_done(method):
    payment = held(method=method)

    def lose(options):
        ScriptedGateway.books[options["idempotency_key"]] = ok("GW-CAPTURE")
        raise GatewayUnavailable("lost")

    ScriptedGateway.script = {"capture": lose}
    said, code = run()
    assert (code, said.strip()) == (0, "1 captured ($10.00)")
    payment.refresh_from_db()
    assert payment.captured_amount.amount == 10
    assert len(captured()) == 1


def test_what_the_provider_was_too_busy_for_is_asked_again_after_its_pause(method):
    payment = held(method=method)
    answers = [GatewayUnavailable("Too many requests.", retry_after=7), ok("GW")]
    ScriptedGateway.script = {"capture": answers}
    slept = []
    now = [0.0]

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    pacing = Pacing(clock=lambda: now[0], sleep=sleep)
    [candidate] = plan(Selection(), "capture")
    handled = handle(candidate, "capture", pacing=pacing)
    assert handled.result is Result.DONE
    assert sum(slept) >= 7
    operations = list(payment.operations.values_list("kind", "state"))
    assert operations == [("authorize", "succeeded"), ("capture", "canceled"), ("capture", "succeeded")]


def test_a_payment_that_somebody_else_captured_meanwhile_is_left_alone(method):
    payment = held(method=method)
    [candidate] = plan(Selection(), "capture")
    payment.capture()
    handled = handle(candidate, "capture", pacing=Pacing())
    assert (handled.result, handled.said) == (Result.HELD, "it is completed by now")
    assert len(captured()) == 1


def test_an_exception_that_no_gateway_should_raise_stops_nothing(method):
    first, second = held(method=method), held(method=method)
    ScriptedGateway.script = {"capture": [KeyError("id"), ok("GW")]}
    said, code = run()
    assert code == 2
    assert f"{first.number} card $10.00 unknown: KeyError" in said
    second.refresh_from_db()
    assert second.state == "completed"


# Who is held back


def test_what_is_held_back_says_why(method):
    unknown, reviewed, risky, approved = (held(method=method) for _each in range(4))
    ScriptedGateway.script = {"void": GatewayUnavailable("lost")}
    with pytest.raises(GatewayUnavailable):
        unknown.void_transaction()
    Payment.objects.filter(pk=reviewed.pk).update(review_reason="Money came late.")
    Payment.objects.filter(pk__in=(risky.pk, approved.pk)).update(avs_response="N")
    approved.order.approve()
    said, code = run()
    assert code == 1
    for payment, why in (
        (unknown, "an answer is missing: recover it first"),
        (reviewed, "it needs review: Money came late."),
        (risky, "it is risky, and nobody has approved the order"),
    ):
        assert f"{payment.number} card $10.00 held: {why}" in said
    assert "1 captured ($10.00)" in said
    assert len(captured()) == 1


def test_a_risky_payment_may_be_voided(method):
    payment = held(method=method)
    Payment.objects.filter(pk=payment.pk).update(avs_response="N")
    said, code = run(command="void_payments")
    assert (code, said.strip()) == (0, "1 voided ($10.00)")
    assert states() == ["void"]


# Which are selected


def test_the_soonest_to_expire_come_first_then_the_oldest(method):
    payments = [held(method=method) for _each in range(4)]
    now = timezone.now()
    for payment, days in ((payments[2], 1), (payments[1], 3)):
        Payment.objects.filter(pk=payment.pk).update(capture_by=now + timedelta(days=days))
    planned = [each.payment for each in plan(Selection(), "capture")]
    assert planned == [payments[index].number for index in (2, 1, 0, 3)]


def test_the_plan_is_read_page_by_page_and_nothing_is_missed(method, monkeypatch):
    monkeypatch.setattr("payments.batch.PAGE", 3)
    payments = [held(method=method) for _each in range(10)]
    end = timezone.now()
    for index, payment in enumerate(payments):
        if index % 3:
            Payment.objects.filter(pk=payment.pk).update(capture_by=end + timedelta(days=index % 2))
    planned = [each.payment for each in plan(Selection(), "capture")]
    assert sorted(planned) == sorted(payment.number for payment in payments)
    named = Selection(orders=[payment.order.number for payment in reversed(payments)])
    assert [each.payment for each in plan(named, "capture")] == planned


def test_each_choice_narrows(method):
    other = make_method(name="Other")
    small, big = held("10.00", method=method), held("500.00", method=method)
    elsewhere = held("10.00", method=other)
    euro = held("10.00", method=method, currency="EUR")
    big.order.mark_shipped()
    Payment.objects.filter(pk=small.pk).update(created_at=timezone.now() - timedelta(days=4))
    Payment.objects.filter(pk=euro.pk).update(capture_by=timezone.now() + timedelta(hours=1))

    def chosen(*arguments):
        said, _code = run("--dry-run", "--json", *arguments)
        return {json.loads(line)["payment"] for line in said.splitlines()}

    assert chosen() == {each.number for each in (small, big, elsewhere, euro)}
    assert chosen("--method", "other") == {elsewhere.number}
    assert chosen("--currency", "eur") == {euro.number}
    assert chosen("--older-than", "3") == {small.number}
    assert chosen("--shipped") == {big.number}
    assert chosen("--amount-from", "100") == {big.number}
    assert chosen("--amount-to", "100") == {each.number for each in (small, elsewhere, euro)}
    soon = (timezone.localdate() + timedelta(days=1)).isoformat()
    assert chosen("--capture-by", soon) == {euro.number}


def test_orders_can_be_named_in_a_file_or_on_standard_input(method, tmp_path, monkeypatch):
    first, _second, third = (held(method=method) for _each in range(3))
    wanted = f"# for today\n{third.order.number}\n\n {first.order.number} \nR000\n"
    named = tmp_path / "orders.txt"
    named.write_text(wanted)
    said, code = run("--orders", str(named), "--dry-run")
    assert code == 0
    assert [line.split()[0] for line in said.splitlines()[:3]] == ["R000", first.order.number, third.order.number]
    assert "R000 held: no payment of this order fits the selection" in said
    monkeypatch.setattr("sys.stdin", StringIO(wanted))
    said, code = run("--orders", "-")
    assert code == 1  # R000 is not forgotten.
    assert "2 captured ($20.00)" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--method", "pigeon"], "no payment method pigeon"),
        (["--capture-by", "soon"], "“soon” is no date"),
        (["--capture-by", "2026-13-45"], "is no date"),
        (["--amount-from", "ten"], "“ten” is no amount"),
        (["--amount-to", "NaN"], "is no amount"),
        (["--rate", "fast"], "“fast” is no rate"),
        (["--rate", "card=0"], "is no rate"),
        (["--rate", "inf"], "is no rate"),
        (["--orders", "/nowhere/orders.txt"], "cannot be read"),
        (["--older-than", "long"], "invalid float value"),
        (["--nonsense"], "unrecognized arguments"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(method, arguments, said):
    held(method=method)
    assert said in refused(*arguments)
    assert captured() == []


# The plan and the report


def test_a_dry_run_shows_the_plan_with_its_totals_and_asks_nobody(method):
    held("10.00", method=method)
    held("500", method=method, currency="JPY")
    risky = held("20.00", method=method)
    Payment.objects.filter(pk=risky.pk).update(avs_response="N")
    asked = len(ScriptedGateway.calls)
    said, code = run("--dry-run")
    assert code == 0
    lines = said.splitlines()
    assert lines[-3:] == [
        "held back: 1 of card, $20.00",
        "would be captured: 1 of card, ¥500",
        "would be captured: 1 of card, $10.00",
    ]
    assert len(ScriptedGateway.calls) == asked


def test_json_has_a_line_for_each_payment_and_one_for_the_sums(method):
    payment = held("10.00", method=method)
    held("20.00", method=method)
    ScriptedGateway.script = {"capture": [ok("GW"), declined("Too late.")]}
    said, _code = run("--json")
    first, second, sums = (json.loads(line) for line in said.splitlines())
    assert first == {
        "order": payment.order.number,
        "payment": payment.number,
        "method": "card",
        "amount": "10.00",
        "currency": "USD",
        "result": "done",
        "said": "",
    }
    assert (second["result"], second["said"]) == ("declined", "Too late.")
    assert (sums["done"], sums["declined"], sums["unknown"], sums["held"], sums["stopped"]) == (1, 1, 0, 0, False)
    assert sums["totals"] == {"declined_USD": "20.00", "done_USD": "10.00"}


def test_the_remaining_part_of_a_hold_is_captured(method):
    payment = authorized("100.00", method=method, source=card_recipe.make())
    payment.capture("30.00", final=False)
    said, _code = run()
    assert "1 captured ($70.00)" in said
    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount.amount) == ("completed", 100)


# The pace


class Clock:
    def __init__(self):
        self.now, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def pacing(self, **rates):
        return Pacing(rates, clock=lambda: self.now, sleep=self.sleep)


def test_requests_are_spaced_evenly_a_little_below_the_limit():
    clock = Clock()
    pacing = clock.pacing(card=50)
    for _request in range(101):
        pacing.wait("card")
    assert clock.now == pytest.approx(100 / a_little_below(50))
    pacing.wait("other")
    assert clock.now == pytest.approx(100 / a_little_below(50))


@pytest.mark.parametrize("rate", [0.5, 2, 25, 100, 1000])
def test_at_least_95_percent_of_a_limit_are_used(rate):
    assert 0.95 * rate <= a_little_below(rate) < rate


def test_who_woke_late_is_not_made_up_for():
    clock, left = Clock(), []
    late = [0.0, 0.03, 0.0, 0.0, 0.05, 0.0, 0.01]
    pacing = Pacing({"": 20}, clock=lambda: clock.now, sleep=lambda seconds: clock.sleep(seconds + late[0]))
    for _request in range(200):
        late.append(late.pop(0))
        pacing.wait("card")
        left.append(clock.now)
    assert all(later - earlier > 1 for earlier, later in zip(left, left[20:], strict=False))
    assert len(left) / left[-1] > 0.8 * 20


def test_what_arrived_late_counts_from_then():
    clock = Clock()
    pacing = clock.pacing(card=2)
    turns = [pacing.reserve("card") for _request in range(4)]
    for turn, took in zip(turns[:2], (0.1, 0.3), strict=True):
        assert pacing.take("card", turn)
        clock.now += took
        pacing.heard("card", turn)
    assert pacing.take("card", turns[2])
    assert clock.now == pytest.approx(2 / a_little_below(2))
    assert pacing.take("card", turns[3])
    assert clock.now == pytest.approx(3 / a_little_below(2) + 0.2)  # The second one was 0.2 s slower than the first.


def test_a_turn_that_was_reserved_does_not_hold_once_the_provider_is_down():
    clock = Clock()
    pacing = clock.pacing(card=10)
    first, second = pacing.reserve("card"), pacing.reserve("card", within=1)
    assert pacing.reserve("card", within=0.1) is None
    assert pacing.take("card", first)
    pacing.silent("card", retry_after=5)
    assert not pacing.take("card", second)
    assert pacing.reserve("card") is None
    pacing.wait("card")
    assert clock.now == pytest.approx(5)


def test_a_rate_without_a_name_holds_for_each_method():
    clock = Clock()
    pacing = Pacing({"": 10.0, "fast": 100.0}, clock=lambda: clock.now, sleep=clock.sleep)
    for _request in range(2):
        pacing.wait("card")
    assert clock.now == pytest.approx(1 / a_little_below(10))


def test_a_provider_that_is_down_is_tried_by_one_at_a_time_and_ever_later():
    clock = Clock()
    pacing = clock.pacing()
    for _answer in range(STRIKES):
        pacing.wait("card")
        pacing.silent("card")
    assert clock.now == 0
    assert pacing.paused() == {"card": FIRST_PAUSE}
    pacing.wait("card")
    assert clock.now == pytest.approx(FIRST_PAUSE)
    assert pacing.paused() == {"card": 2 * FIRST_PAUSE}  # Whoever comes next waits for the first one's answer.
    pacing.silent("card")
    pacing.wait("card")
    assert clock.now == pytest.approx(3 * FIRST_PAUSE)
    pacing.answered("card")
    assert pacing.paused() == {}
    before = clock.now
    pacing.wait("card")
    assert clock.now == before


def test_one_lost_answer_among_many_pauses_nothing():
    clock = Clock()
    pacing = clock.pacing()
    for _round in range(20):
        pacing.silent("card")
        pacing.answered("card")
    assert pacing.paused() == {}
