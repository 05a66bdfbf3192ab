"""What can befall a request: rules by kind of request and number of times, each used up as it strikes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

# What is done, and then lost; everything else strikes before anything is done.
AFTERWARDS = {"lost_answer", "late_answer", "truncated_body", "error_after", "wrong_amount", "wrong_currency"}
AFTERWARDS |= {"unknown_status", "garbage"}
BEFORE = {"lost_request", "error_before", "rate_limited"}
READS = ("fetch", "search")


def kind_of(method: str, steps: list[str]) -> str:
    """The kind that a request is, as rules name it."""
    if steps[:1] != ["transactions"]:
        return "vault"
    if steps[1:2] and steps[1].startswith("advanced_search"):
        return "search"
    if method == "GET":
        return "fetch"
    if len(steps) == 1:
        return "sale"
    capture = ("submit_for_settlement", "submit_for_partial_settlement")
    return "capture" if steps[2] in capture else "refund" if steps[2] in ("refund", "reverse") else steps[2]


@dataclass
class Faults:
    rules: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: str, *, kinds: tuple[str, ...] = (), times: int = 1) -> None:
        """`kinds` empty: the next request that moves money. `times` 0: every one."""
        if fault not in AFTERWARDS | BEFORE:
            raise ValueError(fault)
        with self.lock:
            self.rules.append({"fault": fault, "kinds": kinds, "times": times})

    def clear(self) -> None:
        with self.lock:
            self.rules.clear()

    def strike(self, kind: str) -> str:
        """The fault of this request, or ""."""
        with self.lock:
            for rule in self.rules:
                if kind in rule["kinds"] if rule["kinds"] else kind not in (*READS, "vault"):
                    if rule["times"] == 1:
                        self.rules.remove(rule)
                    elif rule["times"]:
                        rule["times"] -= 1
                    return str(rule["fault"])
        return ""


def changed(content: Any, fault: str) -> Any:
    """The answer with something else in it than what was done."""
    if not isinstance(content, dict):
        return content
    if fault == "wrong_amount" and "amount" in content:
        return {**content, "amount": content["amount"] + 1}
    if fault == "wrong_currency" and "currency_iso_code" in content:
        return {**content, "currency_iso_code": "XTS"}
    if fault == "unknown_status" and "status" in content:
        return {**content, "status": "pondering"}
    return content
