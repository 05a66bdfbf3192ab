"""docs/reference/simulator.md says what is so."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from payments.simulator import cards, later, listing
from payments.simulator.administration import DEEDS
from payments.simulator.commandline import add_arguments
from payments.simulator.faults import EVENT_FAULTS, REQUEST_FAULTS
from payments.simulator.routes import ROUTES

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "simulator.md").read_text("utf-8")
CODE = re.findall(r"`([^`\n]+)`", TEXT)
WORDS = {word.strip(",") for code in CODE for word in code.split()}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_request_is_described(route):
    assert f"{route.method} {route.path.replace('*', 'ID')}" in CODE
    assert {"authorize", "purchase"} <= WORDS if route.kind == "pay" else route.kind in WORDS


@pytest.mark.parametrize("card", cards.OUTCOMES, ids=lambda card: card.name)
def test_every_card_is_listed(card):
    assert (
        f"| `{card.number}` | `{card.token}` | {card.test_amount or ''} | {card.says} |".replace("|  |", "| |") in TEXT
    )


def test_every_option_fault_deed_and_record_is_named():
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    options = {option for action in parser._actions for option in action.option_strings}
    assert options - WORDS == set()
    assert {*REQUEST_FAULTS, *EVENT_FAULTS, *later.DEEDS, *listing.RECORD_KINDS.values()} - WORDS == set()
    assert {f"{method} {path}" for method, path in DEEDS} - set(CODE) == set()


def test_every_field_of_an_answer_is_named(book):
    answer = book.pay().json()
    assert ({*answer["action"], *answer["payment"]} - {"object"}) - WORDS == set()


def test_the_example_runs():
    [example] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(example, "simulator.md", "exec"), {})
