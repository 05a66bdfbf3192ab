"""One process on one database: told what to run on its standard input, it answers with milliseconds an operation."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ["DEBUG"] = "false"
os.environ.setdefault("SECRET_KEY", "benchmarks-only")
os.environ["LOG_LEVEL"] = "WARNING"  # The others write no lines about their operations either.

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from tests.benchmarks import flow, recalculating, seeding  # noqa: E402


def main(rows: int) -> None:
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "noop": "tests.benchmarks.flow.NoopGateway"}
    call_command("migrate", verbosity=0)
    flow.make_tables()
    contestants: dict[str, Any] = {name: make() for name, make in flow.CONTESTANTS.items()}
    if rows:
        seeding.fill(contestants["ours"], rows)
    orders = {payments: recalculating.make_order(contestants["ours"].method, payments) for payments in (1, 1000)}
    print("ready", flush=True)
    for line in sys.stdin:
        name, count = line.rsplit(maxsplit=1)
        if name.startswith("recalculate "):
            print(*recalculating.run(orders[int(name.split()[1])], int(count)), flush=True)
        else:
            print(*run(contestants[name], int(count)), flush=True)


def run(contestant: Any, count: int) -> tuple[float, float, float]:
    """Milliseconds for create, authorize and capture, the mean of `count` sales."""
    spent = [0.0, 0.0, 0.0]
    for _ in range(count):
        started = time.perf_counter()
        payment = contestant.create()
        created = time.perf_counter()
        contestant.authorize(payment)
        authorized = time.perf_counter()
        contestant.capture(payment)
        captured = time.perf_counter()
        for index, seconds in enumerate((created - started, authorized - created, captured - authorized)):
            spent[index] += seconds
    create, authorize, capture = (1000 * seconds / count for seconds in spent)
    return create, authorize, capture


if __name__ == "__main__":
    main(int(sys.argv[1]))
