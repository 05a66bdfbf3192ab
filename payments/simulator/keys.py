"""Idempotency keys, as Stripe keeps them: the first answer is saved with what it did, in one transaction.

Same key and body: the first answer again, also a 402 or 500. Same key, another body or path: refused. Same key while
the first is at work: refused, try again. What was refused before it began to execute leaves the key free.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from payments.simulator.answers import Answer, Refused, Request
from payments.simulator.clock import SECOND, Clock
from payments.simulator.store import Store

LONGEST_KEY = 255


class Keys:
    def __init__(self, store: Store, clock: Clock, *, lifetime_s: int) -> None:
        self.store, self.clock, self.lifetime = store, clock, lifetime_s * SECOND
        self.at_work: set[str] = set()
        self.lock = threading.Lock()

    @contextmanager
    def claim(self, request: Request) -> Iterator[None]:
        """Raises Refused (409) while another request is at work under the same key."""
        key = request.idempotency_key if request.method == "POST" else ""
        if len(key) > LONGEST_KEY:
            raise Refused("idempotency_key_invalid", f"An idempotency key has at most {LONGEST_KEY} characters.")
        with self.lock:
            if key and key in self.at_work:
                message = "Another request with this idempotency key is in progress. Try again in a moment."
                raise Refused("idempotency_key_in_use", message, status=409, type="idempotency_error")
            self.at_work.add(key)
        try:
            yield
        finally:
            with self.lock:
                self.at_work.discard(key)

    def replay(self, request: Request) -> Answer | None:
        """The first answer to this key; None if the key is new. Raises Refused if it was used for something else."""
        if not request.idempotency_key or request.method != "POST":
            return None
        row = self.store.one("SELECT * FROM keys WHERE key = ?", request.idempotency_key)
        if row is None or row["created"] + self.lifetime <= self.clock.now():
            return None
        if (row["target"], row["fingerprint"]) != (request.path, fingerprint(request.body)):
            what = "parameters" if row["target"] == request.path else "endpoint"
            message = f"Keys for idempotent requests can only be used with the same {what} they were first used with."
            raise Refused("idempotency_error", message, type="idempotency_error")
        headers = {"Content-Type": "application/json", "Idempotent-Replayed": "true"}
        return Answer(status=row["status"], body=row["body"], headers=headers)

    def keep(self, request: Request, answer: Answer) -> None:
        if not request.idempotency_key or request.method != "POST":
            return
        self.store.run(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)",
            request.idempotency_key,
            request.path,
            fingerprint(request.body),
            answer.status,
            answer.body,
            self.clock.now(),
        )


def fingerprint(body: bytes) -> str:
    """The same for bodies that say the same, however they are written."""
    with suppress(ValueError):
        body = json.dumps(json.loads(body or b"{}"), sort_keys=True).encode()
    return hashlib.sha256(body).hexdigest()
