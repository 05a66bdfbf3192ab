"""What somebody or the clock has left undone: answers, holds and reactions that are overdue (laws 3 and 8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from payments.doctor.findings import PAGE, Check, Seen, Severity, written
from payments.models import Operation, Payment, Reaction

DAY = timedelta(days=1)
ASKER_GONE = timedelta(hours=1)  # No gateway's longest call is nearly as long.
REACTION_LATE = timedelta(hours=1)
MANY_ATTEMPTS = 5

OPERATION = ("payment__order__number", "payment__number", "sequence", "kind", "amount", "currency")


def never_recovered() -> Iterator[Seen]:
    """A try to recover puts the next one an hour off at most: where that is long past, nobody tries."""
    now = timezone.now()
    tried = Operation.objects.filter(reason="").annotate(
        since=Coalesce("next_try_at", "answered_at", "created_at"),
    )
    forgotten = Q(state="open", since__lt=now - ASKER_GONE) | Q(state="unknown", since__lt=now - DAY)
    for *row, state, since in _rows(tried.filter(forgotten), *OPERATION, "state", "since"):
        yield _seen(row, f"{state}, and nobody has tried to recover it since {_when(since)}")


def for_staff() -> Iterator[Seen]:
    found = Operation.objects.filter(state="unknown").exclude(reason="")
    for *row, reason in _rows(found, *OPERATION, "reason"):
        yield _seen(row, f"left for staff: {reason}")


def overdue_holds() -> Iterator[Seen]:
    found = Payment.objects.filter(state="pending", capture_by__lt=timezone.now())
    names = ("order__number", "number", "amount", "currency", "capture_by")
    for order, payment, amount, currency, until in _rows(found, *names):
        says = f"a hold of {written(amount, currency)} was to be captured by {_when(until)}"
        yield Seen(order=order, payment=payment, says=says)


def waits_long() -> Iterator[Seen]:
    """An attempt that was let go while it waited keeps waiting, and its payment has gone on without it."""
    matters = Q(kind__in=("refund", "void")) | Q(payment__state="processing")
    found = Operation.objects.filter(matters, state="waiting", created_at__lt=timezone.now() - DAY)
    for *row, since in _rows(found, *OPERATION, "created_at"):
        yield _seen(row, f"waits for the customer or the provider since {_when(since)}")


def undelivered() -> Iterator[Seen]:
    late = Q(next_attempt_at__lt=timezone.now() - REACTION_LATE)
    found = Reaction.objects.filter(delivered_at=None).filter(late | Q(attempts__gte=MANY_ATTEMPTS))
    for topic, key, attempts, error, due in _rows(found, "topic", "key", "attempts", "last_error", "next_attempt_at"):
        failed = f"failed {attempts} times ({error})" if error else f"is due since {_when(due)}"
        yield Seen(order=key if topic.startswith("order.") else "", says=f"the reaction {topic} of {key} {failed}")


def _seen(row: list[Any], says: str) -> Seen:
    order, payment, sequence, kind, amount, currency = row
    return Seen(order=order, payment=payment, operation=sequence, says=f"{kind} of {written(amount, currency)}: {says}")


def _rows(found: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    return found.order_by().values_list(*names).iterator(chunk_size=PAGE)  # type: ignore[no-any-return]


def _when(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"


UNFINISHED = (
    Check(
        name="not_recovered",
        severity=Severity.LOOK,
        law="What has no answer is recovered: within the hour after a crash, at least daily while nobody knows.",
        remedy="Run manage.py recover_payments --at-once, and see that the clock runs it every minute.",
        look=never_recovered,
    ),
    Check(
        name="left_for_staff",
        severity=Severity.LOOK,
        law="What evidence did not decide, staff decide.",
        remedy="Look the payment up at the provider and tell it what is there: "
        "docs/how-to/settle-what-is-unknown.md, “Decide it by hand”.",
        look=for_staff,
    ),
    Check(
        name="hold_overdue",
        severity=Severity.LOOK,
        law="A hold is captured or let go before it ends by itself.",
        remedy="Capture the payment or void it on its page, or run manage.py recover_payments, which records a hold "
        "that the provider has let go.",
        look=overdue_holds,
    ),
    Check(
        name="waiting_long",
        severity=Severity.LOOK,
        law="What waits for the customer or the provider is settled within a day.",
        remedy="Look the payment up at the provider; “Cancel payment” on its page lets go of what was abandoned.",
        look=waits_long,
    ),
    Check(
        name="reactions_overdue",
        severity=Severity.LOOK,
        law="Mails and other reactions are delivered within the hour.",
        remedy="Run manage.py deliver_reactions, see that the clock runs it every minute, mend what its error names.",
        look=undelivered,
    ),
)
