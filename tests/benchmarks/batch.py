"""The everyday batch against the simulator at 100 ms: its pace with and without a limit, its connections, its memory.

    python -m tests.with_postgres --durable python -m tests.benchmarks.batch

Each lane captures a currency of its own by `capture_payments` in a process of its own; the simulator is another one.
Memory is looked at with `bogus`, which answers at once, after a thousand payments and after many.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks import batch_run  # Sets Django up on DATABASE_URL.

RUN = [sys.executable, "-W", "ignore", "-m", batch_run.__name__]

from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from rich.table import Table  # noqa: E402

from orders.models import Order  # noqa: E402
from payments.models import CreditCard, Operation, Payment, PaymentMethod  # noqa: E402
from payments.workers import work  # noqa: E402
from tests.benchmarks.seeding import move_sequences, multiply  # noqa: E402
from tests.benchmarks.tables import console  # noqa: E402

LATENCY_S = 0.1
WORKERS = 32
POOL = 10
FEW = 1_000
MEMORY_WORKERS = 8


@dataclass(frozen=True)
class Lane:
    """`share`: captures for each one of --captures. `limit`: requests a second, 0 for none. `pool`: DATABASE_POOL."""

    currency: str
    share: float
    limit: int = 0
    pool: int = 0

    @property
    def ceiling(self) -> float:
        """What could be reached at most, in captures a second."""
        return self.limit or WORKERS / LATENCY_S


LANES = (Lane("USD", 1.0, 100), Lane("EUR", 0.25, 25), Lane("GBP", 1.5), Lane("CHF", 1.5, pool=POOL))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--captures", type=int, default=400, help="payments of the lane with a limit of 100 a second")
    parser.add_argument(
        "--remembered", type=int, default=5_000, help="payments of the larger batch for memory; 0: none"
    )
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        sys.exit("Pace and connections are measured on PostgreSQL: python -m tests.with_postgres --durable ...")
    call_command("migrate", verbosity=0)
    measure_pace(options.captures)
    if options.remembered:
        measure_memory(options.remembered)


# Pace and connections


def measure_pace(captures: int) -> None:
    columns = ("limit", "connections", "captured", "s", "captures/s", "of what could be", "429", "most connections")
    table = Table(*columns, title=f"capture_payments, {WORKERS} workers, {LATENCY_S * 1000:.0f} ms at the provider")
    with tempfile.TemporaryDirectory() as folder:
        method = PaymentMethod.objects.create(name="Batch", gateway="impatient", config={})
        with simulator(Path(folder)) as url:
            use(method, url)
            for lane in LANES:
                authorize(method, lane.currency, int(captures * lane.share))
        for lane in LANES:
            rated = ["--rate", str(lane.limit)] if lane.limit else []
            with simulator(Path(folder), "--latency", f"{LATENCY_S * 1000:.0f}ms", *rated) as url:
                use(method, url)
                told, most = capture(lane.currency, WORKERS, lane.limit, lane.pool)
            asked = Operation.objects.filter(payment__currency=lane.currency, kind="capture")
            pace = told["done"] / told["seconds"]
            table.add_row(
                f"{lane.limit}/s" if lane.limit else "none",
                f"a pool of {lane.pool}" if lane.pool else "one a worker",
                f"{told['done']} of {int(captures * lane.share)}",
                f"{told['seconds']:.1f}",
                f"{pace:.1f}",
                f"{pace / lane.ceiling:.0%} of {lane.ceiling:.0f}/s",
                str(asked.filter(state="canceled").count()),  # Refused unread: asked too fast.
                str(most),
            )
    console.print(table)


@contextmanager
def simulator(folder: Path, *options: str) -> Iterator[str]:
    """Where it listens. It keeps its books in the folder, so that the next one goes on with them."""
    command = [sys.executable, "-m", "payments.simulator", "--port", "0", "--database", str(folder / "books.sqlite3")]
    keys = ["--secret-key", os.environ["BATCH_KEY"], "--no-test-amounts"]
    process = subprocess.Popen([*command, *keys, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        for line in process.stdout:
            if "http://" in line:
                yield line[line.index("http://") :].split()[0].rstrip("/.,")
                return
        sys.exit("The simulator did not start; its error is above.")
    finally:
        process.terminate()
        process.wait(10)


def use(method: PaymentMethod, url: str) -> None:
    method.config = {"base_url": url, "secret_key": "BATCH_KEY"}
    method.save()


def authorize(method: PaymentMethod, currency: str, count: int) -> None:
    for _done in work(range(count), lambda _number: sell(method, currency, "tok_visa"), workers=6):
        pass


def sell(method: PaymentMethod, currency: str, token: str) -> Payment:
    """One placed order whose payment is held."""
    order = Order.objects.create(email="ada@example.com", currency=currency)
    order.add_line("Tee", unit_price="10.00")
    card = CreditCard.objects.create(token=token, brand="visa", last_four="4242", month=12, year=2030)
    order.advance()
    payment: Payment = order.add_payment(method, source=card)
    order.complete()
    return payment


def capture(currency: str, workers: int, limit: int = 0, pool: int = 0) -> tuple[dict[str, Any], int]:
    """What the batch said, and the most connections that it had at once."""
    command = [*RUN, currency, str(workers), str(limit)]
    connections.close_all()
    with Connections() as seen:
        environment = {**os.environ, "DATABASE_POOL": str(pool)}
        answer = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(answer), seen.most


class Connections:
    """The most that PostgreSQL saw of this database at once, its own aside, looked at every 20 ms."""

    def __init__(self) -> None:
        self.most, self.over = 0, threading.Event()
        self.thread = threading.Thread(target=self._look)

    def __enter__(self) -> Connections:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()

    def _look(self) -> None:
        count = """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        """
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as looking:
            while not self.over.wait(0.02):
                row: Any = looking.execute(count).fetchone()
                self.most = max(self.most, row[0])


# Memory


def measure_memory(many: int) -> None:
    method = PaymentMethod.objects.create(name="Bogus", gateway="bogus", config={})
    table = Table("payments", "captured", "s", "peak MB", "before MB", title="capture_payments --json: memory")
    peaks = []
    for number, (currency, size) in enumerate((("CAD", FEW), ("AUD", many)), start=1):
        hold(method, currency, size, number)
        told, _most = capture(currency, MEMORY_WORKERS)
        figures = (f"{told['seconds']:.0f}", f"{told['peak']:.1f}", f"{told['before']:.1f}")
        table.add_row(f"{size:,}", f"{told['done']:,}", *figures)
        peaks.append(told["peak"])
    console.print(table)
    console.print(f"Peak after {many:,} payments ÷ after {FEW:,}: {peaks[1] / peaks[0]:.2f}\n")


def hold(method: PaymentMethod, currency: str, count: int, number: int) -> None:
    """So many held payments: one placed order through the verbs, copied by the database."""
    payment = Payment.objects.get(pk=sell(method, currency, "BGS-approves").pk)
    assert payment.state == Payment.State.PENDING
    multiply(payment, count - 1, "MN"[number - 1], base=10_000_000 * number)
    move_sequences("orders_order", "orders_lineitem", "payments_payment", "payments_operation")


if __name__ == "__main__":
    main()
