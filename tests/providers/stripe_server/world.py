"""What this Stripe has written down: objects by id, its clock, its events, and the answers it gave under each key."""

from __future__ import annotations

import random
import string
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.providers.stripe_server.refusals import missing

API_VERSION = "2026-10-28.endive"
LETTERS = string.ascii_letters + string.digits


@dataclass(kw_only=True)
class Options:
    secret_key: str = "sk_test_stand_in"
    webhook_secret: str = "whsec_stand_in"
    webhook_url: str = ""
    public_url: str = "https://hooks.stand-in.example"
    hold_s: int = 7 * 86_400
    multicapture: bool = True  # Whether the account may.
    search: bool = True  # Whether the account has it.
    search_lag_s: int = 60
    late_s: int = 1
    account_currency: str = ""  # Settles in this one; in each charge's own if empty.
    seed: int = 1


@dataclass(kw_only=True)
class World:
    options: Options = field(default_factory=Options)
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)  # What no answer shows: the card behind a payment method.
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Callable[[dict[str, Any]], None]] = field(default_factory=list)
    answers: dict[str, tuple[Any, int, bytes]] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=lambda: {"id": None, "idempotency_key": None})
    ahead_s: int = 0
    lock: Any = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.options.seed)

    def now(self) -> int:
        return int(time.time()) + self.ahead_s

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self.rng.choices(LETTERS, k=24))}"

    def add(self, what: str, said: dict[str, Any]) -> dict[str, Any]:
        self.tables.setdefault(what, {})[said["id"]] = said
        return said

    def all(self, what: str) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(self.tables.get(what, {}).values())

    def get(self, what: str, name: str, *, param: str = "intent") -> dict[str, Any]:
        found = self.tables.get(what, {}).get(name)
        if found is None:
            raise missing(what, name, param=param)
        return found

    def of_intent(self, what: str, intent: str) -> Iterator[dict[str, Any]]:
        return (each for each in self.all(what) if each.get("payment_intent") == intent)

    def tell(self, type: str, said: dict[str, Any], *, before: dict[str, Any] | None = None) -> dict[str, Any]:
        """An event, as it will be sent: a copy of how things are now."""
        data: dict[str, Any] = {"object": copied(said)}
        if before is not None:
            data["previous_attributes"] = before
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 1,
            "request": dict(self.request),
            "type": type,
        }
        self.events.append(event)
        for hear in self.heard:
            hear(event)
        return event


def copied(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: copied(value) for name, value in said.items()}
    return [copied(value) for value in said] if isinstance(said, list) else said
