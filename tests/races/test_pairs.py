"""Two processes at once, every pair of verbs: the provider is asked by one, the other is told, the sums are exact."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.races.checker import differences
from tests.races.pairs import CROWDS, LIVING, PAIRS, every_day, named

DAILY = every_day(PAIRS)


@pytest.mark.parametrize(("start", "pair"), DAILY, ids=map(named, DAILY))
def test_two_at_once(start: str, pair: tuple[str, str], arena: Any):
    seen = arena.race(start, list(pair))

    assert differences(seen, list(pair), partial(arena.one_by_one, start)) == []


@pytest.mark.parametrize("crowd", CROWDS)
def test_facts_from_eight_at_once(crowd: str, arena: Any):
    start, acts = CROWDS[crowd]
    seen = arena.race(start, acts)

    assert differences(seen, acts, partial(arena.one_by_one, start)) == []


def test_a_recovery_beside_a_living_asker(arena: Any):
    start, acts = LIVING
    seen = arena.race(start, acts)

    assert differences(seen, acts, partial(arena.one_by_one, start)) == []
    kinds = [kind for kind, _ in seen["outcomes"]]
    assert sorted(kinds) == ["NoneType", "PaymentBusy", "Response"]
    assert kinds[1] == "NoneType"


def test_a_void_that_looked_before_somebody_asked(arena: Any):
    """It saw nothing to let go of; by the time it acts, somebody asks for a hold, or has it already."""
    acts = ["authorize", "void beside an asker"]
    seen = arena.race("checkout", acts)
    assert differences(seen, acts, partial(arena.one_by_one, "checkout")) == []
    assert [kind for kind, _ in seen["outcomes"]] in (["Response", "PaymentBusy"], ["TransitionNotAllowed", "NoneType"])

    acts = ["authorize", "void after an asker"]
    seen = arena.race("checkout", acts)
    assert differences(seen, acts, partial(arena.one_by_one, "checkout")) == []
