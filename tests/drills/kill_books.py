"""The books of a provider: a file outside our database, which survives whatever happens to us."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAITING = ("action_required", "processing")


@dataclass(frozen=True, slots=True)
class Line:
    """One request as the provider took it, and what became of it."""

    key: str
    kind: str
    authorization: str
    amount: int
    order_id: str
    outcome: str
    said: int | None
    final: bool
    sale: bool  # A void that is to take back a sale; any other lets go of a hold, and of nothing that came of it.
    reference: str

    @property
    def done(self) -> bool:
        return self.outcome == "approved"


@dataclass(slots=True)
class Account:
    """What the provider has under one authorization, in whole minor units."""

    authorization: str
    order_id: str
    authorized: int = 0
    held: int = 0
    captured: int = 0
    refunded: int = 0
    voided: bool = False

    def allows(self, kind: str, amount: int, *, sale: bool) -> bool:
        match kind:
            case "capture":
                return 0 < amount <= self.held
            case "void":
                return self.held > 0 or (sale and self.captured > 0 and not self.refunded)
            case "refund":
                return 0 < amount <= self.captured - self.refunded
            case _:
                return not self.voided

    def book(self, line: Line) -> None:
        match line.kind:
            case "authorize":
                self.authorized, self.held = line.amount, line.amount
            case "purchase":
                self.authorized, self.captured = line.amount, line.amount
            case "capture":
                self.captured += line.amount
                self.held = 0 if line.final else self.held - line.amount
            case "refund":
                self.refunded += line.amount
            case _ if self.held:
                self.held, self.voided = 0, True
            case _:  # A sale that is not settled yet, or an attempt that still waits.
                self.captured, self.voided = 0, True


class Books:
    """The provider's own record: one JSON object a line, only ever appended to."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def write(self, entry: dict[str, Any]) -> None:
        """In one piece: a process that is killed has written it or has not."""
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, json.dumps(entry).encode() + b"\n")
        finally:
            os.close(file)

    def lines(self) -> list[Line]:
        entries = [json.loads(text) for text in self.path.read_text().splitlines()] if self.path.exists() else []
        became = {entry["settles"]: {"outcome": entry["outcome"]} for entry in entries if "settles" in entry}
        return [Line(**entry | became.get(entry["key"], {})) for entry in entries if "settles" not in entry]

    def find(self, key: str) -> Line | None:
        return next((line for line in self.lines() if line.key == key), None)

    def accounts(self) -> dict[str, Account]:
        return accounts_of(self.lines())

    def settle(self) -> list[Line]:
        """Time passes: whatever waits is done, where that is still possible. The lines that changed."""
        settled = []
        for line in self.lines():
            account = self.accounts().get(line.authorization)
            if line.outcome in WAITING:
                possible = account is None or account.allows(line.kind, line.amount, sale=line.sale)
                self.write({"settles": line.key, "outcome": "approved" if possible else "declined"})
                settled.append(line.key)
        return [line for line in self.lines() if line.key in settled]


def overdrawn(lines: Sequence[Line]) -> list[str]:
    """What waits and would take or give back more than there is, if the provider did not look."""
    found = []
    for account in accounts_of(lines).values():
        waits = [line for line in lines if line.authorization == account.authorization and line.outcome in WAITING]
        taking = sum(line.amount for line in waits if line.kind == "capture")
        giving = sum(line.amount for line in waits if line.kind == "refund")
        giving += sum(account.captured for line in waits if line.sale)
        if (taking > account.held and not account.voided) or giving > account.captured - account.refunded:
            found.append(f"{account}: {taking} to be taken and {giving} to be given back are under way")
    return found


def accounts_of(lines: Sequence[Line]) -> dict[str, Account]:
    accounts: dict[str, Account] = {}
    for line in lines:
        if line.done:
            accounts.setdefault(line.authorization, Account(line.authorization, line.order_id)).book(line)
    return accounts
