"""Receipt of webhooks under gunicorn, side by side with a bare verify-and-insert view.

    python -m tests.with_postgres --durable python -m tests.benchmarks.webhooks

Two sync workers, eight clients; in a round each contestant gets as many new events, in turn with the order rotating.
First with an empty inbox, then with a full one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from payments.simulator.webhooks import signature
from tests.benchmarks import webhook_site  # Sets Django up on DATABASE_URL.

SITE = f"{webhook_site.__name__}:application"

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from rich.table import Table  # noqa: E402

from payments.models import HostedSource, PaymentMethod  # noqa: E402
from tests.benchmarks.serving import Request, ask, served  # noqa: E402
from tests.benchmarks.tables import console, spread  # noqa: E402
from tests.factories import make_order  # noqa: E402

FILLER = "x" * 500
FILL = """
    INSERT INTO payments_webhookevent (payment_method_id, dedupe_key, type, payload, facts, verified_by, received_at,
                                       state, tries, last_error, applied_at)
    SELECT %s, 'old_' || n, 'payout.told', '{}', '[]', 'signature', now() - n * interval '1 second',
           'ignored', 0, '', now() FROM generate_series(1, %s) AS n
"""
OURS = "/payments/webhooks/card/"
BARE, RECEIPT, APPLIED = "bare view", "receipt", "receipt and apply"
CONTESTANTS = {BARE: "/bare/", RECEIPT: OURS, APPLIED: OURS}
EVENTS_OF_A_PAYMENT = 5  # So few in each round that what is measured is the inbox, and not the length of a journal.


class Lane:
    """What the rounds with one inbox took."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.rates: dict[str, list[float]] = defaultdict(list)
        self.late: dict[str, list[float]] = defaultdict(list)

    def over_bare(self, figures: dict[str, list[float]], name: str) -> list[float]:
        """Round by round."""
        return [ours / bare for ours, bare in zip(figures[name], figures[BARE], strict=True)]

    def run(self, port: int, method: PaymentMethod, rounds: int, events: int) -> Lane:
        for number in range(rounds + 1):  # The first warms up.
            names = list(CONTESTANTS)
            for name in names[number % 3 :] + names[: number % 3]:
                payments = fresh(method, events) if name == APPLIED else []
                rate, times = ask(port, [make(CONTESTANTS[name], index, payments) for index in range(events)])
                if number:
                    self.rates[name].append(rate)
                    self.late[name].append(times[int(len(times) * 0.99)])
        return self

    def table(self, empty: Lane | None = None) -> Table:
        """With how the shares compare with those of an empty inbox, whatever else the machine was at meanwhile."""
        table = Table(title=f"{self.rows:,} events in the inbox", title_justify="left")
        table.add_column("")
        compared = ["÷ bare view ÷ that when empty"] if empty else []
        for heading in ("requests/s", "÷ bare view", *compared, "p99 in ms", "p99 ÷ bare view"):
            table.add_column(heading, justify="right")
        for name in CONTESTANTS:
            shares = self.over_bare(self.rates, name)
            cells = [spread(self.rates[name], 0), spread(shares)]
            if empty:
                before = statistics.median(empty.over_bare(empty.rates, name))
                cells.append(f"{statistics.median(shares) / before:.2f}")
            table.add_row(name, *cells, spread(self.late[name], 1), spread(self.over_bare(self.late, name)))
        return table


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=1_500, help="events of each contestant in a round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="events in the full inbox; 0 leaves it out")
    options = parser.parse_args()
    method = prepare()
    with served(SITE) as port:
        empty = Lane(0).run(port, method, options.rounds, options.events)
        console.print(empty.table())
        if options.rows:
            fill(method, options.rows)
            full = Lane(options.rows).run(port, method, options.rounds, options.events)
            console.print(full.table(empty))


def prepare() -> PaymentMethod:
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(webhook_site.TABLE)
    secrets = {"secret_key": "BENCH_KEY", "webhook_secret": "BENCH_HOOK"}
    method: PaymentMethod = PaymentMethod.objects.create(name="Card", code="card", gateway="simulator", config=secrets)
    return method


def fresh(method: PaymentMethod, events: int) -> list[Any]:
    """Payments that no event was about yet."""
    made = []
    with transaction.atomic():
        for _ in range(max(1, events // EVENTS_OF_A_PAYMENT)):
            order = make_order("48.00")
            made.append(order.add_payment(method, source=HostedSource.objects.create()))
    return made


def fill(method: PaymentMethod, rows: int) -> None:
    """And have written down what is left to write, so that no round pays for it."""
    with connection.cursor() as cursor:
        cursor.execute(FILL, [method.pk, rows])
        cursor.execute("VACUUM ANALYZE payments_webhookevent")
        cursor.execute("CHECKPOINT")
    connection.close()


def make(path: str, index: int, payments: Sequence[Any]) -> Request:
    """A signed event of about a kilobyte. With payments, a capture declined elsewhere; else nothing to apply."""
    about, action = "payout", {"id": f"po_{uuid.uuid4().hex}", "kind": "payout", "status": "paid"}
    if payments:
        payment = payments[index % len(payments)]
        about, action = "capture", {"id": f"cap_{uuid.uuid4().hex}", "kind": "capture", "status": "declined"}
        action |= {"order_id": f"{payment.order.number}-{payment.number}", "changed": "2026-11-20T10:00:00Z"}
    both = {"action": {**action, "amount": 100, "currency": "USD", "payment": "pay_1"}, "payment": {"more": FILLER}}
    body = json.dumps({"id": f"evt_{uuid.uuid4().hex}", "type": f"{about}.told", "data": both}).encode()
    signed = signature(webhook_site.SECRET, body, int(time.time()))
    return Request(path, "POST", body, {"Content-Type": "application/json", "Simulator-Signature": signed})


if __name__ == "__main__":
    main()
