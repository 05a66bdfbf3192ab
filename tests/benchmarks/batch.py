"""The everyday batch against the simulator at 100 ms: its pace with and without a limit, its connections, its memory.

    python -m tests.with_postgres --durable python -m tests.benchmarks.batch [COUNT]

Each scenario captures its own currency with `capture_payments` in this process; the simulator is a separate one, and
counts for itself how often it was asked too fast.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from io import StringIO
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ["DEBUG"] = "false"
os.environ.setdefault("SECRET_KEY", "benchmarks-only")
os.environ["BATCH_KEY"] = "sk_test_batch"

import django
from django.conf import settings

settings.REACTIONS = {}
settings.LOGGING = {"version": 1, "disable_existing_loggers": True}
IMPATIENT = {"impatient": "tests.benchmarks.batch_gateway.ImpatientGateway"}
settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, **IMPATIENT}
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from orders.models import Order  # noqa: E402
from payments.models import CreditCard, Operation, Payment, PaymentMethod  # noqa: E402
from payments.workers import work  # noqa: E402

LATENCY_S = 0.1
# Currency, captures for each one of COUNT, the limit in requests a second (0: none).
SCENARIOS = (("USD", 1.0, 100), ("EUR", 0.25, 25), ("GBP", 1.5, 0))
WORKERS = 32


def simulator(folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "payments.simulator", "--port", "0", "--database", str(folder / "books.sqlite3")]
    keys = ["--secret-key", os.environ["BATCH_KEY"], "--no-test-amounts"]
    process = subprocess.Popen([*command, *keys, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if "http://" in line:
            return process, line[line.index("http://") :].split()[0].rstrip("/.,")
    raise SystemExit("The simulator did not start.")


def authorize(method: PaymentMethod, currency: str, count: int) -> None:
    def one(number: int) -> None:
        order = Order.objects.create(email="ada@example.com", currency=currency)
        order.add_line("Tee", unit_price="10.00")
        card = CreditCard.objects.create(token="tok_visa", brand="visa", last_four="4242", month=12, year=2030)
        order.add_payment(method, source=card).authorize()

    for _done in work(range(count), one, workers=6):
        pass


def use(method: PaymentMethod, url: str) -> None:
    method.config = {"base_url": url, "secret_key": "BATCH_KEY"}
    method.save()


class Connections:
    """The most that PostgreSQL saw of this database at once, looked at every 20 ms."""

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
        import psycopg

        name = connection.settings_dict["NAME"]
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as looking:
            while not self.over.wait(0.02):
                row: Any = looking.execute(count, [name]).fetchone()
                self.most = max(self.most, row[0])


def capture(currency: str, limit: int) -> dict[str, Any]:
    out, begun = StringIO(), time.perf_counter()
    rate = ["--rate", str(limit)] if limit else []
    arguments = ["--currency", currency, "--workers", str(WORKERS), "--json", *rate]
    with Connections() as connections:
        try:
            call_command("capture_payments", *arguments, stdout=out)
        except SystemExit as end:
            print("exit code", end.code)
    told = json.loads(out.getvalue().splitlines()[-1])
    return {"done": told["done"], "seconds": time.perf_counter() - begun, "connections": connections.most}


def measure(folder: Path, count: int) -> None:
    process, url = simulator(folder)
    method = PaymentMethod.objects.create(name="Batch", gateway="impatient", config={})
    use(method, url)
    for currency, share, _limit in SCENARIOS:
        authorize(method, currency, int(count * share))
    process.terminate()
    process.wait(10)
    for currency, share, limit in SCENARIOS:
        rated = ["--rate", str(limit)] if limit else []
        process, url = simulator(folder, "--latency", f"{LATENCY_S * 1000:.0f}ms", *rated)
        use(method, url)
        told = capture(currency, limit)
        process.terminate()
        process.wait(10)
        rate = told["done"] / told["seconds"]
        ceiling = limit or WORKERS / LATENCY_S
        too_fast = Operation.objects.filter(payment__currency=currency, kind="capture", state="canceled").count()
        print(
            f"limit {limit or 'none'}: {told['done']} of {int(count * share)} captured in {told['seconds']:.1f} s = "
            f"{rate:.1f}/s, {rate / ceiling:.0%} of {ceiling:.0f}/s; {too_fast} times too fast (429); "
            f"at most {told['connections']} connections",
            flush=True,
        )


def remember(count: int) -> None:
    """Memory: a small batch and a large one through `bogus`, which answers at once."""
    method = PaymentMethod.objects.create(name="Bogus", gateway="bogus", config={})
    for currency, size in (("CHF", count // 10), ("CAD", count * 3)):
        authorize_at_bogus(method, currency, size)
        with Path(os.devnull).open("w") as nowhere:
            call_command("capture_payments", "--currency", currency, "--workers", "8", "--json", stdout=nowhere)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        done = Payment.objects.filter(currency=currency, state="completed").count()
        print(f"memory: peak {peak:.0f} MB after {done} more captures", flush=True)


def authorize_at_bogus(method: PaymentMethod, currency: str, count: int) -> None:
    def one(number: int) -> None:
        order = Order.objects.create(email="ada@example.com", currency=currency)
        order.add_line("Tee", unit_price="10.00")
        card = CreditCard.objects.create(token="BGS-approves", brand="visa", last_four="1111", month=12, year=2030)
        order.add_payment(method, source=card).authorize()

    for _done in work(range(count), one, workers=4):
        pass


def main(count: int) -> None:
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), count)
    remember(count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
