"""How Stripe says no: a status, a type, a code, and what they are about."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """`executed`: whether Stripe had begun to do it, so that its answer is kept under the idempotency key."""

    def __init__(self, status: int, error: dict[str, Any], *, executed: bool = False) -> None:
        super().__init__(error.get("message"))
        self.status, self.error, self.executed = status, error, executed

    def body(self) -> dict[str, Any]:
        return {"error": self.error}


def invalid(message: str, *, code: str = "", param: str = "", status: int = 400) -> Refusal:
    said = {"type": "invalid_request_error", "message": message, "code": code, "param": param}
    return Refusal(status, {name: value for name, value in said.items() if value})


def missing(what: str, name: str, *, param: str = "intent") -> Refusal:
    return invalid(f"No such {what}: '{name}'", code="resource_missing", param=param, status=404)


def impossible(message: str, *, code: str = "", **more: Any) -> Refusal:
    """Refused for the state of what is there."""
    error = {"type": "invalid_request_error", "message": message, "code": code, **more}
    return Refusal(400, {name: value for name, value in error.items() if value}, executed=True)


def declined(message: str, *, code: str, decline_code: str = "", **more: Any) -> Refusal:
    error = {"type": "card_error", "message": message, "code": code, "decline_code": decline_code, **more}
    return Refusal(402, {name: value for name, value in error.items() if value != ""}, executed=True)
