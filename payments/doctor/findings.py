"""What the doctor looks for and finds: a check is a question about all rows, a finding one row that fails it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from django.db import connection

from payments.money import shown

Item = TypeVar("Item")
PAGE = 1000  # Rows in memory at once.


class Severity(StrEnum):
    LOOK = "look"  # Somebody, or the clock, has something left to do; the books are right.
    MONEY = "money"  # A figure is not what its rows come to, or the books differ from the provider's.


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One row that fails a check, and how its figures differ."""

    says: str
    order: str = ""
    payment: str = ""
    operation: int | None = None  # Its sequence.
    reference: str = ""  # At the provider.


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    check: str
    severity: Severity
    order: str
    payment: str
    operation: int | None
    reference: str
    says: str
    remedy: str

    def facts(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def where(self) -> str:
        """The rows it names, for people."""
        sequence = f"#{self.operation}" if self.operation is not None else ""
        return " ".join(part for part in (self.order, self.payment, sequence, self.reference) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`look` asks the whole database with a number of statements that does not grow with the healthy rows."""

    name: str
    severity: Severity
    law: str  # What holds of every row, as a sentence.
    remedy: str
    look: Callable[[], Iterator[Seen]]

    def run(self) -> Iterator[Finding]:
        for seen in self.look():
            yield self.found(seen)

    def found(self, seen: Seen) -> Finding:
        return Finding(
            check=self.name,
            severity=self.severity,
            order=seen.order,
            payment=seen.payment,
            operation=seen.operation,
            reference=seen.reference,
            says=seen.says,
            remedy=self.remedy,
        )


def stream(sql: str, *moments: datetime) -> Iterator[tuple[Any, ...]]:
    """The rows of one statement, a page in memory at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, [connection.ops.adapt_datetimefield_value(moment) for moment in moments] or None)
        while page := cursor.fetchmany(PAGE):
            yield from page


def pages(rows: Iterator[Item], size: int) -> Iterator[list[Item]]:
    while page := list(islice(rows, size)):
        yield page


def written(amount: Any, currency: Any) -> str:
    """An amount as SQL has it, with its currency: 12.30 EUR."""
    return f"{shown(Decimal(str(amount or 0)), str(currency))} {currency}"
