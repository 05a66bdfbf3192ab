"""The simulator's own books, read over HTTP, and how ours compare to them."""

from __future__ import annotations

import json
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from payments.models import Operation, Payment, WebhookEvent
from payments.money import Money, to_minor

TOLD = ("delivered", "missing", "failed", "unaddressed")


class Books:
    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        request = urllib.request.Request(self.url + path, method=method or ("POST" if body is not None else "GET"))
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/json")
        data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, data, timeout=30) as answer:
            return json.load(answer)

    def events(self) -> Iterator[dict[str, Any]]:
        after = ""
        while True:
            page = self.ask(f"/v1/events?limit=1000{after}")
            yield from page["data"]
            if not page["has_more"]:
                return
            after = f"&after={page['next']}"

    def deliveries(self) -> int:
        """How often a notice was sent, whatever became of it."""
        return sum(event["attempts"] for event in self.events())

    def wait_until_told(self, seconds: int = 90) -> list[str]:
        """Until every notice has arrived or is lost for good. Those that are still on their way after that time."""
        until = time.monotonic() + seconds
        while late := [each for each in self.events() if each["status"] not in TOLD]:
            if time.monotonic() > until:
                return [f"{each['type']} was never told: {self._last_try(each['id'])}" for each in late]
            time.sleep(0.2)
        return []

    def _last_try(self, event: str) -> str:
        made = self.ask(f"/v1/events/{event}")["deliveries"]
        return str(made[-1]) if made else "it was never sent"

    def actions_of(self, payment: Payment) -> list[dict[str, Any]]:
        found = self.ask(f"/v1/actions?order_id={payment.order.number}-{payment.number}&limit=100")
        return [line["action"] for line in found["data"]]


def differences(books: dict[str, Any]) -> tuple[list[str], int]:
    """Where ours and theirs differ, to the minor unit; and how many operations the evidence cannot decide."""
    theirs: dict[str, Counter[str]] = defaultdict(Counter)
    for each in books["payments"]:
        for name in ("captured", "refunded"):
            theirs[each["order_id"]][name] += each[name]
        theirs[each["order_id"]]["held"] += each["capturable"]
    found = repeated(books)
    undecided = 0
    for payment in Payment.objects.select_related("order", "payment_method").iterator(chunk_size=500):
        ledger = payment.read_ledger()
        if ledger.unanswered:
            undecided += 1
            if not ledger.unanswered.reason:
                found.append(f"{payment.number}: {ledger.unanswered} has no end")
            continue
        their = theirs[f"{payment.order.number}-{payment.number}"]
        ours = {"captured": to_minor(payment.captured_amount), "refunded": to_minor(payment.refunded_amount)}
        for name, amount in ours.items():
            if amount != their[name]:
                found.append(f"{payment.order.number} {payment.number} {name}: {amount} here, {their[name]} there")
        found += _holds(payment, ledger, their["held"])
    return found, undecided


def _holds(payment: Payment, ledger: Any, theirs: int) -> list[str]:
    ours = sum((ledger.held_of(each) for each in ledger.attempts), type(ledger.captured)(0))
    if any(each.is_unsettled for each in ledger.operations):
        return []  # It waits for the provider: what it will hold is not decided.
    minor = to_minor(Money(ours, payment.currency))
    return [] if minor == theirs else [f"{payment.order.number} {payment.number} held: {minor} here, {theirs} there"]


def stuck_notices() -> list[str]:
    """What was taken in and not used, though everything was tried."""
    unused = WebhookEvent.objects.exclude(state__in=("applied", "ignored"))
    return [f"{event} is {event.state}: {event.last_error}" for event in unused]


def repeated(books: dict[str, Any]) -> list[str]:
    """A deed that was done twice: one key with two deeds, or a key that is none of ours."""
    done = Counter(each["idempotency_key"] for each in books["actions"] if each["idempotency_key"])
    known = set(Operation.objects.exclude(idempotency_key="").values_list("idempotency_key", flat=True))
    twice = [f"{key} was done {count} times" for key, count in done.items() if count > 1]
    return twice + [f"{key} is nobody's" for key in done if key not in known]
