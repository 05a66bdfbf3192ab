"""Lives of orders over a provider's local server: processes are killed at random moments, the provider misbehaves by
seed, notices come twice, in no order or not at all; afterwards every cent is explained.

    python -m tests.drills.provider_kill STAND NAME FOLDER LIVES SEED

STAND is the dotted name of a `Stand`: what the drill needs to know of one provider. It has a database of its own. Its
last line is what happened, as JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import django
from django.conf import settings
from django.utils.module_loading import import_string

FAULTY, TOLD, NIGHT = 0.4, 0.4, 0.4  # The shares of lives with a fault, with notices after them, with a night.
KILLED, LONGEST_S = 0.7, 10.0  # Of the children; how long the others have.


class Stand(Protocol):
    """A provider's local server with its gateway, as the drill sees it. Amounts are whole minor units."""

    gateway: str  # Dotted name of the class.
    faults: Sequence[str]
    latest_s: float  # When a child is killed at the latest: about as long as a life takes.

    @property
    def config(self) -> Mapping[str, Any]: ...

    @property
    def secrets(self) -> Mapping[str, str]: ...

    def token(self, rng: random.Random) -> str:
        """What an order is paid with; "" where its customer is sent to the provider's page."""

    def misbehave(self, fault: str) -> None:
        """Let this befall the next request that moves money; "" for no more trouble."""

    def pass_a_night(self) -> None: ...
    def customers_come(self, rng: random.Random) -> bool:
        """Some of those who were sent to its page pay there, or do not; False where nobody was."""

    def notices(self) -> list[tuple[Mapping[str, str], bytes]]:
        """Headers and body of everything that the provider tells by itself, up to now."""

    def sums(self, order_id: str) -> tuple[int, int]:
        """What it holds under this order id, and what it has taken and not given back."""

    def done_twice(self) -> list[str]:
        """Deeds that were done more than once for one request of ours."""

    def close(self) -> None: ...


def prepare(name: str, folder: Path, stand: Stand) -> None:
    database = settings.DATABASES["default"]
    sqlite = database["ENGINE"].endswith("sqlite3")
    database["TEST"] = {"NAME": str(folder / f"{name}.sqlite3") if sqlite else name}
    if sqlite:
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        database["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 60, "init_command": pragmas}
    settings.PAYMENT_GATEWAYS = {"drilled": stand.gateway}
    settings.PAYMENT_SECRETS = dict(stand.secrets)
    settings.PAYMENTS = {**settings.PAYMENTS, "UNSIGNED_NOTICES_PER_IP": "", "PUBLIC_ORIGIN": "https://shop.example"}
    settings.REACTIONS = {}
    settings.LOGGING_CONFIG = None
    django.setup()
    from django.db import connection

    connection.creation.create_test_db(verbosity=0, autoclobber=True)


class Drill:
    def __init__(self, stand: Stand, seed: int) -> None:
        from payments.models import PaymentMethod

        self.stand, self.seed = stand, seed
        self.method = PaymentMethod.objects.create(
            name="Drilled", code="drilled", gateway="drilled", config=dict(stand.config)
        )
        self.counted: Counter[str] = Counter()

    def run(self, lives: int) -> None:
        for number in range(lives):
            rng = random.Random(f"{self.seed}-{number}")
            order = self._order(number, rng)
            if rng.random() < FAULTY:
                self.stand.misbehave(rng.choice(self.stand.faults))
                self.counted["faults"] += 1
            self._child(lambda: live(order, rng), rng)  # noqa: B023 (it is called at once)
            self.stand.misbehave("")
            if self.stand.customers_come(rng):
                self._child(lambda: work(order, rng), rng)  # noqa: B023 (it is called at once)
            if rng.random() < NIGHT:
                self.stand.pass_a_night()
            if rng.random() < TOLD:
                told = self._mixed(rng)
                self.counted["notices"] += len(told)
                self._child(lambda: tell(told), rng)  # noqa: B023 (it is called at once)

    def _order(self, number: int, rng: random.Random) -> str:
        from orders.models import Order
        from payments.models import CreditCard, HostedSource

        order = Order.objects.create(number=f"K{number:07d}", email="ada@example.com", currency="EUR")
        order.add_line("Tee", unit_price=Decimal(rng.randint(500, 150_000)) / 100)
        token = self.stand.token(rng)
        card = {"token": token, "brand": "visa", "month": 12, "year": 2030}
        source = CreditCard.objects.create(**card) if token else HostedSource.objects.create(label="Drilled")
        order.add_payment(self.method, source=source)
        return str(order.number)

    def _mixed(self, rng: random.Random) -> list[tuple[Mapping[str, str], bytes]]:
        """Some of the notices, in no order, some of them twice."""
        every = self.stand.notices()[-40:]
        told = rng.sample(every, k=max(len(every) * 3 // 4, 1) if every else 0)
        return told + told[:3]

    def _child(self, act: Any, rng: random.Random) -> None:
        """Let it run in a process of its own until its moment has come."""
        from django.db import connections

        connections.close_all()
        until = time.monotonic() + (rng.uniform(0.0, self.stand.latest_s) if rng.random() < KILLED else LONGEST_S)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Forking beside the server's threads.
            child = os.fork()
        if child == 0:
            try:
                act()
            finally:
                os._exit(0)
        while time.monotonic() < until:
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.counted["kills"] += 1

    # The end

    def settle(self) -> tuple[list[str], int]:
        """No more trouble: tell everything, recover until nothing is open, tell it all again, and compare."""
        import time_machine
        from django.utils import timezone

        from payments.models import Operation, WebhookEvent
        from payments.recovery import recover_due

        self.stand.misbehave("")
        tell(self.stand.notices())
        with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
            for _round in range(5):
                list(recover_due(at_once=True))
                if not Operation.objects.unanswered().filter(reason="").exists():
                    break
            WebhookEvent.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
            tell(self.stand.notices())
        return self._differences()

    def _differences(self) -> tuple[list[str], int]:
        from payments.models import Payment
        from payments.money import Money, to_minor

        found, undecided = self.stand.done_twice(), 0
        for payment in Payment.objects.select_related("order", "payment_method"):
            ledger = payment.read_ledger()
            if ledger.unanswered:
                undecided += 1
                if not ledger.unanswered.reason:
                    found.append(f"{payment.number}: {ledger.unanswered} has no end: {ledger.unanswered.message}")
                continue
            held = sum((ledger.held_of(each) for each in ledger.attempts), Decimal(0))
            taken = to_minor(payment.captured_amount) - to_minor(payment.refunded_amount)
            ours = to_minor(Money(held, payment.currency)), taken
            theirs = self.stand.sums(f"{payment.order.number}-{payment.number}")
            if ours != theirs:
                said = ", ".join(f"{each.kind} {each.amount} {each.state}" for each in ledger.recorded)
                found.append(f"{payment.number} holds and took {ours} here, {theirs} there: {said}")
        return found, undecided


# What the children do until they are killed


def live(number: str, rng: random.Random) -> None:
    """Somebody buys, and somebody works on the order."""
    from orders.models import Order

    order = Order.objects.get(number=number)
    if rng.random() < 0.3:
        attempt(order.payments.get().purchase)
    attempt(order.complete)
    work(number, rng)


def work(number: str, rng: random.Random) -> None:
    from orders.models import Order
    from payments.models import Payment

    order = Order.objects.get(number=number)
    for _verb in range(rng.randint(1, 4)):
        payment = Payment.objects.filter(order=order).latest("id")
        attempt(lambda: act(order, payment, rng))  # noqa: B023 (it is called at once)


def act(order: Any, payment: Any, rng: random.Random) -> None:
    part = (payment.amount.amount / rng.randint(2, 4)).quantize(Decimal("0.01"))
    match rng.choice(["capture", "part", "part", "void", "refund", "give back a part", "cancel", "cancel order"]):
        case "capture":
            payment.capture()
        case "part":
            payment.capture(part, final=rng.random() < 0.4)
        case "void":
            payment.void_transaction()
        case "refund":
            payment.refund(reason="Drill")
        case "give back a part":
            payment.refund(part, reason="Drill")
        case "cancel":
            payment.cancel()
        case "cancel order":
            order.cancel()


def tell(notices: Sequence[tuple[Mapping[str, str], bytes]]) -> None:
    """Deliver notices to the inbox, as the provider's request would."""
    from payments.inbox import receive

    for headers, body in notices:
        receive("drilled", headers, body)


def attempt(deed: Any) -> None:
    from django_fsm import TransitionNotAllowed

    from orders.errors import CannotComplete
    from payments.errors import GatewayError, InvalidAmount

    try:
        deed()
    except (GatewayError, InvalidAmount, TransitionNotAllowed, CannotComplete):
        pass


def main(stand_name: str, name: str, folder: Path, lives: int, seed: int) -> int:
    stand: Stand = import_string(stand_name)()
    prepare(name, folder, stand)
    from django.db import connection

    from payments.models import Payment, WebhookEvent

    try:
        drill = Drill(stand, seed)
        drill.run(lives)
        found, undecided = drill.settle()
        counted = {word: drill.counted[word] for word in ("kills", "faults", "notices")}
        rows = {"payments": Payment.objects.count(), "events": WebhookEvent.objects.count()}
        print(json.dumps({"lives": lives, **counted, **rows, "left to staff": undecided, "differences": found}))
    finally:
        stand.close()
    connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)
    return 1 if found else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    raise SystemExit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
