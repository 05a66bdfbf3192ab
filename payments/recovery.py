"""The clock's errand: settle what has no answer, on evidence, and notice holds that have ended by themselves."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from payments import waiting
from payments.actors import Actor, Origin
from payments.errors import GatewayError
from payments.gateways.base import Fact, Outcome
from payments.logs import about
from payments.models import Operation, Payment
from payments.reminding import remind
from payments.workers import work

logger = logging.getLogger(__name__)

RECOVERY = Actor(Origin.RECOVERY)
LEASE = timedelta(minutes=5)  # Whoever took an operation and was killed is not waited for any longer.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
JITTER = 0.25  # Not everybody comes back to a provider at the same moment.


class Ended(StrEnum):
    SETTLED = "settled"  # Done, declined or surely never done: the operation has its end.
    WAITING = "waiting"  # It was heard of: the customer must act, or the provider will say later.
    UNKNOWN = "unknown"  # No evidence yet; it is tried again.
    STAFF = "staff"  # Evidence that does not decide: its reason is kept for staff.
    RELEASED = "released"  # Its customer never came back: the provider was told that nobody waits any longer.
    EXPIRED = "expired"  # A hold that the provider has let go: recorded as a void.
    TAKEN = "taken"  # Somebody else was at it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What became of one operation, or of one hold whose time was over (then `sequence` is that of its attempt)."""

    payment: str
    order: str
    method: str
    sequence: int
    kind: str
    amount: Any
    ended: Ended
    said: str = ""


def due(*, methods: Sequence[str] = (), payments: Sequence[str] = (), at_once: bool = False) -> QuerySet[Operation]:
    """Open and unknown operations whose turn it is, oldest first; with `at_once` also those that wait for theirs."""
    found = Operation.objects.unanswered().order_by("created_at", "id")
    if not at_once:
        found = found.filter(Q(next_try_at=None) | Q(next_try_at__lte=timezone.now()))
    return _of(found, "payment__", methods, payments)  # type: ignore[no-any-return]


def overdue(*, methods: Sequence[str] = (), payments: Sequence[str] = ()) -> QuerySet[Payment]:
    """Payments whose hold should have ended by now, the longest overdue first."""
    found = Payment.objects.filter(state=Payment.State.PENDING, capture_by__lt=timezone.now())
    return _of(found.order_by("capture_by", "id"), "", methods, payments)  # type: ignore[no-any-return]


def recover_due(
    *,
    methods: Sequence[str] = (),
    payments: Sequence[str] = (),
    workers: int = 1,
    limit: int | None = None,
    at_once: bool = False,
) -> Iterator[Recovered]:
    """Try each operation that is due once, then each overdue hold, then what waits. Yields what became of it.

    Then whoever has to know is told what the clock has noticed.
    Several runs at once never take the same operation: each takes it by an UPDATE that only one can win.
    """
    found = due(methods=methods, payments=payments, at_once=at_once)
    keys = list(found.values_list("pk", flat=True)[:limit])
    yield from work(keys, lambda pk: recover_one(pk, at_once=at_once), workers=workers)
    left = None if limit is None else max(limit - len(keys), 0)
    holds = list(overdue(methods=methods, payments=payments).values_list("pk", flat=True)[:left])
    for recovered in work(holds, expire_one, workers=workers):
        if recovered is not None:
            yield recovered
    left = None if left is None else max(left - len(holds), 0)
    quiet = list(waiting.due(methods=methods, payments=payments, at_once=at_once).values_list("pk", flat=True)[:left])
    yield from work(quiet, lambda pk: look_one(pk, at_once=at_once), workers=workers)
    remind()


def recover_one(pk: int, *, at_once: bool = False) -> Recovered:
    """Take the operation, let its payment recover, and say when somebody may try again."""
    if not _take(pk, at_once=at_once):
        return _recovered(Operation.objects.get(pk=pk), Ended.TAKEN)
    operation = Operation.objects.select_related("payment__order", "payment__payment_method").get(pk=pk)
    with about(order=operation.payment.order.number, payment=operation.payment.number, operation=operation.sequence):
        return _recover(operation)


def _recover(operation: Operation) -> Recovered:
    said = ""
    try:
        operation.payment.recover(by=RECOVERY)
    except GatewayError as error:
        said = _told(error, operation)
    except Exception as error:  # One payment's trouble, whatever it is, never keeps the others waiting.
        logger.exception("Recovering operation %s of payment %s failed", operation.sequence, operation.payment)
        said = type(error).__name__
    operation.refresh_from_db()
    if operation.state in ("open", "unknown"):
        pause = min(FIRST_PAUSE * 2 ** min(operation.tries - 1, 10), LONGEST_PAUSE)
        pause *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (no secret hangs on it)
        Operation.objects.filter(pk=operation.pk).update(next_try_at=timezone.now() + pause)
    return _recovered(operation, _ended(operation), said or operation.reason or operation.message)


def expire_one(pk: int) -> Recovered | None:
    """Ask what the provider still holds; if it has let go, that is recorded as a void. None without evidence."""
    payment = Payment.objects.select_related("order", "payment_method").get(pk=pk)
    method, hold = payment.payment_method, payment.read_ledger().hold
    if hold is None or not method.capabilities.fetch or not hold.authorization:
        return None
    try:
        held = method.build_gateway().fetch(hold.authorization)
    except GatewayError as error:
        logger.warning("Payment %s: the provider did not say whether its hold has ended: %s", payment, error)
        return None
    if not held.voided:
        return None
    ended = Fact(kind="void", outcome=Outcome.APPROVED, authorization=hold.authorization, message="It expired.")
    operation = payment.apply(ended, by=RECOVERY)
    return _recovered(operation, Ended.EXPIRED, "It expired.") if operation else None


def look_one(pk: int, *, at_once: bool = False) -> Recovered:
    """Ask about an operation that waits; let go of it where its customer's time is over."""
    taken = waiting.take(pk, at_once=at_once)
    operation = Operation.objects.select_related("payment__order", "payment__payment_method").get(pk=pk)
    if not taken:
        return _recovered(operation, Ended.TAKEN)
    said, released = "", False
    try:
        released = waiting.look_or_let_go(operation)
    except GatewayError as error:
        said = _told(error, operation)
    except Exception as error:  # As in `_recover`.
        logger.exception("Looking at operation %s of payment %s failed", operation.sequence, operation.payment)
        said = type(error).__name__
    operation.refresh_from_db()
    ended = Ended.RELEASED if released else Ended.STAFF if operation.reason else _ended(operation)
    return _recovered(operation, ended, said or operation.reason or operation.message)


def _told(error: GatewayError, operation: Operation) -> str:
    """A provider that does not answer is one line, in the log and in what the command says."""
    logger.warning("Operation %s of payment %s: %s", operation.sequence, operation.payment, error)
    return f"{type(error).__name__}: {error}"


def _take(pk: int, *, at_once: bool) -> bool:
    free = Operation.objects.unanswered().filter(pk=pk)
    if not at_once:
        free = free.filter(Q(next_try_at=None) | Q(next_try_at__lte=timezone.now()))
    return bool(free.update(next_try_at=timezone.now() + LEASE, tries=F("tries") + 1))


def _of(found: Any, path: str, methods: Sequence[str], payments: Sequence[str]) -> Any:
    if methods:
        found = found.filter(**{f"{path}payment_method__code__in": methods})
    if payments:
        found = found.filter(**{f"{path}number__in": payments})
    return found


def _ended(operation: Operation) -> Ended:
    if operation.state in ("open", "unknown"):
        return Ended.STAFF if operation.reason else Ended.UNKNOWN
    return Ended.WAITING if operation.state == "waiting" else Ended.SETTLED


def _recovered(operation: Operation, ended: Ended, said: str = "") -> Recovered:
    payment = operation.payment
    return Recovered(
        payment=payment.number,
        order=payment.order.number,
        method=payment.payment_method.code,
        sequence=operation.sequence,
        kind=operation.kind,
        amount=operation.amount,
        ended=ended,
        said=said,
    )
