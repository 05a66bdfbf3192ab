"""Run with `make bench`: ratios of sales an hour side by side, on an empty and on a full database, round by round."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

CONTESTANTS = ("ours", "minimal ORM", "plain driver")
console = Console()


class Worker:
    """A process on one database; see `tests.benchmarks.worker`."""

    def __init__(self, url: str, rows: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.worker", str(rows)],
            env={**os.environ, "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def run(self, name: str, count: int) -> list[float]:
        assert self.process.stdin is not None
        print(f"{name} {count}", file=self.process.stdin, flush=True)
        return [float(part) for part in self.answer().split()]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--sales", type=int, default=30, help="sales of each contestant in a round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders in the full database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for engine, empty, full in databases(Path(folder)):
            with ExitStack() as stack:
                bare, crowded = Worker(empty, 0), Worker(full, options.rows)
                for worker in (bare, crowded):
                    stack.enter_context(worker)
                    if worker.answer() != "ready":
                        sys.exit(f"The worker on {engine} did not start; its error is above.")
                report(engine, bare, crowded, options)


def databases(folder: Path) -> list[tuple[str, str, str]]:
    """(engine, URL of an empty database, URL of one to be filled) for PostgreSQL, where there is one, and SQLite."""
    found = [("SQLite", f"sqlite:///{folder / 'empty.sqlite3'}", f"sqlite:///{folder / 'full.sqlite3'}")]
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith("postgres"):
        with psycopg.connect(url, autocommit=True) as connection:
            names = ("everycent_bench_empty", "everycent_bench_full")
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name}")
                connection.execute(f"CREATE DATABASE {name}")
            database = connection.info.dbname
        empty, full = (f"/{name}".join(url.rsplit(f"/{database}", 1)) for name in names)
        found.insert(0, ("PostgreSQL", empty, full))
    return found


def report(engine: str, empty: Worker, full: Worker, options: argparse.Namespace) -> None:
    sales: dict[str, list[list[float]]] = {name: [] for name in CONTESTANTS}
    growth: list[float] = []
    recalculated: list[float] = []
    for name in CONTESTANTS:  # Warm up.
        empty.run(name, 5)
    full.run("ours", 5)
    for round_number in range(options.rounds):
        order = [*CONTESTANTS[round_number % 3 :], *CONTESTANTS[: round_number % 3]]
        for name in order:
            sales[name].append(empty.run(name, options.sales))
        growth.append(sum(full.run("ours", options.sales)) / sum(sales["ours"][-1]))
        recalculated.append(full.run("recalculate 1000", 5)[0] / full.run("recalculate 1", 5)[0])
    table = Table("", "create ms", "authorize ms", "capture ms", "sales/s", "throughput to minimal ORM", title=engine)
    for name, rounds in sales.items():
        phases = [spread([each[index] for each in rounds]) for index in range(3)]
        ratio = [sum(base) / sum(each) for each, base in zip(rounds, sales["minimal ORM"], strict=True)]
        table.add_row(name, *phases, spread([1000 / sum(each) for each in rounds]), spread(ratio))
    console.print(table)
    console.print(f"{engine}: cost of a sale beside {options.rows:,} orders ÷ in an empty database: {spread(growth)}")
    console.print(f"{engine}: recalculating 1,000 payments ÷ one payment: {spread(recalculated)}\n")


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
