"""One visit of a page: what its path names, its query, and the form that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    ids: tuple[str, ...]
    query: Mapping[str, str]
    form: Mapping[str, str]

    def number(self, name: str) -> int | None:
        """A whole number of the query, or None."""
        value = self.query.get(name, "")
        return int(value) if value.isdecimal() else None
