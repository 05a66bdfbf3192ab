"""The kill and webhook drills over each provider's local server: every cent is explained afterwards.

DRILL_COUNT says how many lives, SEED what is drawn; the moments of the kills are wall-clock moments.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LIVES = int(os.environ.get("DRILL_COUNT") or 100)
SEED = int(os.environ.get("SEED") or 1)
STANDS = {
    "braintree": "tests.drills.braintree_stand.BraintreeStand",
    "payplug": "tests.drills.payplug_stand.PayPlugStand",
}


@pytest.mark.drill
@pytest.mark.parametrize("provider", STANDS)
def test_lives_over_a_provider_are_explained(provider: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    name = f"lives_{provider}_{os.getpid()}"
    command = [sys.executable, "-W", "ignore", "-m", "tests.drills.provider_kill", STANDS[provider], name]
    run = subprocess.run(
        [*command, str(tmp_path), str(LIVES), str(SEED)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.stdout, run.stderr[-3000:]
    told = json.loads(run.stdout.splitlines()[-1])
    with capsys.disabled():
        print(
            f"\nLives over {provider}: {told['lives']} (seed {SEED}), {told['kills']} kills, {told['faults']} faults, "
            f"{told['notices']} notices, {told['payments']} payments, {told['left to staff']} left to staff, "
            f"{len(told['differences'])} differences."
        )
    assert told["differences"] == []
    assert told["kills"] >= LIVES // 4
    assert told["events"] > 0
