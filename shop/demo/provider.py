"""The payment simulator as a process of its own, for as long as a chapter or a site needs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from payments.gateways.http import Http, Patience

SECRET_KEY, WEBHOOK_SECRET = "SIMULATOR_SECRET_KEY", "SIMULATOR_WEBHOOK_SECRET"
PATIENCE = Patience(connect_ms=2_000, answer_ms=10_000)


class NoProvider(Exception):
    """The simulator did not start, and what it said."""


class Provider:
    """What only the provider itself can do: misbehave as told, and open its books."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.http = Http(url, headers={"Authorization": f"Bearer {secret}"}, patience=PATIENCE)

    def misbehave(self, fault: str, kind: str, **how: Any) -> None:
        """Let the next request of that kind meet this fault."""
        self.http.ask("POST", "/_faults", body={"rules": [{"fault": fault, "kind": kind, **how}]})

    def behave(self) -> None:
        self.http.ask("DELETE", "/_faults")

    def refund(self, payment: str, amount_minor: int) -> None:
        """Give money back as somebody at the provider's console does, of whom the shop knows nothing."""
        self.http.ask("POST", "/_events", body={"payment": payment, "deed": "refund", "amount": amount_minor})

    def has_told(self, payment: str) -> bool:
        """Whether every notice about this payment has arrived, or is lost for good."""
        events = self._events(payment)
        return bool(events) and all(each["status"] in ("delivered", "missing", "failed") for each in events)

    def answers(self, payment: str) -> list[int]:
        """What its notices about this payment were answered, one delivery after the other."""
        made = [
            delivery
            for event in self._events(payment)
            for delivery in self.http.ask("GET", f"/v1/events/{event['id']}").data["deliveries"]
        ]
        return [delivery["status"] for delivery in sorted(made, key=lambda each: str(each["at"]))]

    def _events(self, payment: str) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.http.ask("GET", "/v1/events", query={"payment": payment}).data["data"]
        return found

    def totals(self) -> Mapping[str, Mapping[str, int]]:
        """Currency → kind of record → sum in minor units, by its own books."""
        found: Mapping[str, Mapping[str, int]] = self.http.ask("GET", "/_books").data["totals"]
        return found


@contextmanager
def simulator(secret: str, *arguments: str) -> Iterator[Provider]:
    """A simulator on a free port, with books that nobody keeps. Raises NoProvider if it does not start."""
    command = [sys.executable, "-m", "payments.simulator", "--port", "0", "--database", ":memory:", *arguments]
    environment = {**os.environ, SECRET_KEY: secret}  # And WEBHOOK_SECRET, where somebody listens.
    process = subprocess.Popen(  # noqa: S603 (our own command)
        command, cwd=Path(settings.BASE_DIR), env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Provider(_address(process), secret)
    finally:
        end(process)


def _address(process: subprocess.Popen[str]) -> str:
    said = ""
    for line in process.stdout or ():
        said += line
        if found := re.search(r"start page +(\S+)/$", line):
            return found[1]
    raise NoProvider(said or "It ended without a word.")


def end(process: subprocess.Popen[Any]) -> None:
    """Ask it to end, and see that it does."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
