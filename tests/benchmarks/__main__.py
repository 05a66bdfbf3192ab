"""Run with `make bench`: ratios taken side by side, round by round, of sales, lists, the inbox and the storefront."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import psycopg
from rich.table import Table

from tests.benchmarks.tables import console, spread

# A page of the stock admin takes seconds; these rounds are enough to know it.
STOCK_ROUNDS = 4
CONTESTANTS = ("ours", "minimal ORM", "plain driver")
NAMES = ("sales", "lists", "webhooks", "storefront", "batch", "doctor")


class Worker:
    """A process on one database; see `tests.benchmarks.worker` and `tests.benchmarks.lists`."""

    def __init__(self, url: str, rows: int, module: str = "worker") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"tests.benchmarks.{module}", str(rows)],
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
    options = arguments()
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    wanted, web = options.only or NAMES, ("--rounds", options.web_rounds)
    if "sales" in wanted:
        measure("worker", 0, options, report)
    if "lists" in wanted:
        measure("lists", options.few, options, report_lists)
    if "webhooks" in wanted:
        run_on_postgres("receipt of webhooks", "webhooks", *web, "--rows", options.events)
    if "storefront" in wanted:
        sizes = ("--requests", options.requests, "--products", options.products)
        run_on_postgres("the storefront", "storefront", *web, *sizes)
    if "batch" in wanted:
        sizes = ("--captures", options.captures, "--remembered", options.remembered)
        run_on_postgres("capture_payments", "batch", *sizes)
    if "doctor" in wanted:
        measure_doctor(options.payments)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--rounds", type=int, default=12, help="of sales and lists")
    parser.add_argument("--sales", type=int, default=30, help="sales of each contestant in a round")
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders in the full database")
    parser.add_argument("--few", type=int, default=10_000, help="payments in the small database of the lists")
    parser.add_argument("--web-rounds", type=int, default=7, help="of webhooks and the storefront")
    parser.add_argument("--events", type=int, default=1_000_000, help="webhook events in the full inbox")
    parser.add_argument("--requests", type=int, default=150, help="requests of each page of the storefront in a round")
    parser.add_argument("--products", type=int, default=1_000, help="products in the larger shop")
    parser.add_argument("--captures", type=int, default=400, help="payments captured at a limit of 100 a second")
    parser.add_argument("--remembered", type=int, default=5_000, help="payments of the larger batch for memory")
    parser.add_argument("--payments", type=int, default=1_000_000, help="payments that the doctor looks over")
    parser.add_argument("--only", choices=NAMES, action="append", help="this measurement; may be given several times")
    return parser.parse_args()


def measure(module: str, few: int, options: argparse.Namespace, report: Callable[..., None]) -> None:
    """Fill a small and a large database of each kind, each with its process, and report what they say."""
    with tempfile.TemporaryDirectory() as folder:
        for engine, empty, full in databases(Path(folder)):
            with ExitStack() as stack:
                bare, crowded = Worker(empty, few, module), Worker(full, options.rows, module)
                for worker in (bare, crowded):
                    stack.enter_context(worker)
                    if worker.answer() != "ready":
                        sys.exit(f"The worker on {engine} did not start; its error is above.")
                report(engine, bare, crowded, options)


def run_on_postgres(title: str, module: str, *options: object) -> None:
    """A measurement that is a process of its own and prints its tables; on PostgreSQL alone: many ask at once."""
    with tempfile.TemporaryDirectory() as folder:
        urls = [empty for engine, empty, _full in databases(Path(folder)) if engine == "PostgreSQL"]
    for url in urls:
        console.print(f"PostgreSQL: {title}")
        command = [sys.executable, "-W", "ignore", "-m", f"tests.benchmarks.{module}", *map(str, options)]
        subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=True)
    if not urls:
        console.print(f"{title}: left out, as there is no PostgreSQL (python -m tests.with_postgres --durable ...)")


def measure_doctor(payments: int) -> None:
    """One look over a database of each kind, in a process of its own, which prints what it finds."""
    with tempfile.TemporaryDirectory() as folder:
        for engine, _empty, full in databases(Path(folder)):
            console.print(f"{engine}: payments_doctor")
            command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.doctor", str(payments)]
            subprocess.run(command, env={**os.environ, "DATABASE_URL": full}, check=True)


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


def report_lists(engine: str, few: Worker, many: Worker, options: argparse.Namespace) -> None:
    """Each page with few rows and with many, and beside the stock admin with many."""
    names = few.answer(), many.answer()
    pages = [(name, stock == "stock") for name, stock in (line.split("|") for line in names[1].split(";"))]
    small: dict[str, list[float]] = defaultdict(list)
    large: dict[str, list[float]] = defaultdict(list)
    stock: dict[str, list[float]] = defaultdict(list)
    for page, _beside in pages:  # Warm up.
        for worker in (few, many):
            worker.run(f"{page} ours", 3)
    for round_number in range(options.rounds):
        for page, beside in pages:
            small[page].append(statistics.median(few.run(f"{page} ours", 3)))
            large[page].append(statistics.median(many.run(f"{page} ours", 3)))
            if beside and round_number < STOCK_ROUNDS:
                stock[page] += many.run(f"{page} stock", 1)
    counts = f"{options.few:,}", f"{options.rows:,}"
    columns = (
        "",
        f"{counts[0]} rows, ms",
        f"{counts[1]} rows, ms",
        "growth",
        f"stock admin, {counts[1]} rows, ms",
        "faster",
    )
    table = Table(*columns, title=f"{engine}: list of payments")
    for page, _beside in pages:
        growth = [after / before for before, after in zip(small[page], large[page], strict=True)]
        faster = [theirs / ours for theirs, ours in zip(stock[page], large[page], strict=False)]
        cells = [spread(small[page]), spread(large[page]), spread(growth)]
        table.add_row(page, *cells, *([spread(stock[page]), spread(faster)] if faster else ["", ""]))
    console.print(table)


if __name__ == "__main__":
    main()
