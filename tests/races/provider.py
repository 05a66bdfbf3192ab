"""The provider of the races: it approves everything and keeps its books in a file, one line for each thing heard.

Its gate holds a call until every other racer has its answer or stands in a call too, so that nobody is late.
"""

from __future__ import annotations

import json
import os
import random
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from payments.errors import GatewayUnavailable
from payments.gateways.base import Gateway, Outcome, Response
from payments.models.asking import HEAD_START
from tests.scripted import EVERYTHING

PATIENCE = 20.0  # Seconds; longer than anything here may take.


class Crash(BaseException):
    """The asker's process dies."""


class Gate:
    """What the racers share: made before they part, in memory that they keep in common."""

    def __init__(self, context: Any, parties: int) -> None:
        self.parties = parties
        self.inside = context.Value("i", 0)
        self.finished = context.Value("i", 0)
        self.read = context.Value("i", 0)
        self.has_read = False

    def wait_in_call(self) -> None:
        with self.inside.get_lock():
            self.inside.value += 1
        self._until(lambda: self.inside.value + self.finished.value >= self.parties)

    def wait_for_asker(self) -> None:
        self._until(lambda: self.inside.value > 0)

    def wait_for_answer(self) -> None:
        """Until another racer is done; nobody at the provider waits for this one."""
        with self.inside.get_lock():
            self.inside.value += 1
        self._until(lambda: self.finished.value > 0)
        self.leave_call()

    def leave_call(self) -> None:
        with self.inside.get_lock():
            self.inside.value -= 1

    def finish(self) -> None:
        with self.finished.get_lock():
            self.finished.value += 1

    def meet(self) -> None:
        """For a racer without a guard: go on when everybody has read, once."""
        if self.has_read:
            return
        self.has_read = True
        with self.read.get_lock():
            self.read.value += 1
        self._until(lambda: self.read.value + self.finished.value >= self.parties, patience=1.0)

    def _until(self, condition: Any, patience: float = PATIENCE) -> None:
        limit = time.monotonic() + patience
        while not condition() and time.monotonic() < limit:
            time.sleep(0.001)


class Hall:
    """Where a race takes place: the books of the provider, how it answers, and the gate."""

    books: ClassVar[Path] = Path()
    mood: ClassVar[str] = ""
    gate: ClassVar[Gate | None] = None
    pause: ClassVar[float] = 0.0
    meeting: ClassVar[str] = ""  # Where racers without a guard wait for each other.

    @classmethod
    def write(cls, **line: Any) -> None:
        descriptor = os.open(cls.books, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
        finally:
            os.close(descriptor)

    @classmethod
    def lines(cls) -> list[dict[str, Any]]:
        return [json.loads(line) for line in cls.books.read_text().splitlines()] if cls.books.exists() else []


class RacingGateway(Gateway):
    capabilities = EVERYTHING

    def authorize(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._serve("authorize", amount_minor, f"A-{options['idempotency_key']}", options)

    def purchase(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._serve("purchase", amount_minor, f"A-{options['idempotency_key']}", options)

    def capture(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._serve("capture", amount_minor, authorization, options)

    def void(self, authorization: str, options: Any) -> Response:
        return self._serve("void", 0, authorization, options)

    def credit(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._serve("refund", amount_minor, authorization, options)

    def lookup(self, *, kind: str, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        found = [line for line in Hall.lines() if line["event"] == "done" and line["key"] == idempotency_key]
        if not found:
            return None
        return Response(outcome=Outcome.APPROVED, authorization=found[0]["code"], reference=f"R-{idempotency_key}")

    def _serve(self, verb: str, amount: int, code: str, options: Any) -> Response:
        facts = {"verb": verb, "amount": amount, "code": code, "key": options["idempotency_key"]}
        facts |= {"order_id": options["order_id"], "mood": Hall.mood}
        Hall.write(event="asked", **facts)
        if Hall.gate:
            Hall.gate.wait_in_call()
        time.sleep(random.random() * Hall.pause)
        Hall.write(event="done", **facts)
        if Hall.gate:
            Hall.gate.leave_call()
        match Hall.mood:
            case "waiting":
                return Response(outcome=Outcome.PROCESSING, authorization=code)
            case "declined":
                return Response(outcome=Outcome.DECLINED)
            case "lost":
                raise GatewayUnavailable
            case "crash":
                raise Crash
        return Response(outcome=Outcome.APPROVED, authorization=code, reference=f"R-{options['idempotency_key']}")


class StrictGateway(RacingGateway):
    """What was taken can only be given back."""

    capabilities = type(EVERYTHING)(
        **{name: getattr(EVERYTHING, name) for name in EVERYTHING.__slots__ if name != "void_after_capture"}
    )


class HastyGateway(RacingGateway):
    """Guards taken out: nobody is thought to be alive or on his way, and what is not found is undone at once."""

    longest_call = -HEAD_START
    capabilities = type(EVERYTHING)(
        **{name: getattr(EVERYTHING, name) for name in EVERYTHING.__slots__ if name != "visibility_window"},
        visibility_window=timedelta(0),
    )
