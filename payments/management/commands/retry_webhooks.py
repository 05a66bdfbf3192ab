"""The clock's errand for the inbox: use what could not be used yet, or the whole inbox again."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments import inbox
from payments.models import WebhookEvent

State = WebhookEvent.State
NOT_USED = (State.UNMATCHED, State.FAILED, State.DEAD)


class Command(BaseCommand):
    help = (
        "Uses the webhook events that are due: those whose payment was not found, those that failed, and those whose "
        "process was killed. One that was tried six times is left to staff. Safe to run at any time and several at "
        "once, for example every minute. Exit code: 1 if any that was tried could not be used."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--method", action="append", default=[], metavar="CODE", help="only this payment method")
        parser.add_argument("--limit", type=int, metavar="N", help="at most so many")
        parser.add_argument(
            "--replay",
            action="store_true",
            help="use the whole inbox again, oldest first; what is known changes nothing",
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be used, and do nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit is to be 1 or more.")
        chosen = {"methods": tuple(options["method"]), "limit": options["limit"]}
        counts: Counter[str] = Counter()
        if options["dry_run"]:
            events = inbox.planned(**chosen, replay=options["replay"])
        else:
            events = (inbox.replay_all if options["replay"] else inbox.retry_due)(**chosen)
        for event in events:
            counts[event.state] += 1
            self.stdout.write(as_json(event) if options["json"] else as_line(event))
        if not options["json"]:
            said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
            self.stdout.write(said or "No event is due.")
        if not options["dry_run"] and any(counts[state] for state in NOT_USED):
            raise SystemExit(1)


def as_line(event: WebhookEvent) -> str:
    why = f": {event.last_error}" if event.last_error else ""
    return f"{event.payment_method.code} {event} {event.state}{why}"


def as_json(event: WebhookEvent) -> str:
    return json.dumps(
        {
            "method": event.payment_method.code,
            "event": event.dedupe_key,
            "type": event.type,
            "received_at": event.received_at.isoformat(),
            "state": event.state,
            "tries": event.tries,
            "next_try_at": event.next_try_at.isoformat() if event.next_try_at else None,
            "payment": event.payment.number if event.payment else None,
            "why": event.last_error,
        }
    )
