"""Log lines that say whom they are about and nothing that is secret: as JSON for machines, as text for people."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar, cast

from django.conf import settings

Verb = TypeVar("Verb", bound=Callable[..., Any])
logger = logging.getLogger(__name__)

_ABOUT: ContextVar[Mapping[str, Any]] = ContextVar("about", default=MappingProxyType({}))
KEPT_AS = "everycent.request_id"  # In a request's META.
NAMES = ("request", "order", "payment", "operation")


@contextmanager
def about(**ids: Any) -> Iterator[None]:
    """Meanwhile every line of this thread names these: `request`, `order`, `payment`, `operation` (its sequence)."""
    before = _ABOUT.set({**_ABOUT.get(), **{name: value for name, value in ids.items() if value}})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def traced(verb: Verb) -> Verb:
    """For what a payment does: its lines name the payment, and of order and operation what is known without asking."""

    @wraps(verb)
    def within(payment: Any, *args: Any, **kwargs: Any) -> Any:
        operation = next((each for each in args if hasattr(each, "sequence")), None)
        held = next((each.payment for each in args if hasattr(each, "ledger")), payment)
        order = held._state.fields_cache.get("order")
        ids = {"order": getattr(order, "number", ""), "operation": getattr(operation, "sequence", 0)}
        with about(payment=payment.__dict__.get("number", ""), **ids):
            result = verb(payment, *args, **kwargs)
            if hasattr(result, "sequence"):
                with about(operation=result.sequence):
                    logger.info("%s is %s", result.kind, result.state)
            return result

    return cast("Verb", within)


# What no line may say

SECRETS = (
    (re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-])"), "[number]"),
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    (re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]*@"), "[login]@"),
    (re.compile(r"\b(?:Bearer|Basic)\s+[\w.+/=~-]+", re.IGNORECASE), "[credentials]"),
    (re.compile(r"\b(?:sk|rk|pk|whsec|pm|tok|src|seti|card|cus)_\w+|\bBGS-\w+"), "[token]"),
    (
        re.compile(
            r"(?i)\b(password|secret|token|api_?key|cvv|cvc|verification_value)(['\"]?\s*[=:]\s*)['\"]?[^\s'\",;&}]+"
        ),
        r"\1\2[secret]",
    ),
)


def scrubbed(text: str) -> str:
    """Nobody should log a card number, an e-mail address, a token or a secret; where somebody did, it goes here."""
    kept: Mapping[str, str] = getattr(settings, "PAYMENT_SECRETS", {})
    for secret in (*kept.values(), settings.SECRET_KEY):
        if secret:
            text = text.replace(secret, "[secret]")
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "says": scrubbed(record.getMessage()),
        }
        line |= _ids(record)
        if record.exc_info:
            line["error"] = scrubbed(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people: when, how grave, what, and about whom."""

    def format(self, record: logging.LogRecord) -> str:
        ids = " ".join(f"{name}={value}" for name, value in _ids(record).items())
        moment = datetime.fromtimestamp(record.created, UTC).astimezone()
        line = f"{moment:%H:%M:%S} {record.levelname} {record.name}: {scrubbed(record.getMessage())}"
        line += f" [{ids}]" if ids else ""
        return f"{line}\n{scrubbed(self.formatException(record.exc_info))}" if record.exc_info else line


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    """Django speaks of a request when its middleware is done, and hands the request along."""
    late = getattr(getattr(record, "request", None), "META", {}).get(KEPT_AS)
    ids = {"request": late, **_ABOUT.get()}
    return {
        name: value if isinstance(value := ids[name], int) else scrubbed(str(value)) for name in NAMES if ids.get(name)
    }
