"""One JSON body, read field by field. What is unknown, missing or of the wrong kind is refused by its name."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from payments.simulator.answers import Json, Refused
from payments.simulator.money import EXPONENTS

LARGEST_AMOUNT = 10**15


def wrong(name: str, message: str, code: str = "parameter_invalid") -> Refused:
    return Refused(code, message, param=name)


class Fields:
    """The fields of one body. Each is read once; `done()` refuses whatever nobody asked for."""

    def __init__(self, values: Json) -> None:
        self.values = values
        self.read: set[str] = set()

    @classmethod
    def parse(cls, body: bytes) -> Fields:
        try:
            values = json.loads(body or b"{}")
        except (ValueError, RecursionError):
            raise Refused("body_invalid", "The body is not JSON.") from None
        if not isinstance(values, dict):
            raise Refused("body_invalid", "The body is to be a JSON object.")
        return cls(values)

    def done(self) -> None:
        for name in self.values:
            if name not in self.read:
                raise wrong(name, f"Unknown parameter: {name}.", "parameter_unknown")

    def _take(self, name: str, kind: type, word: str) -> Any:
        self.read.add(name)
        value = self.values.get(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise wrong(name, f"{name} is to be {word}.")
        return value

    def text(self, name: str, *, required: bool = False, longest: int = 500) -> str:
        value = self._take(name, str, "a string") or ""
        if required and not value:
            raise wrong(name, f"{name} is missing.", "parameter_missing")
        if len(value) > longest or any("\ud800" <= letter <= "\udfff" for letter in value):  # Half a letter is none.
            raise wrong(name, f"{name} is to be at most {longest} characters.")
        return str(value)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._take(name, bool, "true or false")
        return default if value is None else bool(value)

    def number(self, name: str, *, least: int = 1, most: int = LARGEST_AMOUNT) -> int | None:
        value = self._take(name, int, "a whole number")
        if value is not None and not least <= value <= most:
            raise wrong(name, f"{name} is to be between {least} and {most}.")
        return value if value is None else int(value)

    def amount(self) -> int:
        value = self.number("amount")
        if value is None:
            raise wrong("amount", "amount is missing: a whole number of minor units.", "parameter_missing")
        return value

    def currency(self) -> str:
        value = self.text("currency", required=True).upper()
        if value not in EXPONENTS:
            raise wrong("currency", f"'{value}' is no currency of ISO 4217.", "currency_unknown")
        return value

    def address(self, name: str) -> str:
        """An http(s) URL, or ""."""
        value = self.text(name, longest=2_000)
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise wrong(name, f"{name} is to be an http or https address.", "url_invalid")
        return value

    def object(self, name: str) -> Json:
        return dict(self._take(name, dict, "an object") or {})

    def objects(self, name: str) -> list[Json]:
        values = self._take(name, list, "a list of objects") or []
        if not all(isinstance(each, dict) for each in values):
            raise wrong(name, f"{name} is to be a list of objects.")
        return list(values)
