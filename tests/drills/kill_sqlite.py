"""SIGKILL on a SQLite file: a process of its own with a database of its own, whose children are killed.

    python -m tests.drills.kill_sqlite FOLDER CASE ...

prints its tally as JSON. The tests' own SQLite database is in memory and would not outlive anybody.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.drills.kill_run import Tally

ROOT = Path(__file__).parents[2]


def kill_on_sqlite(folder: Path, numbers: Sequence[int]) -> Tally:
    """The cases of these numbers, each killed once."""
    from tests.drills.kill_run import Tally

    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'kill.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "EMAIL_URL": "dummymail://",
    }
    command = [sys.executable, "-m", "tests.drills.kill_sqlite", str(folder), *map(str, numbers)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Tally.loads(done.stdout.splitlines()[-1])


def main(folder: str, *numbers: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from tests.drills.kill_run import SEED, Tally, cases, hit, providers

    # What is written outlives the process without waiting for the disk; only the machine must not fall.
    settings.DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    call_command("migrate", verbosity=0)
    draw, tally = random.Random(f"{SEED} {numbers}"), Tally()
    with providers():
        for number in numbers:
            tally.add(hit(cases()[int(number)], Path(folder), 0, 1, draw))
    print(tally.dumps())


if __name__ == "__main__":
    main(*sys.argv[1:])
