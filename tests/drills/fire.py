"""The shop under fire: processes are killed at random moments while the provider misbehaves by seed.

    python -m tests.drills.fire NAME FOLDER SCHEDULES SEED

It has a database of its own, starts the simulator as a separate process, and forks the children and the site that takes
its notices over HTTP, so that they start warm. Its last line is what happened: schedules, kills, faults, notices and
what went wrong with them, payments, differences.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import django
from django.conf import settings

KEY, HOOK = "sk_test_drill", "whsec_drill"
RATES = {
    **dict.fromkeys(("lost_request", "lost_answer", "error_before", "error_after", "truncated_body"), 25),
    **dict.fromkeys(("rate_limited", "wrong_amount", "unknown_status"), 10),
    "late_answer": 4,
    **dict.fromkeys(("webhook_duplicate", "webhook_reordered", "webhook_early", "webhook_missing"), 120),
    "webhook_bad_signature": 60,
}
HOSTED = 0.3  # The share of orders that are paid on the provider's page.
SITE_KILLED = 0.25  # The share of schedules in which a process of the site is killed too.
AT_ONCE = 100  # Orders that are made ahead of their schedules.
MOST_IN_BATCH = 60
ROUNDS = 40  # Of recovery at the end, a quarter of a second apart.


def prepare(name: str, folder: Path) -> None:
    database = settings.DATABASES["default"]
    sqlite = database["ENGINE"].endswith("sqlite3")
    database["TEST"] = {"NAME": str(folder / f"{name}.sqlite3") if sqlite else name}
    if sqlite:
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        database["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 60, "init_command": pragmas}
    settings.PAYMENT_GATEWAYS = {"quick": "tests.drills.fire_gateway.QuickGateway"}
    settings.PAYMENT_SECRETS = {"DRILL_KEY": KEY, "DRILL_HOOK": HOOK}
    settings.REACTIONS = {}
    settings.LOGGING_CONFIG = None
    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)


class Fire:
    """What burns: the orders, the processes, and the site."""

    def __init__(self, url: str, seed: int) -> None:
        from payments.models import PaymentMethod
        from tests.drills.fire_books import Books
        from tests.drills.fire_site import Site

        self.books, self.seed = Books(url, KEY), seed
        self.rng = random.Random(seed)
        self.url = url
        config = {"base_url": url, "secret_key": "DRILL_KEY", "webhook_secret": "DRILL_HOOK"}
        self.method = PaymentMethod.objects.create(name="Quick", gateway="quick", config=config)
        self.kills = 0
        self.faults: Counter[str] = Counter()
        self.numbers: list[str] = []
        self.site = Site()
        settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": self.site.address}

    # Schedules

    def burn(self, schedules: int) -> None:
        self._misbehave(rates=RATES)
        self._start_site()
        for number in range(schedules):
            if number % AT_ONCE == 0:
                self._make_orders(number, min(AT_ONCE, schedules - number), hosted=HOSTED)
            self._schedule(number)

    def _schedule(self, number: int) -> None:
        """One life of an order, somebody beside it, and the plug pulled on each at a moment of its own."""
        from tests.drills import fire_children as children

        order, rng = self.numbers[number], random.Random(f"{self.seed}-{number}")
        earlier = self.numbers[max(0, number - 6) : number + 1]
        jobs: list[Any] = [lambda: children.live(order, rng.randrange(10**9))]
        beside = rng.choice(["nobody", "another", "recovery", "facts", "batch"])
        if beside == "another":
            jobs.append(lambda: children.live(order, rng.randrange(10**9)))
        elif beside == "recovery":
            jobs.append(lambda: children.recover(earlier))
        elif beside == "facts":
            jobs.append(lambda: children.report(earlier, self.url, KEY))
        elif beside == "batch":
            jobs.append(lambda: children.batch(1, "--amount-to", "40"))
        self._let_run(jobs, rng)

    def _let_run(self, jobs: list[Any], rng: random.Random) -> None:
        from django.db import connections

        from tests.drills.fire_site import fork

        connections.close_all()
        ends = [(rng.uniform(0.0, 0.4) if rng.random() < 0.8 else 8.0, fork(job)) for job in jobs]
        if rng.random() < SITE_KILLED:
            ends.append((rng.uniform(0.0, 0.4), 0))
        begun = time.monotonic()
        for end, child in sorted(ends):
            if child:
                self._end(child, begun + end)
            else:
                time.sleep(max(begun + end - time.monotonic(), 0))
                self.site.kill_one()

    def _end(self, child: int, moment: float) -> None:
        while time.monotonic() < moment:
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.kills += 1

    def _make_orders(self, first: int, count: int, *, hosted: float = 0.0) -> None:
        from tests.drills import fire_children as children

        numbers = [f"F{number:07d}" for number in range(first, first + count)]
        children.make_orders(numbers, self.method, self.rng, hosted=hosted)
        self.numbers += numbers

    def _start_site(self) -> None:
        from django.db import connections

        connections.close_all()
        self.site.start()

    # A batch that is killed and started again

    def batches(self, payments: int, kills: int, workers: int) -> None:
        """Everything is authorized without trouble; the capture run is killed again and again, by faults beside."""
        from tests.drills import fire_children as children
        from tests.drills.fire_site import fork

        self._misbehave(rates=None)
        first = len(self.numbers)
        self._make_orders(first, payments)
        child = fork(lambda: [children.attempt(lambda o=o: authorize(o)) for o in self.numbers[first:]])
        os.waitpid(child, 0)
        self._misbehave(rates=RATES)
        for _kill in range(kills):
            self._let_run([lambda: children.batch(workers)] * (1 if _sqlite() else 2), self.rng)

    def _misbehave(self, *, rates: dict[str, int] | None) -> None:
        """Let the provider misbehave from now on, or no more; what it has done so far is counted."""
        self.faults.update(self.books.ask("/_faults")["drawn"])
        self.books.ask("/_faults", {"seed": self.seed, "draw_by": "key", "rates": rates or {}})

    # The end

    def settle(self) -> tuple[list[str], int]:
        """Faults over: take in what is still to be told, recover until nothing is open, then compare."""
        from payments.models import Operation
        from tests.drills import fire_children as children
        from tests.drills.fire_books import differences, stuck_notices

        self._misbehave(rates=None)
        self._let_run([], random.Random(self.seed))  # The site may be killed once more.
        late = self.books.wait_until_told()
        settings.PAYMENTS["PAGE_LIFETIME_MINUTES"] = 0  # Whoever has not paid by now never comes back.
        for _round in range(ROUNDS):
            children.retry_notices()
            children.recover_everything(1)
            unsettled = Operation.objects.filter(state="waiting", payment__state="processing")
            if not (unsettled | Operation.objects.unanswered()).filter(reason="").exists():
                break
            time.sleep(0.25)
        late += self.books.wait_until_told()  # What recovery has caused.
        children.replay_notices()
        found, undecided = differences(self.books.ask("/_books"))
        return late + stuck_notices() + found, undecided


def authorize(number: str) -> None:
    from orders.models import Order

    Order.objects.get(number=number).complete()


def _sqlite() -> bool:
    return settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


def simulator(folder: Path, seed: int) -> tuple[subprocess.Popen[str], str]:
    command = [
        *(sys.executable, "-m", "payments.simulator", "--port", "0", "--database", str(folder / "books.sqlite3")),
        *("--secret-key", KEY, "--webhook-secret", HOOK, "--seed", str(seed), "--late", "1500ms", "--no-test-amounts"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if "http://" in line:
            return process, line[line.index("http://") :].split()[0].rstrip("/.,")
    raise SystemExit("The simulator did not start.")


def main(name: str, folder: Path, schedules: int, seed: int) -> int:
    prepare(name, folder)
    from django.db import connection

    from payments.models import Payment, WebhookEvent

    process, url = simulator(folder, seed)
    fire = Fire(url, seed)
    try:
        fire.burn(schedules)
        fire.batches(min(schedules, MOST_IN_BATCH), max(schedules // 20, 3), 3)
        found, undecided = fire.settle()
        drawn = fire.faults
        told = {
            "schedules": schedules,
            "kills": fire.kills + fire.site.kills,
            "kills of the site": fire.site.kills,
            "faults": sum(count for name, count in drawn.items() if not name.startswith("webhook_")),
            "payments": Payment.objects.count(),
            "events": WebhookEvent.objects.count(),
            "notices": fire.books.deliveries(),
            **{name.removeprefix("webhook_"): drawn[name] for name in RATES if name.startswith("webhook_")},
            "left to staff": undecided,
            "differences": found,
        }
        print(json.dumps(told), flush=True)
    finally:
        fire.site.stop()
        process.terminate()
        process.wait(10)
    connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)
    return 1 if found else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    raise SystemExit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
