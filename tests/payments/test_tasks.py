"""A task carries an id and no more: the outbox says what is to be done, and a queue may lose every task."""

from __future__ import annotations

import logging

import pytest
from django.core.management import call_command
from django.db import transaction

try:
    from django.tasks import signals  # It forgets a backend whose setting changes.
    from django.tasks.backends.immediate import ImmediateBackend
except ImportError:  # Before Django 6.0.
    from django_tasks import signals  # type: ignore[no-redef] # noqa: F401
    from django_tasks.backends.immediate import ImmediateBackend  # type: ignore[assignment]

from payments.models import Reaction
from payments.tasks import deliver_reaction

HERE = "tests.payments.test_tasks"
calls: list[str] = []


def receive(reaction):
    calls.append(reaction.key)


class Full(ImmediateBackend):
    """A queue that takes nothing."""

    def enqueue(self, task, args, kwargs):
        raise ConnectionError("the broker is gone")


class Forgetful(ImmediateBackend):
    """A queue that says yes, and never comes to it."""

    def enqueue(self, task, args, kwargs):
        calls.append(f"a task of {args}")


@pytest.fixture(autouse=True)
def receivers(settings):
    calls.clear()
    settings.REACTIONS = {"good": [f"{HERE}.receive"]}


@pytest.mark.django_db
def test_it_delivers_the_reaction_of_that_id_once():
    reaction = Reaction.objects.create(topic="good", key="R1")
    assert deliver_reaction.call(reaction.pk) is True
    assert deliver_reaction.call(reaction.pk) is False
    assert calls == ["R1"]


@pytest.mark.django_db
def test_a_row_that_is_gone_is_no_trouble():
    assert deliver_reaction.call(4711) is False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("queue", ["Full", "Forgetful"])
def test_what_a_queue_loses_is_swept_and_the_fact_stands(settings, caplog, queue):
    settings.TASKS = {"default": {"BACKEND": f"{HERE}.{queue}"}}
    with caplog.at_level(logging.WARNING), transaction.atomic():
        Reaction.objects.queue("good", "R1")
    reaction = Reaction.objects.get()
    assert calls == ([] if queue == "Full" else [f"a task of ({reaction.pk},)"])
    assert ("the queue did not take it" in caplog.text) is (queue == "Full")
    assert reaction.delivered_at is None

    calls.clear()
    call_command("deliver_reactions", verbosity=0)
    assert calls == ["R1"]
