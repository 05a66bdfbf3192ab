"""What can befall a request: rules by kind of request and number of times, each used up as it strikes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

# What is done, and then lost; everything else strikes before anything is done.
AFTERWARDS = {"lost_answer", "late_answer", "truncated_body", "error_after", "wrong_amount", "wrong_currency"}
AFTERWARDS |= {"unknown_status", "garbage"}
BEFORE = {"lost_request", "error_before", "rate_limited"}


def kind_of(method: str, steps: list[str]) -> str:
    """The kind that a request is, as rules name it."""
    match method, steps:
        case "GET", ["v1", "payments"] | ["v1", "payments", _, "refunds"]:
            return "list"
        case "GET", ["v1", *_]:
            return "fetch"
        case "DELETE", ["v1", *_]:
            return "card"
        case _, ["v1", *_]:
            return "deed"
    return "page"


@dataclass
class Faults:
    rules: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: str, *, kinds: tuple[str, ...] = ("deed",), times: int = 1) -> None:
        """`times` 0: every one."""
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
                if kind in rule["kinds"]:
                    if rule["times"] == 1:
                        self.rules.remove(rule)
                    elif rule["times"]:
                        rule["times"] -= 1
                    return str(rule["fault"])
        return ""


def changed(content: dict[str, Any], fault: str) -> dict[str, Any]:
    """The answer with something else in it than what was done."""
    if fault == "wrong_amount":
        hold = content.get("authorization")
        wrong = {"authorization": {**hold, "authorized_amount": hold["authorized_amount"] + 1}} if hold else {}
        return {**content, "amount": content["amount"] + 1, **wrong}
    if fault == "wrong_currency":
        return {**content, "currency": "XTS"}
    if fault == "unknown_status":
        return {**content, "is_paid": "perhaps", "object": "riddle"}
    return content
