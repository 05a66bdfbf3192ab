"""The shop under fire over Stripe's stand-in: kills at random moments, misbehaviour by seed, webhooks out of order.

    python -m tests.drills.stripe_fire NAME FOLDER SCHEDULES SEED

The fire is that of `fire`; the provider is another, with its own books. Its last line is what happened.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.drills.fire import HOOK, KEY, Fire, prepare

RATES = {
    **dict.fromkeys(("lost_request", "lost_answer", "error_before", "error_after", "truncated_body"), 50),
    **dict.fromkeys(("rate_limited", "wrong_amount", "unknown_status", "key_in_use"), 20),
    "late_answer": 8,
}
CHANCES = {"twice": 25, "held_back": 30}  # Of a hundred webhooks.
CARDS = [
    *["pm_card_visa"] * 6,
    *["pm_card_visa_chargeDeclined", "pm_card_threeDSecure2Required", "pm_card_authenticationRequiredOnSetup"],
]
CAPTURE = "capture "  # Before a capture's key in an intent's metadata.


class StandIn:
    """Its control, in the words in which `fire` asks the simulator."""

    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, path: str, **said: Any) -> Any:
        request = urllib.request.Request(self.url + path, json.dumps(said).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def ask(self, path: str) -> dict[str, Any]:
        books = self.call(path)
        refunds = Counter[str]()
        for each in books.get("refund", ()):
            refunds[each["payment_intent"]] += each["amount"] if each["status"] == "succeeded" else 0
        intents = books.get("payment_intent", ())
        return {
            "payments": [
                {
                    "order_id": each["metadata"]["order_id"],
                    "captured": each["amount_received"],
                    "refunded": refunds[each["id"]],
                    "capturable": each["amount_capturable"],
                }
                for each in intents
            ],
            "actions": [{"idempotency_key": key} for key in _keys(intents, books.get("refund", ()))],
        }

    def wait_until_told(self, seconds: int = 90) -> list[str]:
        ends = time.monotonic() + seconds
        while self.call("/_told")["open"]:
            if time.monotonic() > ends:
                return ["Webhooks are still on their way."]
            time.sleep(0.1)
        return []


def _keys(intents: Any, refunds: Any) -> list[str]:
    """Under which every deed was done, as the stand-in has written it down."""
    made = [each["metadata"]["operation"] for each in (*intents, *refunds)]
    captures = [name for each in intents for name in each["metadata"] if name.startswith(CAPTURE)]
    return [*made, *(name.removeprefix(CAPTURE) for name in captures)]


class StripeFire(Fire):
    def __init__(self, url: str, seed: int) -> None:
        super().__init__(url, seed)
        self.books: Any = StandIn(url)
        self.method.config["multiple_captures"] = True
        self.method.save()
        address = f"{self.site.address}/payments/webhooks/{self.method.code}/"
        self.books.call("/_listen", url=address, secret=HOOK, chances={**CHANCES, "seed": seed})

    def _schedule(self, number: int) -> None:
        from tests.drills import fire_children as children

        order, rng = self.numbers[number], random.Random(f"{self.seed}-{number}")
        jobs: list[Any] = [lambda: live(order, rng.randrange(10**9))]
        beside = rng.choice(["nobody", "another", "recovery", "batch"])
        if beside == "another":
            jobs.append(lambda: live(order, rng.randrange(10**9)))
        elif beside == "recovery":
            jobs.append(lambda: children.recover(self.numbers[max(0, number - 6) : number + 1]))
        elif beside == "batch":
            jobs.append(lambda: children.batch(1, "--amount-to", "40"))
        self._let_run(jobs, rng)

    def _make_orders(self, first: int, count: int, *, hosted: float = 0.0) -> None:
        from payments.models import CreditCard

        super()._make_orders(first, count, hosted=0)
        for card in CreditCard.objects.filter(token__startswith="tok_"):
            card.token = self.rng.choice(CARDS)
            card.save()

    def _misbehave(self, *, rates: dict[str, int] | None) -> None:
        self.faults = Counter(self.books.call("/_books")["faults"])
        self.books.call("/_faults", seed=self.seed, rates=RATES if rates else {})


def live(number: str, seed: int) -> None:
    """One who buys, meets the bank if it asks, and one who works on the order."""
    from orders.models import Order
    from payments.actors import Actor, Origin
    from payments.models import Payment
    from tests.drills import fire_children as children

    rng, order = random.Random(seed), Order.objects.get(number=number)
    children.attempt(lambda: order.complete(by=Actor(Origin.CHECKOUT)))
    visit_bank(order, rng)
    for _verb in range(rng.randint(1, 4)):
        payment = Payment.objects.filter(order=order).latest("id")
        verb = rng.choice(["capture", "part", "void", "refund", "give back a part", "cancel", "cancel order", "again"])
        children.attempt(lambda: children.act(order, payment, verb, rng))  # noqa: B023 (it is called at once)


def visit_bank(order: Any, rng: random.Random) -> None:
    from payments.models import Operation

    asked = Operation.objects.filter(payment__order=order, state="waiting", next_action__isnull=False).first()
    if asked is None or rng.random() < 0.2:
        return  # Nobody asks, or nobody comes.
    passed = "yes" if rng.random() < 0.8 else "no"
    request = urllib.request.Request(asked.next_action["url"], f"passed={passed}".encode())
    try:
        urllib.request.build_opener(Stay()).open(request, timeout=5).close()
    except OSError:
        pass  # Back to a site that may be down; the webhook tells.


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def main(name: str, folder: Path, schedules: int, seed: int) -> int:
    prepare(name, folder)
    settings.PAYMENT_GATEWAYS = {"quick": "tests.drills.stripe_fire_gateway.QuickStripe"}
    from django.db import connection

    import payments.gateways.stripe_wire  # noqa: F401 (the SDK takes its time: the children are to be born with it)
    from payments.models import Payment, WebhookEvent

    command = [sys.executable, "-m", "tests.providers.stripe_server", "--secret-key", KEY, "--webhook-secret", HOOK]
    process = subprocess.Popen([*command, "--search-lag", "0"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    fire = StripeFire(process.stdout.readline().strip(), seed)
    try:
        fire.burn(schedules)
        fire.batches(min(schedules, 30), max(schedules // 20, 2), 3)
        found, undecided = fire.settle()
        told = {
            "schedules": schedules,
            "kills": fire.kills + fire.site.kills,
            "kills of the site": fire.site.kills,
            "faults": sum(fire.faults.values()),
            "payments": Payment.objects.count(),
            "events": WebhookEvent.objects.count(),
            "taken": sum(each["captured"] for each in fire.books.ask("/_books")["payments"]),
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
