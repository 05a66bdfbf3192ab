"""Receipt of webhooks under gunicorn, side by side with a bare verify-and-insert view.

    python -m tests.with_postgres --durable python -m tests.benchmarks.webhooks

Two sync workers, eight clients; in a round each contestant gets as many new events.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import uuid
from typing import Any

from payments.simulator.webhooks import signature
from tests.benchmarks import webhook_site  # Sets Django up on DATABASE_URL.
from tests.benchmarks.serving import Request, ask, served

FILLER = "x" * 500
FILL = """
    INSERT INTO payments_webhookevent (payment_method_id, dedupe_key, type, payload, facts, verified_by, received_at,
                                       state, tries, last_error, applied_at)
    SELECT %s, 'old_' || n, 'payout.told', '{}', '[]', 'signature', now() - n * interval '1 second',
           'ignored', 0, '', now() FROM generate_series(1, %s) AS n
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=1_500, help="events of each contestant in a round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="events in the full inbox")
    options = parser.parse_args()
    method, payments = prepare()
    with served("tests.benchmarks.webhook_site:application") as port:
        for rows in (0, options.rows):
            fill(method, rows)
            report(port, rows, payments, options)


def prepare() -> tuple[Any, list[Any]]:
    from django.core.management import call_command
    from django.db import connection

    from payments.models import HostedSource, PaymentMethod
    from tests.factories import make_order

    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(webhook_site.TABLE)
    secrets = {"secret_key": "BENCH_KEY", "webhook_secret": "BENCH_HOOK"}
    method = PaymentMethod.objects.create(name="Card", code="card", gateway="simulator", config=secrets)
    made = []
    for _ in range(200):
        order = make_order("48.00")
        made.append(order.add_payment(method, source=HostedSource.objects.create()))
    return method, made


def fill(method: Any, rows: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(FILL, [method.pk, rows])
        cursor.execute("VACUUM ANALYZE payments_webhookevent")
    connection.close()


def report(port: int, rows: int, payments: list[Any], options: argparse.Namespace) -> None:
    contestants = {
        "bare view": ("/bare/", None),
        "receipt": ("/payments/webhooks/card/", None),
        "receipt and apply": ("/payments/webhooks/card/", payments),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    late: dict[str, list[float]] = {name: [] for name in contestants}
    for round_number in range(options.rounds + 1):  # The first warms up.
        names = list(contestants)
        for name in names[round_number % 3 :] + names[: round_number % 3]:
            path, about = contestants[name]
            rate, times = ask(port, [make(path, index, about) for index in range(options.events)])
            if round_number:
                rates[name].append(rate)
                late[name].append(times[int(len(times) * 0.99)])
    print(f"{rows:,} events in the inbox")
    for name in contestants:
        ratio = statistics.median(mine / bare for mine, bare in zip(rates[name], rates["bare view"], strict=True))
        slow = statistics.median(mine / bare for mine, bare in zip(late[name], late["bare view"], strict=True))
        print(
            f"  {name:18} {statistics.median(rates[name]):7.0f} requests/s ({ratio:4.0%} of bare)   "
            f"p99 {statistics.median(late[name]):6.1f} ms ({slow:4.2f} of bare)"
        )


def make(path: str, index: int, payments: list[Any] | None) -> Request:
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
