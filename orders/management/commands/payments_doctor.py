"""Whether every law holds of every row, and whether our books are the provider's."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from orders.doctor import CHECKS as OF_ORDERS
from payments.doctor import CHECKS as OF_PAYMENTS
from payments.doctor import Finding, Severity
from payments.doctor.comparing import COMPARISON, Comparison
from payments.errors import GatewayError
from payments.management.selecting import refuse
from payments.models import PaymentMethod

CHECKS = {check.name: check for check in (*OF_PAYMENTS, *OF_ORDERS)}
NEEDS_A_LOOK, MONEY_IS_WRONG, COULD_NOT_RUN = 1, 2, 3


class Command(BaseCommand):
    help = (
        "Looks over the whole database: do sums, states, refunds, keys and orders hold together, and is anything left "
        "undone? With --provider it also lays our books beside the provider's own, by reference and to the minor unit. "
        "Each finding names its rows and the remedy. Nothing is changed; it may run beside a living shop. "
        "Exit code: 0 healthy, 1 something needs a look, 2 money is wrong, 3 it could not run."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = refuse  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="append", default=[], metavar="NAME", help="only this check (see --list)")
        parser.add_argument("--list", action="store_true", help="say what the checks are, and check nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a line for each finding")
        beside = parser.add_argument_group("beside the provider's books")
        beside.add_argument(
            "--provider",
            nargs="?",
            const="",
            metavar="CODE",
            help="compare with the provider of this payment method, or of every one that lists its records; "
            "without --check nothing else is done",
        )
        beside.add_argument("--since", metavar="DATE", help="from then on: 2026-12-01 (default: a week ago)")
        beside.add_argument("--until", metavar="DATE", help="until then (default: an hour ago)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        unknown = set(options["check"]) - set(CHECKS)
        if unknown:
            refuse(f"There is no check {', '.join(sorted(unknown))}: see --list.")
        beside = self._comparisons(options)
        names = options["check"] or ([] if beside else list(CHECKS))
        counts: Counter[Severity] = Counter()
        try:
            for name in dict.fromkeys(names):
                self._report(CHECKS[name].run(), counts, options)
            for comparison in beside:
                self._report(comparison.run(), counts, options)
                if not options["json"]:
                    self.stdout.write(comparison.summary())
        except (DatabaseError, GatewayError) as error:
            raise CommandError(f"It could not look at everything: {error}", returncode=COULD_NOT_RUN) from error
        if not options["json"]:
            self.stdout.write(self._sum_up(counts, len(set(names))))
        if counts:
            raise SystemExit(MONEY_IS_WRONG if counts[Severity.MONEY] else NEEDS_A_LOOK)

    def _list(self) -> None:
        for check in (*CHECKS.values(), COMPARISON):
            self.stdout.write(f"{check.name} ({check.severity}): {check.law}")

    def _comparisons(self, options: dict[str, Any]) -> list[Comparison]:
        """One for each payment method that is asked for, once the window is known to make sense."""
        code = options["provider"]
        if code is None:
            if options["since"] or options["until"]:
                refuse("--since and --until go with --provider.")
            return []
        now = timezone.now()
        since = _moment(options["since"]) or now - timedelta(days=7)
        until = _moment(options["until"]) or now - timedelta(hours=1)
        if since >= until:
            refuse("--since is to be before --until.")
        return [Comparison(method, since, until) for method in _listing(code)]

    def _report(self, findings: Iterable[Finding], counts: Counter[Severity], options: dict[str, Any]) -> None:
        last = ""
        for finding in findings:
            counts[finding.severity] += 1
            if options["json"]:
                self.stdout.write(json.dumps(finding.facts(), ensure_ascii=False))
                continue
            if finding.check != last:
                last = finding.check
                self.stdout.write(self.style.MIGRATE_HEADING(f"{last} ({finding.severity})"))
                self.stdout.write(f"  {finding.remedy}")
            self.stdout.write(f"  {finding.where}: {finding.says}")

    def _sum_up(self, counts: Counter[Severity], checks: int) -> str:
        if not counts:
            return f"Healthy: {checks} checks, nothing found." if checks else "Nothing differs."
        parts = (f"{counts[Severity.MONEY]} about money", f"{counts[Severity.LOOK]} to look at")
        return f"{sum(counts.values())} findings: {', '.join(parts)}."


def _moment(text: str | None) -> datetime | None:
    """A date is the beginning of that day."""
    if not text:
        return None
    try:
        date = parse_date(text)
        found = datetime.combine(date, time.min) if date else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        refuse(f"“{text}” is no date: write 2026-12-24 or 2026-12-24T18:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _listing(code: str) -> Iterator[PaymentMethod]:
    if code:
        method = PaymentMethod.objects.filter(code=code).first()
        if method is None:
            refuse(f"There is no payment method {code}.")
        if not _lists(method):
            refuse(f"The gateway of {code} cannot list its records.")
        return iter([method])
    found = [method for method in PaymentMethod.objects.all() if _lists(method)]
    if not found:
        refuse("No payment method has a gateway that can list its records.")
    return iter(found)


def _lists(method: PaymentMethod) -> bool:
    try:
        return method.capabilities.listing
    except GatewayError:
        return False
