"""The shop under fire, on the database that the tests are configured for: every cent is explained afterwards.

DRILL_COUNT says how many schedules, SEED what is drawn. The moments of the kills are wall-clock moments: a seed
gives the same lives and the same rates of faults, not the same microsecond.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEDULES = int(os.environ.get("DRILL_COUNT") or 100)
SEED = int(os.environ.get("SEED") or 1)
NOTICES = {
    "duplicate": "twice",
    "reordered": "reordered",
    "early": "early",
    "missing": "missing",
    "bad_signature": "badly signed",
}


@pytest.mark.drill
def test_a_shop_under_fire_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = [sys.executable, "-W", "ignore", "-m", "tests.drills.fire", f"fire_{os.getpid()}", str(tmp_path)]
    run = subprocess.run([*command, str(SCHEDULES), str(SEED)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout, run.stderr[-3000:]
    told = json.loads(run.stdout.splitlines()[-1])
    with capsys.disabled():
        notices = ", ".join(f"{told[fault]} {words}" for fault, words in NOTICES.items())
        print(
            f"\nUnder fire: {told['schedules']} schedules (seed {SEED}), {told['kills']} kills "
            f"({told['kills of the site']} of the site), {told['faults']} faults injected, "
            f"{told['notices']} notices sent ({notices}), {told['payments']} payments, "
            f"{told['left to staff']} left to staff, {len(told['differences'])} differences."
        )
    assert told["differences"] == []
    assert told["kills"] >= SCHEDULES // 4
    assert told["events"] >= SCHEDULES // 2
    if SCHEDULES >= 50:
        assert min(told[fault] for fault in NOTICES) > 0
