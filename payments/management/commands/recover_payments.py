"""The clock's errand as a command: settle what has no answer."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from payments.display import money_text
from payments.recovery import Ended, Recovered, due, overdue, recover_due

LEFT, STAFF = 2, 1


class Command(BaseCommand):
    help = (
        "Settles operations that are open or unknown, oldest first: the provider is asked what became of them, or is "
        "asked again under the same idempotency key. Nothing is concluded without evidence; what a person must decide "
        "keeps its reason and is shown in the back office. Holds whose time is over are recorded as let go once the "
        "provider says so. Safe to run at any time, and several at once. "
        "Exit code: 0 nothing is left unknown, 1 something is left for staff, 2 something is still unknown."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--method", action="append", default=[], metavar="CODE", help="only this payment method")
        parser.add_argument("--payment", action="append", default=[], metavar="NUMBER", help="only this payment")
        parser.add_argument("--workers", type=int, default=4, help="how many are asked for at once (default: 4)")
        parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
        parser.add_argument(
            "--at-once", action="store_true", help="also those that were tried a moment ago and wait for their turn"
        )
        parser.add_argument("--watch", type=int, metavar="SECONDS", help="go on for ever, looking again every so often")
        parser.add_argument("--dry-run", action="store_true", help="say what would be tried, and ask nobody")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> str | None:
        chosen = {"methods": options["method"], "payments": options["payment"]}
        if options["dry_run"]:
            self._plan(chosen, options)
            return None
        self._run(chosen, options)
        while options["watch"]:
            time.sleep(options["watch"])
            self._run(chosen, options)
        reasons = set(due(**chosen, at_once=True).values_list("reason", flat=True))
        if reasons:
            raise SystemExit(LEFT if "" in reasons else STAFF)
        return None

    def _run(self, chosen: dict[str, Any], options: dict[str, Any]) -> None:
        counts: Counter[Ended] = Counter()
        recovering = recover_due(
            **chosen, workers=options["workers"], limit=options["limit"], at_once=options["at_once"]
        )
        for recovered in recovering:
            counts[recovered.ended] += 1
            self.stdout.write(_as_json(recovered) if options["json"] else _as_line(recovered))
        if not options["json"]:
            said = ", ".join(f"{count} {ended.value}" for ended, count in sorted(counts.items()))
            self.stdout.write(said or "Nothing is open or unknown, or its turn has not come.")

    def _plan(self, chosen: dict[str, Any], options: dict[str, Any]) -> None:
        operations = due(**chosen, at_once=options["at_once"]).select_related("payment__order")[: options["limit"]]
        for operation in operations:
            self.stdout.write(
                f"{operation.payment.order.number} {operation.payment.number} {operation.kind} "
                f"{money_text(operation.amount)} {operation.state} since {operation.created_at:%Y-%m-%d %H:%M %Z}"
            )
        for payment in overdue(**chosen).select_related("order")[: options["limit"]]:
            self.stdout.write(
                f"{payment.order.number} {payment.number} hold of {money_text(payment.uncaptured_amount)} "
                f"to be captured by {payment.capture_by:%Y-%m-%d %H:%M %Z}"
            )


def _as_line(recovered: Recovered) -> str:
    said = f": {recovered.said}" if recovered.said else ""
    return (
        f"{recovered.order} {recovered.payment} {recovered.kind} {money_text(recovered.amount)} "
        f"{recovered.ended.value}{said}"
    )


def _as_json(recovered: Recovered) -> str:
    return json.dumps(
        {
            "order": recovered.order,
            "payment": recovered.payment,
            "method": recovered.method,
            "operation": recovered.sequence,
            "kind": recovered.kind,
            "amount": str(recovered.amount.amount),
            "currency": recovered.amount.currency.code,
            "ended": recovered.ended.value,
            "said": recovered.said,
        }
    )
