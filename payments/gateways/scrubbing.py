"""What may be kept of what a provider says: the parameters that a gateway names, and no card number in any of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

LONGEST_TEXT = 500
SHORTEST_NUMBER = 12  # Digits.
_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){11,18}(?!\d)")


def keep(said: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Only the named values of a provider's answer, to be stored as `params` or `payload`.

    A dot leads into an object: `keep(answer, "status", "card.last4")` is `{"status": …, "card": {"last4": …}}`. What is
    not there is left out; what is neither text, number, truth nor a list of these is left out as well.
    """
    return _kept(said, _tree(names))


@lru_cache(maxsize=256)
def _tree(names: tuple[str, ...]) -> dict[str, Any]:
    """The names as they lie in an answer: {"card": {"last4": {"": {}}}}, where "" says that this was named itself."""
    tree: dict[str, Any] = {}
    for name in names:
        branch = tree
        for step in (*name.split("."), ""):
            branch = branch.setdefault(step, {})
    return tree


def _kept(said: Any, tree: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if not isinstance(said, Mapping):
        return kept
    for name, branch in tree.items():
        value = said.get(name)
        if isinstance(value, (str, int, list)):
            if "" in branch:
                kept[name] = _plain(value)
        elif value is not None and (inside := _kept(value, branch)):
            kept[name] = inside
    return kept


def clean(text: Any) -> str:
    """A provider's words, fit for a row, a log and a page: short, and without anything that may be a card number."""
    said = str(text or "")
    return said if len(said) < SHORTEST_NUMBER else _DIGITS.sub(_masked, said)[:LONGEST_TEXT]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if (written := str(value)) == (shown := clean(written)) else shown
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
