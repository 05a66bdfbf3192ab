"""What may be kept of what a provider says: the parameters that a gateway names, and no card number in any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 500
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")


def keep(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Only the named values of a provider's answer, to be stored as `params` or `payload`.

    A dot leads into an object: `keep(answer, "status", "card.last4")` is `{"status": …, "card": {"last4": …}}`. What is
    not there is left out; what is neither text, number, truth nor a list of these is left out as well.
    """
    kept: dict[str, Any] = {}
    for name in names:
        *path, last = name.split(".")
        source: Any = said
        for step in path:
            source = source.get(step) if isinstance(source, Mapping) else None
        value = source.get(last) if isinstance(source, Mapping) else None
        if (plain := _plain(value)) is not None:
            target = kept
            for step in path:
                target = target.setdefault(step, {})
            target[last] = plain
    return kept


def clean(text: Any) -> str:
    """A provider's words, fit for a row, a log and a page: short, and without anything that may be a card number."""
    return _DIGITS.sub(_masked, str(text or ""))[:LONGEST_TEXT]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (bool, int)):
        return value if isinstance(value, bool) or clean(str(value)) == str(value) else clean(str(value))
    if isinstance(value, list):
        return [plain for each in value if (plain := _plain(each)) is not None]
    return None


def _masked(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return f"•••• {digits[-4:]}" if _has_check_digit(digits) else found[0]


def _has_check_digit(digits: str) -> bool:
    """Luhn's rule: true of every card number, and of one in ten others."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
