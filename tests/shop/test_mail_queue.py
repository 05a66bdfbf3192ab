"""Two workers of a real queue on PostgreSQL; one is killed in the middle of a letter, and no letter is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from time import monotonic, sleep

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import override_settings
from django.utils import timezone

from orders.models import Order
from payments.models import Reaction
from tests.database_url import here
from tests.factories import make_order
from tests.smtp import mail_server

try:
    from django.tasks import signals  # It forgets a backend whose setting changes.
except ImportError:  # Before Django 6.0.
    from django_tasks import signals  # type: ignore[no-redef] # noqa: F401

LETTERS = 12
ROOT = Path(__file__).resolve().parent.parent.parent
QUEUE = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}


def worker(name: str, mail_url: str) -> subprocess.Popen[bytes]:
    arguments = ["--worker-id", name, "--interval", "0.05", "--no-startup-delay", "--no-reload"]
    environment = {
        **os.environ,
        "DATABASE_URL": here(),
        "DJANGO_SETTINGS_MODULE": "tests.shop.queue_settings",
        "EMAIL_URL": mail_url,
        "EMAIL_TIMEOUT": "30",
        "TASK_QUEUE": "database",
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "db_worker", *arguments], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )


def wait_until(holds, seconds=30):
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, "It did not come to pass."
        sleep(0.05)


def delivered():
    return Reaction.objects.exclude(delivered_at=None).count()


@pytest.fixture
def queue(settings):
    """A queue in this database. Its table goes again."""
    settings.REACTIONS = {"order.completed": ["shop.mail.order_confirmed"]}
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "django_tasks_db"], TASKS=QUEUE):
        from django_tasks_db.models import DBTaskResult

        with connection.schema_editor() as editor:
            editor.create_model(DBTaskResult)
        yield DBTaskResult
        with connection.schema_editor() as editor:
            editor.delete_model(DBTaskResult)


@pytest.mark.postgres
@pytest.mark.drill
@pytest.mark.django_db(transaction=True)
def test_two_workers_deliver_each_letter_once_and_a_killed_one_loses_none(queue):
    orders = [make_order("10.00", email=f"{number}@example.com") for number in range(LETTERS)]
    Order.objects.update(completed_at=timezone.now())
    with transaction.atomic():
        for order in orders:
            Reaction.objects.queue("order.completed", order.number)
    assert (queue.objects.ready().count(), delivered(), mail.outbox) == (LETTERS, 0, [])

    with mail_server() as server:
        server.stuck_at = "3@example.com"
        workers = {name: worker(name, server.url) for name in ("one", "two")}
        try:
            # One has given its letter to the mail server, and never hears whether it was taken.
            assert server.is_stuck.wait(30)
            stuck = Reaction.objects.get(key=orders[3].number)
            (killed,) = queue.objects.get(args_kwargs__args=[stuck.pk]).worker_ids
            workers[killed].send_signal(signal.SIGKILL)
            wait_until(lambda: delivered() == LETTERS - 1)
        finally:
            for process in workers.values():
                process.kill()
                process.wait()
        server.go_on.set()
        assert sorted(letter["To"] for letter in server.letters) == sorted(
            order.email for order in orders if order.email != server.stuck_at
        )
    assert len({letter["Message-ID"] for letter in server.letters}) == LETTERS - 1

    # Its lease runs on for a while; then the sweep takes it up, here in this process.
    assert sweep() == "0 delivered, 0 failed, 0 skipped\n"
    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=True):
        assert sweep() == "1 delivered, 0 failed, 0 skipped\n"
        assert sweep() == "0 delivered, 0 failed, 0 skipped\n"
    assert [letter.to for letter in mail.outbox] == [["3@example.com"]]
    assert delivered() == LETTERS


def sweep() -> str:
    out = StringIO()
    call_command("deliver_reactions", stdout=out)
    return out.getvalue()
