"""A seeded sample of the drill, small enough for every day: every verb, every outcome, a moment each."""

from __future__ import annotations

import random

import pytest
from django.db import connection

from tests.drills.kill_run import SEED, Tally, cases, covering, hit, providers
from tests.drills.kill_sqlite import kill_on_sqlite
from tests.drills.kill_verbs import VERBS

pytestmark = pytest.mark.django_db(transaction=True)


LESS_EVIDENCE = [pytest.param(*each, marks=pytest.mark.drill) for each in (("keys", 12), ("blind", 8))]


@pytest.mark.once
@pytest.mark.parametrize(("gateway", "count"), [("books", len(VERBS)), *LESS_EVIDENCE])
def test_the_plug_is_pulled_somewhere(tmp_path, gateway, count):
    draw, tally = random.Random(SEED), Tally()
    with providers():
        for case in covering(draw, gateway, count):
            tally.add(hit(case, tmp_path, quota=1, kills=0, draw=draw))
    print(tally)
    assert not tally.differences, "\n".join(tally.differences)


@pytest.mark.drill
@pytest.mark.postgres
def test_a_process_is_killed_somewhere(tmp_path):
    draw, tally = random.Random(SEED), Tally()
    with providers():
        for case in draw.sample(cases(), 8):
            tally.add(hit(case, tmp_path, quota=0, kills=1, draw=draw))
    print(tally)
    assert not tally.differences, "\n".join(tally.differences)


@pytest.mark.drill
def test_a_process_is_killed_somewhere_on_sqlite(tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("run beside the other tests on SQLite")
    tally = kill_on_sqlite(tmp_path, random.Random(SEED).sample(range(len(cases())), 6))
    print(tally)
    assert not tally.differences, "\n".join(tally.differences)
    assert tally.kills == 6
