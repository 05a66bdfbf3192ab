"""The whole drill: every verb × outcome, the plug pulled at every moment. DRILL_COUNT limits it, SEED chooses."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.kill_run import SEED, Case, Tally, can_fork, cases, hit, providers
from tests.drills.kill_sqlite import kill_on_sqlite

pytestmark = [pytest.mark.drill, pytest.mark.django_db(transaction=True)]

COUNT = int(os.environ.get("DRILL_COUNT") or 0)
KILLS = 4  # By SIGKILL, for each verb × outcome, spread over its moments.
WEAK = 12  # Moments for each verb × outcome of a provider that gives less evidence.


@pytest.fixture(scope="module")
def tallies(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One line for each test, of all workers; what they come to is printed when a worker is through."""
    folder = tmp_path_factory.getbasetemp()
    file = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "kill-anywhere.jsonl"
    yield file
    total = Tally()
    for line in file.read_text().splitlines() if file.exists() else ():
        total.add(Tally.loads(line))
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{total}", file=sys.stderr if "PYTEST_XDIST_WORKER" in os.environ else None)


def report(tally: Tally, file: Path) -> None:
    with file.open("a") as lines:
        lines.write(tally.dumps() + "\n")
    assert not tally.differences, "\n".join(tally.differences[:50])


def plan() -> list[tuple[Case, int | None, int]]:
    """The cases, how many of their moments are cut (None: all), and at how many it is killed."""
    if not COUNT:
        weak = [*cases("keys"), *cases("blind")]
        return [*((case, None, KILLS) for case in cases()), *((case, WEAK, 0) for case in weak)]
    draw = random.Random(SEED)
    deck = draw.sample(cases(), len(cases()))
    drawn = Counter((deck[number % len(deck)], draw.random() < 0.25) for number in range(COUNT))
    return [(case, drawn[case, False], drawn[case, True]) for case in deck[:COUNT]]


@pytest.mark.parametrize(("case", "quota", "kills"), plan(), ids=str)
def test_kill_anywhere(tmp_path: Path, tallies: Path, case: Case, quota: int | None, kills: int) -> None:
    with providers():
        tally = hit(case, tmp_path, quota, kills if can_fork() else 0, random.Random(f"{SEED} {case}"))
    report(tally, tallies)


PARTS = 1 if COUNT else 4


@pytest.mark.parametrize("part", range(PARTS))
def test_kill_on_sqlite(tmp_path: Path, tallies: Path, part: int) -> None:
    every = range(len(cases()))
    chosen = random.Random(SEED).sample(every, min(COUNT // 4 or len(every), len(every)))
    report(kill_on_sqlite(tmp_path, chosen[part::PARTS]), tallies)
