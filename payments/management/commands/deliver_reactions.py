"""Deliver the reactions that are due: what was left over after a crash, and what failed and waits for another try."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from payments.models import Reaction


class Command(BaseCommand):
    help = (
        "Delivers the reactions that are due (confirmation mails and the like). Safe to run at any time and beside "
        "itself, for example every minute. Exits with 1 if some failed; they are tried again, later each time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=int, default=100, metavar="N", help="read N at a time (default: 100)")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch is to be 1 or more.")
        counts = Counter(delivered=0, failed=0, skipped=0)
        for reaction in due_now(options["batch"]):
            outcome = deliver(reaction)
            counts[outcome] += 1
            if outcome == "failed" and not options["json"]:
                self.stderr.write(
                    f"{reaction}: {reaction.last_error}; next attempt {reaction.next_attempt_at:%F %T %Z}"
                )
        if options["json"]:
            self.stdout.write(json.dumps(counts))
        else:
            self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
        if counts["failed"]:
            raise CommandError(f"{counts['failed']} failed and will be tried again.")


def due_now(batch: int) -> Iterator[Reaction]:
    """What is due at the start, read in batches: one that fails meanwhile waits for the next sweep."""
    started, last = timezone.now(), 0
    while found := list(
        Reaction.objects.due().filter(next_attempt_at__lte=started, pk__gt=last).order_by("pk")[:batch]
    ):
        yield from found
        last = found[-1].pk


def deliver(reaction: Reaction) -> str:
    """What became of it: skipped means that somebody else was quicker."""
    attempts = reaction.attempts
    if reaction.deliver():
        return "delivered"
    return "skipped" if reaction.attempts == attempts else "failed"
