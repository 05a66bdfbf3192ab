"""What `capture_payments` and `void_payments` share: the plan, the run, the report, and the exit code."""

from __future__ import annotations

import json
import signal
import sys
import time
from argparse import ArgumentParser
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from payments.batch import Candidate, Handled, Result, Selection, plan, run
from payments.display import money_text
from payments.management.progress import Progress, show
from payments.management.selecting import add_selection, rates, refuse, selection
from payments.money import Money
from payments.pacing import Pacing

COULD_NOT_RUN = 3


class BatchCommand(BaseCommand):
    """Exit code: 0 all was done, 1 something was declined or held back, 2 something is unknown, 3 could not run."""

    verb = ""
    done = ""  # The verb's participle, for people.

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = refuse  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_selection(parser)
        how = parser.add_argument_group("how")
        how.add_argument("--dry-run", action="store_true", help="show the plan with its totals, and ask nobody")
        how.add_argument("--workers", type=int, default=8, metavar="N", help="ask for so many at once (default: 8)")
        rate = "at most so many requests a second, for each payment method or for the named one"
        how.add_argument("--rate", action="append", default=[], metavar="[CODE=]N", help=rate)
        how.add_argument("--json", action="store_true", help="one JSON object a line: each payment, then the totals")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = selection(options)
        candidates = plan(chosen, self.verb)
        if options["dry_run"]:
            self._show_plan(candidates, as_json=options["json"])
            return
        counts, left = self._work(candidates, chosen, options)
        if counts[Result.UNKNOWN]:
            sys.exit(2)
        if counts[Result.DECLINED] or counts[Result.HELD] or left:
            sys.exit(1)

    def _work(
        self, candidates: Iterator[Candidate], chosen: Selection, options: dict[str, Any]
    ) -> tuple[Counter[Result], bool]:
        """Run, report, and say whether somebody stopped it before the end."""
        pacing = Pacing(rates(options["rate"]))
        stopping = Stopping()
        progress = Progress(total=chosen.payments().count(), pacing=pacing)
        totals: dict[tuple[Result, str], Decimal] = defaultdict(Decimal)
        begun = time.monotonic()
        handling = run(stopping.until(candidates), self.verb, pacing=pacing, workers=max(options["workers"], 1))
        with stopping, show(progress, self.stdout, plain=options["json"]):
            for handled in handling:
                progress.count(handled.result)
                _add(totals, handled)
                self._report(handled, as_json=options["json"])
        self._sum_up(progress.counts, totals, time.monotonic() - begun, options["json"], stopped=stopping.asked)
        return progress.counts, stopping.asked

    def _report(self, handled: Handled, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(_facts(handled.candidate) | {"result": handled.result, "said": handled.said}))
        elif handled.result is not Result.DONE:
            self.stdout.write(f"{_name(handled.candidate)} {handled.result}: {handled.said}")

    def _sum_up(self, counts: Counter[Result], totals: Any, seconds: float, as_json: bool, *, stopped: bool) -> None:
        if as_json:
            sums = {f"{result}_{currency}": str(amount) for (result, currency), amount in sorted(totals.items())}
            by_result = {result.value: counts[result] for result in Result}
            ended = {"totals": sums, "seconds": round(seconds, 3), "stopped": stopped}
            self.stdout.write(json.dumps(by_result | ended))
            return
        if not sum(counts.values()):
            self.stdout.write("Nothing fits the selection.")
        for result in Result:
            if counts[result]:
                amounts = [Money(totals[key], key[1]) for key in sorted(totals) if key[0] is result]
                said = ", ".join(money_text(amount) for amount in amounts)
                name = self.done if result is Result.DONE else result.value
                self.stdout.write(f"{counts[result]} {name}" + (f" ({said})" if said else ""))
        if counts[Result.UNKNOWN]:
            self.stdout.write("What is unknown is settled by manage.py recover_payments, and not asked again before.")
        if stopped:
            self.stdout.write("Stopped before the end: run it again for the rest.")

    def _show_plan(self, candidates: Iterator[Candidate], *, as_json: bool) -> None:
        groups: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
        for each in candidates:
            if as_json:
                self.stdout.write(json.dumps(_facts(each) | {"held": each.held}))
                continue
            self.stdout.write(f"{_name(each)}" + (f" held: {each.held}" if each.held else ""))
            if each.amount is not None:
                key = ("held back" if each.held else f"would be {self.done}", each.method, each.amount.currency.code)
                groups[key].append(each.amount.amount)
        if as_json:
            return
        for (what, method, currency), amounts in sorted(groups.items()):
            self.stdout.write(f"{what}: {len(amounts)} of {method}, {money_text(Money(sum(amounts), currency))}")
        if not groups:
            self.stdout.write("Nothing fits the selection.")


class Stopping:
    """Ctrl-C or a request to end: nothing new is begun, what has begun is finished, and the sums are told."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> None:
        self.before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
        for each in self.before:
            signal.signal(each, self._stop)

    def __exit__(self, *error: object) -> None:
        for each, handler in self.before.items():
            signal.signal(each, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

    def until(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        for each in candidates:
            if self.asked:
                return
            yield each


def _add(totals: dict[tuple[Result, str], Decimal], handled: Handled) -> None:
    amount = handled.candidate.amount
    if amount is not None:
        totals[(handled.result, amount.currency.code)] += amount.amount


def _name(each: Candidate) -> str:
    amount = money_text(each.amount) if each.amount is not None else ""
    return " ".join(part for part in (each.order, each.payment, each.method, amount) if part)


def _facts(each: Candidate) -> dict[str, Any]:
    return {
        "order": each.order,
        "payment": each.payment,
        "method": each.method,
        "amount": str(each.amount.amount) if each.amount is not None else None,
        "currency": each.amount.currency.code if each.amount is not None else None,
    }
