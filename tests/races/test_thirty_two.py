"""The long proof: two and thirty-two processes on one payment, every pair of verbs; then with no gate, many times."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.races.checker import differences, laws_only
from tests.races.pairs import ACTS, ASKERS, BOTH_ASK, PAIRS, Race, named

pytestmark = [pytest.mark.postgres, pytest.mark.drill]
HALF = 16
TALLY: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _counts(pytestconfig: pytest.Config) -> Iterator[None]:
    """One line for each proof, when all are done."""
    yield
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print()
        for proof in dict.fromkeys(key.partition("|")[0] for key in TALLY):
            print(f"Races: {TALLY[proof]} {proof}, {TALLY[f'{proof}|wrong']} differences.")


def chosen(found: list[Race], start: str, *, default: int) -> list[Race]:
    """Those of this start, out of as many as DRILL_COUNT says, spread over the list."""
    count = min(int(os.environ.get("DRILL_COUNT", str(default))), len(found))
    spread = [found[index * len(found) // count] for index in range(count)]
    return [race for race in spread if race[0] == start]


def tell(proof: str, run: list[Race], wrong: Any) -> None:
    TALLY[proof] += len(run)
    TALLY[f"{proof}|wrong"] += len(wrong)


@pytest.mark.parametrize(("vendor", "fixture"), [("PostgreSQL", "arena"), ("SQLite", "sqlite_arena")])
@pytest.mark.parametrize("start", ACTS)
def test_every_two_at_once(start: str, vendor: str, fixture: str, request: pytest.FixtureRequest):
    wrong, run = {}, chosen(PAIRS, start, default=len(PAIRS))
    arena = request.getfixturevalue(fixture)
    for race in run:
        if found := differences(arena.race(start, [*race[1]]), [*race[1]], partial(arena.one_by_one, start)):
            wrong[named(race)] = found
    tell(f"pairs × 2 processes on {vendor}", run, wrong)
    assert wrong == {}


@pytest.mark.parametrize("start", ACTS)
def test_thirty_two_at_once(start: str, arena: Any):
    wrong, run = {}, chosen(PAIRS, start, default=len(PAIRS))
    for race in run:
        acts = [*race[1]] * HALF
        if found := differences(arena.race(start, acts), acts, partial(arena.one_by_one, start)):
            wrong[named(race)] = found
    tell(f"pairs × {2 * HALF} processes", run, wrong)
    assert wrong == {}


@pytest.mark.parametrize("start", ACTS)
def test_thirty_two_without_a_gate(start: str, arena: Any):
    """Late and early as it comes: any of them may be the one who acts, and another after that."""
    wrong, run = {}, chosen(PAIRS, start, default=len(PAIRS))
    for race in run:
        if found := laws_only(arena.race(start, [*race[1]] * HALF, mode="free")):
            wrong[named(race)] = found
    tell(f"pairs × {2 * HALF} processes without a gate", run, wrong)
    assert wrong == {}


@pytest.mark.parametrize("start", ACTS)
def test_two_at_once_without_a_gate(start: str, arena: Any):
    """Again and again, with a provider that answers sooner or later: every order of events comes up."""
    wrong, run = {}, [race for race in chosen(PAIRS, start, default=len(PAIRS)) for _ in range(6)]
    for number, race in enumerate(run):
        seen = arena.race(start, [*race[1]], mode="free", pause=(0.0, 0.003, 0.02)[number % 3])
        if found := differences(seen, [*race[1]], partial(arena.one_by_one, start)):
            wrong[named(race)] = found
    tell("× 2 processes without a gate", run, wrong)
    assert wrong == {}


@pytest.mark.parametrize("start", ASKERS)
def test_thirty_two_without_guards_are_reported(start: str, bare_arena: Any):
    missed, run = [], chosen(BOTH_ASK, start, default=len(BOTH_ASK))
    for race in run:
        acts = [*race[1]] * HALF
        seen = bare_arena.race(start, acts, unguarded=True)
        if not differences(seen, acts, partial(bare_arena.one_by_one, start)):
            missed.append(named(race))
    tell(f"twins × {2 * HALF} processes with the guards taken out, all reported but for these", run, missed)
    assert missed == []
