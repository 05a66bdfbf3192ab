"""What can befall a request on its way: named as the conformance kit names it, once, several times, or by lot."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

BEFORE = ("lost_request", "error_before", "rate_limited", "key_in_use")
AFTER = ("lost_answer", "late_answer", "truncated_body", "error_after")
CHANGED = ("wrong_amount", "wrong_currency", "unknown_status")
ALL = (*BEFORE, *AFTER, *CHANGED)


class Lost(Exception):
    """The connection is over. `late`: after the asker's patience; `part`: after so many bytes of the answer."""

    def __init__(self, *, late: bool = False, answer: tuple[int, dict[str, str], bytes] | None = None) -> None:
        super().__init__()
        self.late, self.answer = late, answer


@dataclass
class Rule:
    fault: str
    kind: str = ""  # "" befalls what changes something; "lookup" and "fetch" what only asks.
    times: int = 1  # 0: all.
    used: int = 0


@dataclass
class Faults:
    rules: list[Rule] = field(default_factory=list)
    rates: dict[str, int] = field(default_factory=dict)  # Of a thousand requests.
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    done: dict[str, int] = field(default_factory=dict)

    def take(self, method: str) -> str:
        asks = method == "GET"
        for rule in self.rules:
            if bool(rule.kind) == asks and (not rule.times or rule.used < rule.times):
                rule.used += 1
                return self._count(rule.fault)
        lot = self.rng.randrange(1_000) if self.rates else 0
        for fault, rate in self.rates.items():
            if lot < rate and not (asks and fault in CHANGED):
                return self._count(fault)
            lot -= rate
        return ""

    def _count(self, fault: str) -> str:
        self.done[fault] = self.done.get(fault, 0) + 1
        return fault


def changed(fault: str, answer: bytes) -> bytes:
    said: dict[str, Any] = json.loads(answer)
    if fault == "wrong_currency":
        said["currency"] = "sek"
    elif fault == "unknown_status":
        said["status"] = "nobody_has_heard_of_this"
    else:
        for name in ("amount", "amount_received"):
            if said.get(name):
                said[name] += 1
    return json.dumps(said).encode()
