"""Telling the shop: signed events, delivered apart from the request that caused them, and again until they arrive.

The header is `Simulator-Signature: t=<seconds>,v1=<hex>`, where v1 is HMAC-SHA256 of `<t>.<body>` with the webhook
secret. A receiver compares it in constant time and refuses a `t` more than five minutes off.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from payments.simulator.answers import Answer, Json, missing
from payments.simulator.books import Books
from payments.simulator.calls import Call
from payments.simulator.clock import SECOND, iso
from payments.simulator.listing import paged
from payments.simulator.store import Row

HEADER = "Simulator-Signature"
MOST_ATTEMPTS = 12  # The last comes some 34 minutes after the first.
PATIENCE = 10  # Seconds that a receiver may take.

Sender = Callable[[str, Mapping[str, str], bytes], int]


def signature(secret: str, body: bytes, at: int) -> str:
    """The header's value for a body signed `at` (seconds)."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def send(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """The status of the receiver's answer. Raises OSError or HTTPException. Redirects are not followed."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, dict(headers))
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


class Webhooks:
    """What is due is delivered by whoever calls `deliver_due`: the server's threads, or a test in its own time."""

    def __init__(self, books: Books, sender: Sender | None) -> None:
        self.books, self.store, self.sender = books, books.store, sender
        interrupted = "UPDATE events SET status = 'pending', due = ? WHERE status IN ('sending', 'early')"
        self.store.run(interrupted, books.now())

    def due_lanes(self) -> list[int]:
        rows = self.store.all("SELECT DISTINCT lane FROM events WHERE due <= ?", self.books.now())
        return [row["lane"] for row in rows]

    def deliver_due(self, lane: int | None = None) -> int:
        """Deliver what is due, oldest first, in one lane or all. How many deliveries were made."""
        sql = "SELECT * FROM events WHERE due <= ? AND (? IS NULL OR lane = ?) ORDER BY due, seq LIMIT 1"
        made = 0
        while self.sender and (row := self.store.one(sql, self.books.now(), lane, lane)):
            made += self.deliver(row["id"])
        return made

    def deliver_early(self) -> None:
        """Deliver what must arrive before the answer does."""
        for row in self.store.all("SELECT id FROM events WHERE status = 'early' ORDER BY seq"):
            due = "UPDATE events SET status = 'pending', due = ? WHERE id = ? AND status = 'early'"
            if self.store.run(due, self.books.now(), row["id"]):
                self.deliver(row["id"])

    def deliver(self, id: str) -> bool:
        """Deliver one event now, unless somebody else is at it."""
        taken = (
            "UPDATE events SET status = 'sending', due = NULL, attempts = attempts + 1 WHERE id = ? AND due IS NOT NULL"
        )
        if not self.sender or not self.store.run(taken, id):
            return False
        row = self.store.one("SELECT * FROM events WHERE id = ?", id)
        assert row is not None  # noqa: S101, events are never deleted
        body, began = row["payload"].encode(), time.monotonic_ns()
        status, error = None, ""
        try:
            status = self.sender(row["url"], self.headers(row, body), body)
        except (OSError, http.client.HTTPException) as trouble:
            error = f"{type(trouble).__name__}: {trouble}"
        took = (time.monotonic_ns() - began) // 1_000_000
        with self.store.transaction():
            seen = {"event": id, "attempt": row["attempts"], "url": row["url"], "at": self.books.now()}
            self.store.add("deliveries", status=status, error=error, took=took, **seen)
            self.note(row, arrived=status is not None and 200 <= status < 300)
        return True

    def headers(self, row: Row, body: bytes) -> dict[str, str]:
        wrong = row["fault"] == "webhook_bad_signature" and row["attempts"] == 1
        secret = "whsec_of_somebody_else" if wrong else self.books.options.webhook_secret
        signed = signature(secret, body, int(time.time()))  # The receiver's clock is not moved with ours.
        return {"Content-Type": "application/json", HEADER: signed, "User-Agent": "Simulator-Webhooks/1"}

    def note(self, row: Row, *, arrived: bool) -> None:
        """What comes after this attempt: nothing, the same again, or another try later."""
        now, attempts = self.books.now(), row["attempts"]
        status, due = "delivered", None
        if arrived and row["fault"] == "webhook_duplicate" and attempts == 1:
            status, due = "pending", now
        elif not arrived and attempts < MOST_ATTEMPTS:
            status, due = "pending", now + SECOND * 2 ** (attempts - 1)
        elif not arrived:
            status = "failed"
        self.store.run("UPDATE events SET status = ?, due = ? WHERE id = ?", status, due, row["id"])
        held = (
            "UPDATE events SET due = ? WHERE payment = ? AND seq < ? AND fault = 'webhook_reordered' "
            "AND status = 'pending' AND attempts = 0"
        )
        self.store.run(held, now, row["payment"], row["seq"])

    def redeliver(self, id: str) -> None:
        """Have an event delivered once more, whatever became of it."""
        row = self.store.one("SELECT * FROM events WHERE id = ?", id)
        if row is None:
            raise missing("event", id)
        if row["url"]:
            self.store.run("UPDATE events SET status = 'pending', due = ? WHERE id = ?", self.books.now(), id)


def show(row: Row) -> Json:
    shown = {name: row[name] for name in ("id", "type", "payment", "url", "status", "attempts", "fault")}
    return {"object": "event", **shown, "due": iso(row["due"]), "created": iso(row["created"])}


def show_all(books: Books, call: Call) -> Answer:
    """Events, oldest first; of one payment if `payment` is given."""
    payment = call.query.get("payment", "")
    sql = "SELECT * FROM events WHERE seq > ? AND (? = '' OR payment = ?) ORDER BY seq LIMIT ?"
    rows = books.store.all(sql, call.number("after", 0), payment, payment, call.limit() + 1)
    return paged(call, rows, show)


def show_one(books: Books, call: Call) -> Answer:
    """One event with what was sent and how each delivery went."""
    row = books.store.one("SELECT * FROM events WHERE id = ?", call.ids[0])
    if row is None:
        raise missing("event", call.ids[0])
    return Answer.of(
        {"event": show(row), "payload": json.loads(row["payload"]), "deliveries": deliveries(books, row["id"])}
    )


def deliveries(books: Books, event: str) -> list[Json]:
    names = ("attempt", "url", "status", "error")
    rows = books.store.all("SELECT * FROM deliveries WHERE event = ? ORDER BY seq", event)
    return [{**{name: row[name] for name in names}, "took_ms": row["took"], "at": iso(row["at"])} for row in rows]
