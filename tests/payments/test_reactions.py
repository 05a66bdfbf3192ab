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

from payments.models import Reaction
from tests.factories import card_recipe, make_method, make_order

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
