"""What goes in and what comes out: a request, an answer, and a refusal, whatever carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of the API. `headers` have lower-case names; `body` is the raw JSON text."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def idempotency_key(self) -> str:
        return self.headers.get("idempotency-key", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is sent back. `fault` names what the transport must do to it; "" is nothing.

    `lost_request` and `lost_answer`: close the connection without a byte. `late_answer`: wait `delay_ms` first.
    `truncated_body`: announce the whole length, send half, close.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    delay_ms: int = 0

    @classmethod
    def of(cls, body: Json, status: int = 200, **headers: str) -> Answer:
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        return cls(status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json", **named})

    def json(self) -> Json:
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise TypeError("an answer is an object")
        return value


class Refused(Exception):
    """The request is not done, and why. `kept`: the refusal is remembered under the idempotency key.

    Remembered is what was judged against the books; a malformed request, a missing object or too many requests are not.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str = "",
        kept: bool = False,
        retry_after: int = 0,
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.type, self.param = code, status, type, param
        self.kept, self.retry_after = kept, retry_after

    def answer(self) -> Answer:
        error = {"type": self.type, "code": self.code, "message": str(self)}
        if self.param:
            error["param"] = self.param
        headers = {"retry_after": str(self.retry_after)} if self.retry_after else {}
        return Answer.of({"error": error}, self.status, **headers)


def missing(what: str, id: str) -> Refused:
    return Refused("resource_missing", f"No such {what}: '{id}'.", status=404)


def out_of_turn(message: str, code: str = "payment_unexpected_state") -> Refused:
    """What the books do not allow now."""
    return Refused(code, message, kept=True)
