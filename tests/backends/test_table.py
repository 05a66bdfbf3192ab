"""Every case of Joanie is accounted for, once, and the page says where we do otherwise."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.backends.catalogue import ELSEWHERE, NOT_APPLICABLE, NUMBERS, every_case

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.once


def test_every_number_appears_once():
    found = Counter([*(each.number for each in every_case()), *ELSEWHERE, *NOT_APPLICABLE])
    assert sorted(set(NUMBERS) ^ set(found)) == []
    assert [number for number, times in found.items() if times > 1] == []


@pytest.mark.parametrize(("number", "test"), ELSEWHERE.items())
def test_what_is_proved_elsewhere_is_there(number, test):
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_page_says_where_we_do_otherwise():
    page = (ROOT / "docs" / "reference" / "backends.md").read_text("utf-8")
    otherwise = {each.number: each.ours for each in every_case() if each.ours} | NOT_APPLICABLE
    assert [number for number, why in otherwise.items() if f"| {number} | {why} |" not in page] == []
