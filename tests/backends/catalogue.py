"""Which test stands for which case of Joanie, and where we do otherwise. S: pinned there; +: what it lacked."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

FOLDER = Path(__file__).parent
AREAS = {
    "Base contract": {1: "S", 3: "S", 4: "S", 5: "S", 6: "S", 10: "S", 11: "+"},
    "Choosing a backend": {13: "S", 14: "S", 15: "S", 16: "+"},
    "Success hook": {18: "S", 19: "S", 20: "S", 21: "S", 24: "S", 28: "+", 29: "+", 30: "+"},
    "Failure hook": {31: "S", 38: "+"},
    "Refund hook": {39: "S", 40: "S", 41: "S", 44: "+", 45: "+", 46: "+"},
    "Dummy provider": {
        48: "S",
        49: "S",
        50: "S",
        51: "+",
        53: "+",
        54: "S",
        55: "S",
        56: "S",
        58: "S",
        59: "S",
        60: "S",
        61: "S",
        63: "S",
        64: "S",
        65: "+",
        66: "S",
        68: "+",
        73: "+",
    },
    "PayPlug": {
        74: "S",
        75: "S",
        76: "S",
        78: "S",
        79: "+",
        80: "S",
        81: "S",
        83: "S",
        84: "S",
        85: "S",
        86: "S",
        88: "S",
        89: "S",
        90: "+",
        91: "S",
        93: "+",
        94: "S",
        95: "+",
        96: "+",
    },
    "Webhook endpoint": {
        129: "S",
        130: "S",
        131: "S",
        133: "S",
        134: "+",
        135: "+",
        136: "+",
        138: "+",
        139: "+",
    },
    "Cards": {
        140: "S",
        143: "S",
        144: "S",
        145: "S",
        146: "S",
        148: "S",
        149: "S",
        150: "S",
        155: "+",
        156: "S",
        158: "+",
    },
    "Invoice and transaction": {
        159: "S",
        160: "S",
        161: "S",
        163: "S",
        164: "S",
        165: "S",
        166: "S",
        168: "S",
        169: "S",
        170: "S",
        171: "S",
        173: "S",
        174: "+",
    },
    "Delivery guarantees": {
        189: "+",
        190: "+",
        191: "+",
        193: "+",
        194: "+",
        195: "+",
        196: "+",
        198: "+",
        199: "+",
        200: "+",
        201: "+",
    },
}
NUMBERS = {number: tag for area in AREAS.values() for number, tag in area.items()}

# What is no business of a backend here, and why.
NOT_APPLICABLE = {
    144: "There is no card API: a card comes from its provider, also where an account adds one.",
    145: "A card's face is the provider's, and nobody edits it: see 148 for what its owner may change.",
    146: "There is no card API that a list could be sent to.",
    149: "There is no such act: a default is given up by choosing another, or none.",
    156: "There are no API tokens: the account pages are for who is signed in.",
}
# Proved by a test that was there before.
ELSEWHERE = {
    11: "tests/payments/test_hosted.py::test_the_addresses_come_from_the_public_origin_and_never_from_a_header",
    139: "tests/races/test_inbox.py::test_sixteen_deliveries_at_once_are_one",
    189: "tests/races/test_inbox.py::test_sixteen_deliveries_at_once_are_one",
    190: "tests/races/test_inbox.py::test_notice_return_and_clock_at_once_are_one",
    191: "tests/laws/test_any_order.py::test_a_life_ends_the_same_however_it_is_told",
    194: "tests/payments/test_inbox.py::test_a_notice_that_is_quicker_than_the_answer_is_the_same_deed",
    195: "tests/payments/test_inbox.py::test_an_event_of_an_unknown_payment_is_parked_tried_again_and_left_to_staff",
    199: "tests/races/test_inbox.py::test_sixteen_refunds_made_elsewhere_are_one",
    200: "tests/payments/test_inbox.py::test_replaying_any_event_or_the_whole_inbox_changes_nothing",
    201: "tests/payments/test_reactions.py::test_a_broken_receiver_keeps_the_money",
}
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True)
class Case:
    number: int
    text: str
    ours: str = ""  # What we do instead, where that is so.


def case(number: int, *, ours: str = "") -> Callable[[Test], Test]:
    """Mark a test as a case. Its docstring says what holds; `ours`, why that is not what Joanie did."""

    def mark(test: Test) -> Test:
        assert test.__name__.startswith(f"test_{number:03}_"), f"{test.__name__} is to begin with test_{number:03}_"
        assert test.__doc__, f"{test.__name__} has no docstring"
        vars(test)["case"] = Case(number, " ".join(test.__doc__.split()), ours)
        return test

    return mark


def every_case() -> list[Case]:
    names = sorted(path.stem for path in FOLDER.glob("test_*.py"))
    modules = [importlib.import_module(f"{__package__}.{name}") for name in names]
    tests = [test for module in modules for _, test in inspect.getmembers(module, inspect.isfunction)]
    return sorted((vars(test)["case"] for test in tests if "case" in vars(test)), key=lambda each: each.number)
