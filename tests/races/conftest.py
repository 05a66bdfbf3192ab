"""The arenas: one as shipped, one whose constraints are dropped; each is opened when a test first needs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from tests.races.checker import Seen

ROOT = Path(__file__).resolve().parent.parent.parent


class Arena:
    def __init__(self, folder: Path, *, bare: bool, url: str = "") -> None:
        name = f"races_{'bare' if bare else 'full'}_{os.getpid()}"
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "tests.races.arena",
            name,
            str(folder),
            *(["bare"] if bare else []),
        ]
        pipe = subprocess.PIPE
        environment = {**os.environ, **({"DATABASE_URL": url} if url else {})}
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)
        assert self._line() == "ready"
        self.one_by_one = cache(self._one_by_one)

    def race(self, start: str, acts: list[str], *, mode: str = "gate", unguarded: bool = False, **also: Any) -> Seen:
        return self._ask(start=start, acts=acts, mode=mode, unguarded=unguarded, **also)

    def _one_by_one(self, start: str, acts: tuple[str, ...]) -> Seen:
        """The same acts, one after another."""
        return self._ask(start=start, acts=acts, mode="one by one", unguarded=False)

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def _ask(self, **job: Any) -> Seen:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        seen: Seen = json.loads(self._line())
        assert "error" not in seen, seen["error"]
        return seen

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """As shipped, on the kind of database that the tests are configured for."""
    yield from opened(tmp_path_factory, bare=False)


@pytest.fixture(scope="session")
def bare_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    yield from opened(tmp_path_factory, bare=True)


@pytest.fixture(scope="session")
def sqlite_arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """As shipped, on SQLite whatever the tests are configured for."""
    yield from opened(tmp_path_factory, bare=False, url="sqlite:///races.sqlite3")


def opened(tmp_path_factory: pytest.TempPathFactory, *, bare: bool, url: str = "") -> Iterator[Arena]:
    found = Arena(tmp_path_factory.mktemp("arena"), bare=bare, url=url)
    yield found
    found.close()


@pytest.fixture(scope="session")
def vendor() -> str:
    return connection.vendor
