"""Where we part from Solidus, by name: which rows a decision concerns, and what is expected of them instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance.tables import Row

Expectation = dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """A sentence of the design that lets us differ from Solidus. `where` is its section."""

    name: str
    where: str
    says: str


@dataclass(frozen=True)
class Rule:
    """What a decision changes in the rows of one table. Those rows are run and checked all the same."""

    decision: Decision
    applies: Callable[[Row], bool]
    expected: Callable[[Row, Expectation], Expectation]


@dataclass(frozen=True)
class NotApplicable:
    """Rows that cannot be run here, and why."""

    reason: str
    applies: Callable[[Row], bool]
