"""Import a file of orders, one JSON object a line, and put each through checkout; safe to run again."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from orders.import_fields import BadLine
from orders.import_lines import read_order
from orders.import_summary import ALWAYS_SHOWN, INCOMPLETE, KINDS, NOT_ASKED, UNKNOWN, CurrencySums, Summary
from orders.importing import Outcome, foresee, import_order
from orders.models import Order
from payments.display import money_text

WIDE = 160  # Where no terminal says how wide it is, no cell is broken.


class Command(BaseCommand):
    help = (
        "Import orders from a JSON lines file (- reads standard input) and complete each with its payment. "
        "Numbers that are there already are left alone; what an earlier run left unfinished is taken up again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="one order a line, as examples/README.md describes")
        parser.add_argument("--dry-run", action="store_true", help="check every line and write nothing")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *, file: str, dry_run: bool, as_json: bool, verbosity: int, **options: Any) -> None:
        summary = Summary()
        with _opened(file) as source, self._progress(source) as (advance, complain), _quiet(verbosity):
            for number, raw in enumerate(source, start=1):
                try:
                    _take(raw, summary, dry_run=dry_run)
                except BadLine as bad:
                    summary.bad.append((number, bad))
                    complain(f"line {number}: {bad}")
                except KeyboardInterrupt:
                    again = "Run the same command again: it goes on where it stopped."
                    raise CommandError(f"Stopped at line {number}. {again}", returncode=130) from None
                advance(len(raw))
        if as_json:
            self.stdout.write(json.dumps({"file": file, "dry_run": dry_run, **summary.as_json()}, indent=2))
        else:
            self._print(summary, dry_run=dry_run)
        if summary.bad:
            raise CommandError(f"{len(summary.bad)} of {summary.lines} orders could not be imported; see above.")

    @contextmanager
    def _progress(self, source: BinaryIO) -> Iterator[tuple[Callable[[int], object], Callable[[str], object]]]:
        """How to tell of bytes read, and of a bad line without tearing the bar: only a terminal has one."""
        if not self.stderr.isatty():
            yield lambda _read: None, self.stderr.write
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        console = Console(file=sys.stderr)
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
            task = progress.add_task("Importing orders", total=_size(source))
            yield (
                lambda read: progress.advance(task, read),
                lambda line: console.print(line, style="red", markup=False, highlight=False, soft_wrap=True),
            )

    def _print(self, summary: Summary, *, dry_run: bool) -> None:
        console = Console(file=cast(TextIO, self.stdout), width=None if self.stdout.isatty() else WIDE)
        currencies = summary.by_currency()
        if currencies:
            console.print(_money_table(currencies), _state_table(currencies), sep="\n")
        counts = [f"{summary.outcomes[outcome]} {outcome}" for outcome in Outcome]
        counts.append(f"{len(summary.bad)} bad")
        read = "orders read. Nothing was written; an import would give" if dry_run else "orders read"
        console.print(f"{summary.lines} {read}: {', '.join(counts)}.", highlight=False)
        if dry_run:
            console.print("Whether a card is declined shows only when it is asked.")
        left = sum(sums.payments[UNKNOWN] + sums.payments[NOT_ASKED] for sums in currencies.values())
        if left:
            again = "Run the import again to learn what became of them."
            console.print(f"Payments without an answer: {left}. {again}", highlight=False)


def _take(raw: bytes, summary: Summary, *, dry_run: bool) -> None:
    if not raw.strip():
        return
    summary.lines += 1
    data = read_order(raw)
    order: Order | None
    if dry_run:
        order, outcome = foresee(data, earlier=summary.foreseen.get(data.number))
    else:
        order, outcome = import_order(data)
    summary.outcomes[outcome] += 1
    if order is not None:
        summary.order_ids[order.pk] = None
    else:
        summary.foreseen.setdefault(data.number, data)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    try:
        return nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error


def _size(source: BinaryIO) -> int | None:
    """Unknown for a pipe."""
    return os.fstat(source.fileno()).st_size or None


@contextmanager
def _quiet(verbosity: int) -> Iterator[None]:
    """Development prints its mails: a thousand of them would drown the summary, and break the JSON."""
    with ExitStack() as stack:
        elsewhere: TextIO = sys.stderr if verbosity > 1 else stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(redirect_stdout(elsewhere))
        yield


def _money_table(currencies: dict[str, CurrencySums]) -> Table:
    present = [
        kind for kind in KINDS if kind in ALWAYS_SHOWN or any(kind in sums.amounts for sums in currencies.values())
    ]
    table = Table(title="Money by currency, with the number of payments", title_justify="left")
    table.add_column("Currency")
    for kind in present:
        table.add_column(kind.replace("_", " ").capitalize(), justify="right")
    for code, sums in currencies.items():
        counts = sums.payments
        cells = (f"{money_text(sums.amount(kind))} ({counts[kind]})" if counts[kind] else "–" for kind in present)
        table.add_row(code, *cells)
    return table


def _state_table(currencies: dict[str, CurrencySums]) -> Table:
    found = {state for sums in currencies.values() for state in sums.payment_states}
    present = [state for state in (*Order.PaymentState.values, INCOMPLETE) if state in found]
    table = Table(title="Orders by payment state", title_justify="left")
    table.add_column("Currency")
    for state in ("orders", *present):
        table.add_column(state.replace("_", " ").capitalize(), justify="right")
    for code, sums in currencies.items():
        table.add_row(code, str(sums.orders), *(str(sums.payment_states[state]) for state in present))
    table.add_section()
    totals = (sum(sums.payment_states[state] for sums in currencies.values()) for state in present)
    table.add_row("All", str(sum(sums.orders for sums in currencies.values())), *map(str, totals))
    return table
