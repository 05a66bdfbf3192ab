"""What a fault does to an answer. What was done, and what the key replays, stays true."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from payments.simulator.answers import Answer, Json, Refused
from payments.simulator.faults import Fault
from payments.simulator.options import Options

UNHEARD_OF = "under_review"


def refused_by(fault: Fault) -> Answer:
    """The answer to a request that the fault stops before anything is done."""
    if fault.name == "rate_limited":
        too_many = Refused(
            "rate_limit", "Too many requests.", status=429, type="rate_limit_error", retry_after=fault.retry_after
        )
        return too_many.answer()
    if fault.name == "error_before":
        status = fault.status or 503
        return Refused("api_unavailable", "We are not available.", status=status, type="api_error").answer()
    return Answer(status=0, body=b"", fault=fault.name)


def distorted(fault: Fault, answer: Answer, options: Options) -> Answer:
    """The answer as the fault makes it arrive."""
    if fault.name in ("lost_answer", "truncated_body"):
        return replace(answer, fault=fault.name)
    if fault.name == "late_answer":
        delay = options.late_by_ms if fault.delay_ms is None else fault.delay_ms
        return replace(answer, fault=fault.name, delay_ms=delay)
    if fault.name == "error_after" and answer.status != 500:
        return Answer(status=fault.status or 500, body=b"Bad gateway\n", headers={"Content-Type": "text/plain"})
    changes = {"wrong_amount": one_more, "wrong_currency": other_currency, "unknown_status": unheard_of}
    if fault.name not in changes or not answer.body.startswith(b"{"):
        return answer
    body = answer.json()
    for part in (body, *(each for each in body.get("data", []) if isinstance(each, dict))):
        for name in ("action", "payment"):
            if isinstance(part.get(name), dict):
                changes[fault.name](part[name])
    told = Answer.of(body, answer.status)
    return replace(told, headers={**answer.headers})


def one_more(shown: Json) -> None:
    for name in ("amount", "authorized", "captured"):
        if shown.get(name):
            shown[name] += 1


def other_currency(shown: Json) -> None:
    shown["currency"] = "USD" if shown.get("currency") != "USD" else "EUR"


def unheard_of(shown: dict[str, Any]) -> None:
    shown["status"] = UNHEARD_OF
