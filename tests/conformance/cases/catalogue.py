"""Which test stands for which case of Solidus, and what was decided about it."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tests.conformance.rule import Decision

FOLDER = Path(__file__).parent
AREAS = {
    "A": "The states of a payment",
    "B": "Making a payment: validation, amount",
    "C": "Older payments become invalid",
    "D": "What follows a saved payment",
    "E": "process()",
    "F": "authorize()",
    "G": "purchase()",
    "H": "capture()",
    "I": "void_transaction()",
    "J": "cancel()",
    "K": "Amounts, risk, actions",
    "L": "gateway_options",
    "M": "The order: payment_state, payment_total, balance",
    "N": "The order: processing payments at completion",
    "P": "The order: cancellation",
    "Q": "Refunds",
    "S": "Cards, the wallet, making a payment from a form",
    "T": "Payment methods",
    "Y": "The storefront",
}
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Case:
    """One behaviour of Solidus, and what holds here: as there, otherwise for a decision, or not applicable."""

    area: str
    number: int
    text: str
    decision: Decision | None = None
    reason: str = ""  # Why it cannot be tested here.

    @property
    def outcome(self) -> str:
        if self.reason:
            return "not applicable"
        return "decided otherwise" if self.decision else "kept"


def case(area: str, number: int, decision: Decision | None = None) -> Callable[[Test], Test]:
    """Mark a test as a case, kept as it was unless a `decision` says otherwise. Its docstring is the case's text."""

    def mark(test: Test) -> Test:
        name = f"test_{area.lower()}_{number:03}_"
        assert test.__name__.startswith(name), f"{test.__name__} is to be named {name}..."
        assert test.__doc__, f"{test.__name__} has no docstring"
        vars(test)["case"] = Case(area, number, " ".join(test.__doc__.split()), decision)
        return test

    return mark


def modules() -> list[Any]:
    names = sorted(path.stem for path in FOLDER.glob("test_[a-z]_*.py"))
    return [importlib.import_module(f"{__package__}.{name}") for name in names]


def every_case() -> list[Case]:
    """All cases of all areas, in their order."""
    found = [vars(test)["case"] for module in modules() for _, test in inspect.getmembers(module) if _is_case(test)]
    for module in modules():
        found += [
            Case(module.AREA, number, text, reason=reason) for number, (text, reason) in module.NOT_APPLICABLE.items()
        ]
    return sorted(found, key=lambda each: (each.area, each.number))


def _is_case(test: Any) -> bool:
    return inspect.isfunction(test) and "case" in vars(test)


def numbers() -> dict[tuple[str, int], str]:
    """The numbers of all cases, each with its tags: S pinned by a spec, C follows from code, Q to be decided."""
    listed = json.loads((FOLDER / "numbers.json").read_text(encoding="utf-8"))
    return {(area, int(number)): tags for area, cases in listed.items() for number, tags in cases.items()}
