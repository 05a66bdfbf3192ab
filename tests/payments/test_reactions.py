"""What must happen after a fact happens once, after the commit, and never at the money's expense (law 8)."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from payments.actors import Actor
from payments.errors import GatewayUnavailable
from payments.gateways.base import Outcome, Response
from payments.models import Reaction
from payments.models.announcing import TOPICS
from payments.reminding import remind
from tests.factories import authorized, card_recipe, fact, make_method, make_order, make_payment, purchased
from tests.scripted import waiting

HERE = "tests.payments.test_reactions"
calls: list[tuple[str, str]] = []
broken = {"failing": True}


def first(reaction):
    calls.append(("first", reaction.key))


def last(reaction):
    calls.append(("last", reaction.key))


def shaky(reaction):
    calls.append(("shaky", reaction.key))
    if broken["failing"]:
        raise ConnectionError("the mail server 192.0.2.1 is down")


def meddling(reaction):
    """Another deliverer looks in while this one is at it."""
    calls.append(("meddling", str(Reaction.objects.get(pk=reaction.pk).deliver())))


@pytest.fixture(autouse=True)
def receivers(settings):
    calls.clear()
    broken["failing"] = True
    settings.REACTIONS = {
        "good": [f"{HERE}.first", f"{HERE}.last"],
        "shaky": [f"{HERE}.first", f"{HERE}.shaky", f"{HERE}.last"],
        "meddling": [f"{HERE}.meddling"],
    }


def queue(topic, key):
    with transaction.atomic():
        Reaction.objects.queue(topic, key)


def leftover(topic, key="R1", **facts):
    """As a crash right after the commit leaves it."""
    return Reaction.objects.create(topic=topic, key=key, **facts)


def sweep(**options):
    out, err = StringIO(), StringIO()
    try:
        call_command("deliver_reactions", stdout=out, stderr=err, **options)
    except CommandError as error:
        return out.getvalue(), f"{err.getvalue()}{error}", error.returncode
    return out.getvalue(), err.getvalue(), 0


@pytest.mark.django_db(transaction=True)
def test_it_is_delivered_after_the_commit_and_not_before():
    with transaction.atomic():
        Reaction.objects.queue("good", "R1")
        assert calls == []
    assert calls == [("first", "R1"), ("last", "R1")]
    assert Reaction.objects.get().delivered_at


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_fact_has_no_reaction():
    with transaction.atomic():
        Reaction.objects.queue("good", "R1")
        transaction.set_rollback(True)
    assert calls == []
    assert not Reaction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_happens_once_for_each_topic_and_key():
    queue("good", "R1")
    queue("good", "R1")
    queue("good", "R2")
    assert calls == [("first", "R1"), ("last", "R1"), ("first", "R2"), ("last", "R2")]
    assert Reaction.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_topic_that_nobody_listens_to_leaves_no_row():
    queue("unheard", "R1")
    assert not Reaction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_broken_receiver_keeps_the_money(settings, caplog):
    settings.REACTIONS["order.completed"] = [f"{HERE}.shaky", "shop.mail.order_confirmed"]
    order = make_order("48.00")
    method = make_method(gateway="bogus", auto_capture=True)
    payment = order.add_payment(method, card_recipe.make(token="BGS-approves"))
    with caplog.at_level(logging.WARNING):
        order.complete()
    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.state, order.payment_state, payment.state) == ("complete", "paid", "completed")
    assert payment.captured_amount == order.total == order.payment_total
    assert [letter.to for letter in mail.outbox] == [["ada@example.com"]]
    assert "shaky failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_only_the_broken_receiver_is_called_again():
    queue("shaky", "R1")
    assert calls == [("first", "R1"), ("shaky", "R1"), ("last", "R1")]
    reaction = Reaction.objects.get()
    assert reaction.delivered_at is None
    assert sorted(reaction.done) == [f"{HERE}.first", f"{HERE}.last"]
    assert reaction.next_attempt_at > timezone.now()

    calls.clear()
    broken["failing"] = False
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        assert sweep()[2] == 0
    assert calls == [("shaky", "R1")]
    assert Reaction.objects.get().delivered_at


@pytest.mark.django_db
def test_the_pause_grows_with_each_failure_up_to_six_hours():
    reaction = leftover("shaky")
    pauses = []
    for _attempt in range(12):
        with time_machine.travel(reaction.next_attempt_at, tick=False):
            assert reaction.deliver() is False
            pauses.append(reaction.next_attempt_at - timezone.now())
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert pauses[-1] == timedelta(hours=6)
    assert pauses == sorted(pauses)


@pytest.mark.django_db
def test_the_error_kept_for_staff_names_no_detail():
    """An exception's text may hold an address or a secret; its name does not."""
    reaction = leftover("shaky")
    reaction.deliver()
    reaction.refresh_from_db()
    assert reaction.last_error == f"{HERE}.shaky: ConnectionError"


@pytest.mark.django_db
def test_two_deliverers_never_overlap():
    reaction = leftover("meddling")
    assert reaction.deliver() is True
    assert calls == [("meddling", "False")]


@pytest.mark.django_db
def test_what_a_dead_deliverer_held_is_free_again_when_its_lease_ends():
    reaction = leftover("good")
    Reaction.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=5), attempts=1)  # Leased, then died.
    assert sweep()[0].startswith("0 delivered")
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        assert sweep()[0].startswith("1 delivered")
    reaction.refresh_from_db()
    assert reaction.delivered_at and reaction.attempts == 2


@pytest.mark.django_db
def test_a_delivered_reaction_is_not_delivered_again():
    reaction = leftover("good")
    assert reaction.deliver() is True
    stale = leftover("good", "R2")
    Reaction.objects.get(pk=stale.pk).deliver()
    assert stale.deliver() is False
    assert len(calls) == 4


# The command


@pytest.mark.django_db
def test_the_sweep_picks_up_what_was_left_over_in_batches():
    for number in range(5):
        leftover("good", f"R{number}")
    out, err, code = sweep(batch=2)
    assert (out, err, code) == ("5 delivered, 0 failed, 0 skipped\n", "", 0)
    assert not Reaction.objects.due().exists()
    assert sweep(batch=2)[0] == "0 delivered, 0 failed, 0 skipped\n"


@pytest.mark.django_db
def test_the_sweep_names_what_failed_and_goes_on():
    leftover("shaky", "R1")
    leftover("good", "R2")
    out, err, code = sweep()
    assert out == "1 delivered, 1 failed, 0 skipped\n"
    assert f"shaky R1: {HERE}.shaky: ConnectionError; next attempt 20" in err
    assert code == 1


@pytest.mark.django_db
def test_the_sweep_counts_in_json():
    leftover("shaky", "R1")
    leftover("good", "R2")
    out, err, code = sweep(json=True)
    assert json.loads(out) == {"delivered": 1, "failed": 1, "skipped": 0}
    assert (err, code) == ("1 failed and will be tried again.", 1)


@pytest.mark.django_db
def test_a_batch_of_nothing_is_refused():
    assert sweep(batch=0)[1:] == ("--batch is to be 1 or more.", 1)


# What the facts of a payment give to tell


@pytest.fixture
def told(settings):
    """The topics and keys that are queued; nobody is called before the test's own transaction ends."""
    settings.REACTIONS = {topic: [f"{HERE}.first"] for topic in (*TOPICS, "order.canceled")}
    return lambda: list(Reaction.objects.order_by("pk").values_list("topic", "key"))


def key(operation):
    return f"{operation.payment.number}-{operation.pk}"


@pytest.mark.django_db
def test_each_refund_is_told_once_whoever_made_it_and_however_often_it_is_reported(told):
    payment = purchased()
    payment.refund("10.00")
    ours = payment.operations.get(kind="refund")
    outside = fact("refund", amount_minor=500, reference="re_outside", authorization=payment.response_code)
    for _ in range(3):
        payment.apply(outside, by=Actor("webhook"))
    theirs = payment.operations.get(kind="refund", reference="re_outside")
    assert told() == [("payment.refunded", key(ours)), ("payment.refunded", key(theirs))]


@pytest.mark.django_db
def test_a_refund_that_was_taken_for_ours_is_not_told_twice(told, scripted):
    """The same amount was given back at the provider, too; its notice comes while our own answer is missing."""
    payment = purchased()
    scripted.script["credit"] = GatewayUnavailable
    with pytest.raises(GatewayUnavailable):
        payment.refund("10.00")
    ours = payment.operations.get(kind="refund")
    payment.apply(fact("refund", amount_minor=1000, reference="re_1"), by=Actor("webhook"))
    assert told() == [("payment.refunded", key(ours))]

    payment.apply(fact("refund", Outcome.DECLINED, idempotency_key=ours.idempotency_key), by=Actor("recovery"))
    theirs = payment.operations.get(kind="refund", state="succeeded")
    assert theirs != ours
    assert told() == [("payment.refunded", key(theirs))]


@pytest.mark.django_db
def test_a_refund_known_by_two_names_is_told_once(told, scripted):
    """Two of one amount are on their way, so a notice fits neither for sure; the answer says which one it was."""
    payment = purchased()
    scripted.script["credit"] = GatewayUnavailable
    with pytest.raises(GatewayUnavailable):
        payment.refund("10.00")
    ours = payment.operations.get(kind="refund")
    for amount, reference in ((500, "re_other"), (1000, "re_1"), (1000, "re_2")):
        payment.apply(fact("refund", amount_minor=amount, reference=reference), by=Actor("webhook"))
    payment.apply(fact("refund", reference="re_2", idempotency_key=ours.idempotency_key), by=Actor("recovery"))
    done = payment.operations.filter(kind="refund", state="succeeded")
    assert done.count() == 3
    assert sorted(told()) == sorted(("payment.refunded", key(each)) for each in done)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("origin", "tells"), [("webhook", True), ("recovery", True), ("batch", True), ("checkout", False), ("staff", False)]
)
def test_a_payment_that_fails_is_told_where_no_customer_is_looking(told, scripted, origin, tells):
    scripted.script["authorize"] = waiting("pi_1")
    payment = make_payment()
    payment.authorize()
    refused = fact("authorize", Outcome.DECLINED, authorization="pi_1", reference="ch_1", error_code="card_declined")
    for _ in range(2):
        payment.apply(refused, by=Actor(origin))
    assert payment.state == "failed"
    assert told() == ([("payment.failed", key(payment.operations.get()))] if tells else [])


@pytest.mark.django_db
@pytest.mark.parametrize(("origin", "tells"), [("staff", True), ("batch", True), ("checkout", False)])
def test_a_customer_who_is_not_there_is_asked_at_once(told, scripted, origin, tells):
    scripted.script["authorize"] = waiting("pi_1")
    payment = make_payment()
    payment.authorize(by=Actor(origin))
    assert told() == ([("payment.action_needed", key(payment.operations.get()))] if tells else [])


@pytest.mark.django_db
def test_a_customer_who_went_away_is_asked_after_a_while_and_once(told, scripted):
    scripted.script["authorize"] = waiting("pi_1")
    left_alone, paid, later = make_payment(), make_payment(), make_payment(order=make_order())
    for payment in (left_alone, paid):
        payment.authorize(by=Actor("checkout"))
    paid.apply(fact("authorize", authorization="pi_1", reference="ch_1"), by=Actor("webhook"))
    scripted.script["authorize"] = Response(outcome=Outcome.PROCESSING, authorization="pi_2")
    later.authorize(by=Actor("checkout"))  # The provider will say later: nothing to do for the customer.
    assert remind() == 0
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        assert remind() == 1
        assert remind() == 0
    assert told() == [("payment.action_needed", key(left_alone.operations.get()))]


@pytest.mark.django_db
def test_a_hold_that_ends_soon_is_told_once_and_anew_for_a_new_hold(told):
    payment, calm, taken = authorized(), authorized(order=make_order()), authorized(order=make_order())
    taken.capture()
    soon = timezone.now() + timedelta(hours=5)
    type(payment).objects.filter(pk__in=(payment.pk, taken.pk)).update(capture_by=soon)
    type(payment).objects.filter(pk=calm.pk).update(capture_by=soon + timedelta(days=2))
    assert (remind(), remind()) == (1, 0)
    assert told() == [("payment.expiring", key(payment.operations.get()))]

    payment.apply(fact("authorize", amount_minor=10000, authorization="pi_new", reference="au_new"))
    type(payment).objects.filter(pk=payment.pk).update(capture_by=soon)
    assert (remind(), remind()) == (1, 0)
    assert told()[-1] == ("payment.expiring", key(payment.operations.latest("sequence")))


@pytest.mark.django_db
def test_the_clock_reminds(told):
    payment = authorized()
    type(payment).objects.filter(pk=payment.pk).update(capture_by=timezone.now() + timedelta(hours=5))
    call_command("recover_payments", stdout=StringIO())
    assert [topic for topic, _key in told()] == ["payment.expiring"]


@pytest.mark.django_db
def test_nobody_listens_nobody_is_looked_for(settings, django_assert_num_queries):
    settings.REACTIONS = {}
    with django_assert_num_queries(0):
        assert remind() == 0


@pytest.mark.django_db
def test_an_order_that_is_canceled_twice_is_two_facts(told):
    order = make_order()
    make_payment(order=order).purchase()
    order.complete()
    for _ in range(2):
        order.cancel()
        order.cancel()
        order.resume()
    assert [each for each in told() if each[0] == "order.canceled"] == [
        ("order.canceled", order.number),
        ("order.canceled", f"{order.number}:2"),
    ]
