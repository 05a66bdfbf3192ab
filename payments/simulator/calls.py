"""One call as a handler sees it: which objects its path names, its fields, and its key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from payments.simulator.answers import Refused
from payments.simulator.clock import milliseconds
from payments.simulator.fields import Fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`ids` are the parts of the path that name something; `query` belongs to GET, `fields` to POST."""

    ids: tuple[str, ...]
    fields: Fields
    query: Mapping[str, str]
    key: str

    def limit(self) -> int:
        return max(1, min(1000, self.number("limit", 100)))

    def number(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        if text and not text.isdecimal():
            raise Refused("parameter_invalid", f"{name} is to be a whole number.", param=name)
        return int(text) if text else default

    def moment(self, name: str) -> int | None:
        """A time of the query, in milliseconds."""
        text = self.query.get(name, "")
        try:
            return milliseconds(text) if text else None
        except ValueError:
            raise Refused("parameter_invalid", f"{name} is to be an ISO 8601 time.", param=name) from None
