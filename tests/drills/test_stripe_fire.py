"""The shop under fire over Stripe's stand-in: every cent is explained afterwards, on the database of the tests.

DRILL_COUNT says how many schedules, a third of the other fire's; SEED what is drawn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEDULES = max(int(os.environ.get("DRILL_COUNT") or 100) // 3, 6)
SEED = int(os.environ.get("SEED") or 1)


@pytest.mark.drill
def test_a_shop_under_fire_over_stripe_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = [sys.executable, "-W", "ignore", "-m", "tests.drills.stripe_fire", f"stripe_{os.getpid()}", str(tmp_path)]
    run = subprocess.run([*command, str(SCHEDULES), str(SEED)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout, run.stderr[-3000:]
    told = json.loads(run.stdout.splitlines()[-1])
    with capsys.disabled():
        print(
            f"\nUnder fire over Stripe: {told['schedules']} schedules (seed {SEED}), {told['kills']} kills, "
            f"{told['faults']} faults, {told['events']} events, {told['payments']} payments, "
            f"{told['left to staff']} left to staff, {len(told['differences'])} differences."
        )
    assert told["differences"] == []
    assert told["kills"] >= SCHEDULES // 4
    assert told["events"] > SCHEDULES
    assert told["taken"] > 0
