"""The arena: a process with a database of its own that lets racers loose, and the line by which tests talk to it.

    python -m tests.races.arena NAME FOLDER [bare]

It reads a job from each line and answers with what was observed. It has one thread and forks the racers, so they
start warm; no connection is open when it does. `bare`: the constraints that hold operations apart are dropped.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import django
from django.conf import settings

HELD_APART = (
    "operation_one_open_per_payment",
    "operation_sequence",
    "operation_fact_once",
    "operation_idempotency_key",
)
CONTEXT = multiprocessing.get_context("fork")


def prepare(name: str, folder: Path, *, bare: bool) -> None:
    database = settings.DATABASES["default"]
    sqlite = database["ENGINE"].endswith("sqlite3")
    database["TEST"] = {"NAME": str(folder / f"{name}.sqlite3") if sqlite else name, "MIGRATE": False}
    if sqlite:
        mode = "DEFERRED" if bare else "IMMEDIATE"
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        database["OPTIONS"] = {"transaction_mode": mode, "timeout": 20, "init_command": pragmas}
    settings.PAYMENT_GATEWAYS = {
        "racing": "tests.races.provider.RacingGateway",
        "strict": "tests.races.provider.StrictGateway",
        "hasty": "tests.races.provider.HastyGateway",
    }
    settings.REACTIONS = {"order.completed": ["tests.races.arena.receive"]}
    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    if bare:
        drop_constraints()


def drop_constraints() -> None:
    from django.db import connection

    from payments.models import Operation

    with connection.schema_editor() as editor:
        for constraint in Operation._meta.constraints:
            if constraint.name in HELD_APART:
                editor.remove_constraint(Operation, constraint)


def receive(reaction: Any) -> None:
    """Somebody who wants to know."""


# A race


def run(job: dict[str, Any], books: Path) -> dict[str, Any]:
    from django.db import connections

    from tests.races.acts import begin
    from tests.races.provider import Gate, Hall

    Hall.books = books
    books.unlink(missing_ok=True)
    order = begin(job["start"])
    before = len(Hall.lines())
    if job["mode"] == "one by one":
        outcomes = [perform(act, order.pk, job) for act in job["acts"]]
    else:
        gated = job["mode"] == "gate"
        Hall.gate = Gate(CONTEXT, len(job["acts"])) if gated or job["unguarded"] else None
        Hall.pause = 0.0 if gated else job.get("pause", 0.003)
        connections.close_all()
        outcomes = let_loose(job, order.pk)
    Hall.gate = None
    from tests.races.observe import observe

    seen = observe(order.pk) | {"outcomes": outcomes, "lines": Hall.lines()[before:], "books": Hall.lines()}
    connections.close_all()
    return seen


def let_loose(job: dict[str, Any], order_pk: int) -> list[Any]:
    barrier = CONTEXT.Barrier(len(job["acts"]))
    racers = [start(act, order_pk, job, barrier) for act in job["acts"]]
    outcomes = []
    for pid, pipe in racers:
        with os.fdopen(pipe) as said:
            text = said.read()
        os.waitpid(pid, 0)
        outcomes.append(json.loads(text) if text else ["nothing", "the racer died"])
    return outcomes


def start(act: str, order_pk: int, job: dict[str, Any], barrier: Any) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        os.close(reading)
        outcome = perform(act, order_pk, job, barrier)
        os.write(writing, json.dumps(outcome).encode())
    finally:
        os._exit(0)


def perform(act: str, order_pk: int, job: dict[str, Any], barrier: Any = None) -> list[str]:
    """What came of it: the kind of the answer or of the exception, and what it said."""
    from tests.races.acts import racer
    from tests.races.provider import Hall

    try:
        go = racer(act, order_pk, unguarded=job["unguarded"])
        if barrier:
            barrier.wait(30)
        answer = go()
    except Exception as error:  # noqa: BLE001 (whatever escapes is what the checker wants to see)
        return [type(error).__name__, f"{error} <- {error.__cause__ or ''}"[:300]]
    finally:
        if Hall.gate and barrier:
            Hall.gate.finish()
    return [type(answer).__name__, ""]


def main(name: str, folder: Path, *, bare: bool) -> None:
    prepare(name, folder, bare=bare)
    from django.db import connection, connections

    connections.close_all()
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            answer = run(json.loads(line), folder / f"{name}.books")
        except Exception:  # noqa: BLE001 (the test shows it)
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)
    connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    sys.modules["tests.races.arena"] = sys.modules["__main__"]
    main(sys.argv[1], Path(sys.argv[2]), bare="bare" in sys.argv[3:])
