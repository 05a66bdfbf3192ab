"""The twins: the same races with the guards taken out. Each must be reported, or the checker proves nothing."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.races.checker import Seen, differences
from tests.races.pairs import BOTH_ASK, CROWDS, LIVING, every_day, named

DAILY = every_day(BOTH_ASK)
ONE_PAYMENT = [race for race in BOTH_ASK if race[0] not in ("two", "unpaid")][::3]


def reported(seen: Seen, acts: list[str], arena: Any, start: str) -> list[str]:
    return differences(seen, acts, partial(arena.one_by_one, start))


@pytest.mark.parametrize(("start", "pair"), DAILY, ids=map(named, DAILY))
def test_without_guards_both_get_through(start: str, pair: tuple[str, str], bare_arena: Any):
    seen = bare_arena.race(start, list(pair), unguarded=True)

    assert reported(seen, list(pair), bare_arena, start) != []


@pytest.mark.parametrize("crowd", CROWDS)
def test_without_guards_a_fact_is_taken_in_twice_or_lost(crowd: str, bare_arena: Any):
    start, acts = CROWDS[crowd]
    seen = bare_arena.race(start, acts, unguarded=True)

    assert reported(seen, acts, bare_arena, start) != []


def test_a_hasty_recovery_lets_a_second_asker_in(arena: Any):
    """Here the guard is the asker's longest call, and the window in which a deed may not be visible yet."""
    start, acts = LIVING
    seen = arena.race(f"{start}@hasty", acts)

    assert reported(seen, acts, arena, start) != []


@pytest.mark.postgres
@pytest.mark.parametrize(("start", "pair"), ONE_PAYMENT, ids=map(named, ONE_PAYMENT))
def test_without_the_lock_the_database_still_lets_one_ask_only(start: str, pair: tuple[str, str], arena: Any):
    """The second guard: the constraints. Whoever comes second gets an error that is none of ours."""
    seen = arena.race(start, list(pair), unguarded=True)

    kinds = [kind for kind, _ in seen["outcomes"]]
    assert len({line["key"] for line in seen["lines"]}) == 1
    assert "IntegrityError" in kinds
    assert reported(seen, list(pair), arena, start) != []
