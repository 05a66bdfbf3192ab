"""Everyday batches: which payments are captured or voided, which are held back and why, and the run itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from payments.actors import Actor, Origin
from payments.errors import GatewayError, GatewayUnavailable, InvalidAmount, PaymentDeclined
from payments.logs import about
from payments.models import Operation, Payment
from payments.models.asking import lend_connection
from payments.money import Money
from payments.pacing import Pacing
from payments.workers import work

logger = logging.getLogger(__name__)

BATCH = Actor(Origin.BATCH)
PAGE = 500
TRIES = 4  # Of one payment, while the provider was too busy or down and surely did nothing.


class Result(StrEnum):
    DONE = "done"
    DECLINED = "declined"
    UNKNOWN = "unknown"  # Asked, and the answer was lost: it is recovered, not asked again.
    HELD = "held"  # Not asked, for a reason.


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which payments are meant. Amounts are major units; `older_than` counts from when the payment was made."""

    methods: Sequence[str] = ()
    currency: str = ""
    older_than: timedelta | None = None
    capture_by: datetime | None = None
    shipped: bool = False
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    orders: Sequence[str] = ()

    def payments(self) -> QuerySet[Payment]:
        """Payments with a hold, soonest to expire first, then oldest first."""
        found = Payment.objects.filter(state=Payment.State.PENDING)
        if self.methods:
            found = found.filter(payment_method__code__in=self.methods)
        if self.currency:
            found = found.filter(currency=self.currency)
        if self.older_than is not None:
            found = found.filter(created_at__lte=timezone.now() - self.older_than)
        if self.capture_by is not None:
            found = found.filter(capture_by__lte=self.capture_by)
        if self.shipped:
            found = found.filter(order__shipped_at__isnull=False)
        if self.amount_from is not None:
            found = found.filter(amount__gte=self.amount_from)
        if self.amount_to is not None:
            found = found.filter(amount__lte=self.amount_to)
        if self.orders:
            found = found.filter(order__number__in=self.orders)
        return found.order_by(F("capture_by").asc(nulls_last=True), "id")  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One payment of the plan. `held`: why it is not asked for, "" where it is."""

    pk: int
    order: str
    payment: str = ""
    method: str = ""
    amount: Money | None = None
    held: str = ""
    seen: Payment | None = None  # As the plan read it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What became of one payment."""

    candidate: Candidate
    result: Result
    said: str = ""


def plan(selection: Selection, verb: str) -> Iterator[Candidate]:
    """Everything that is selected, in the order in which it is asked for, page by page.

    `verb` is "capture" or "void". What is held back is in the plan with its reason: nothing drops out unseen, nor
    does an order that was named and has nothing to be captured.
    """
    if selection.orders:
        yield from _of_named_orders(selection, verb)
        return
    found, last = _readied(selection), None
    while page := list((found if last is None else _after(found, last))[:PAGE]):
        for payment in page:
            yield _candidate(payment, verb)
        last = page[-1]


def _of_named_orders(selection: Selection, verb: str) -> Iterator[Candidate]:
    """A list may be longer than one statement takes, and its order is not ours."""
    numbers = list(dict.fromkeys(selection.orders))
    keys: list[tuple[bool, Any, int]] = []
    named: set[str] = set()
    for begin in range(0, len(numbers), PAGE):
        part = replace(selection, orders=numbers[begin : begin + PAGE]).payments()
        for capture_by, pk, number in part.values_list("capture_by", "pk", "order__number"):
            keys.append((capture_by is None, capture_by or 0, pk))
            named.add(number)
    for number in numbers:
        if number not in named:
            yield Candidate(pk=0, order=number, held=_("no payment of this order fits the selection"))
    ordered = [pk for _no_end, _end, pk in sorted(keys)]
    everything = _readied(Selection())
    for begin in range(0, len(ordered), PAGE):
        page = ordered[begin : begin + PAGE]
        by_key = {payment.pk: payment for payment in everything.filter(pk__in=page)}
        yield from (_candidate(by_key[pk], verb) for pk in page if pk in by_key)


def _readied(selection: Selection) -> Any:
    unanswered = Operation._base_manager.filter(payment=OuterRef("pk"), state__in=("open", "unknown", "waiting"))
    return (
        selection.payments()
        .select_related("order", "payment_method")
        .annotate(is_unanswered=Exists(unanswered))
        .only(
            *("number", "state", "amount", "captured_amount", "currency", "review_reason", "capture_by"),
            *("avs_response", "cvv_response_code", "order__number", "order__approved_at", "order__currency"),
            *("payment_method__code", "payment_method__gateway"),
        )
    )


def _after(found: Any, last: Payment) -> Any:
    """What follows in the order of the plan: by the same two columns, so that no page is read twice."""
    if last.capture_by is None:
        return found.filter(capture_by=None, pk__gt=last.pk)
    later = Q(capture_by__gt=last.capture_by) | Q(capture_by=last.capture_by, pk__gt=last.pk) | Q(capture_by=None)
    return found.filter(later)


def _candidate(payment: Any, verb: str) -> Candidate:
    return Candidate(
        pk=payment.pk,
        payment=payment.number,
        order=payment.order.number,
        method=payment.payment_method.code,
        amount=payment.uncaptured_amount,
        held=_held(payment, verb),
        seen=payment if verb == "capture" else None,
    )


def _held(payment: Any, verb: str) -> str:
    if payment.is_unanswered:
        return _("an answer is missing: recover it first")
    if payment.review_reason:
        return _("it needs review: %(reason)s") % {"reason": payment.review_reason}
    if verb == "capture" and payment.is_risky and not payment.order.approved_at:
        return _("it is risky, and nobody has approved the order")
    return ""


def run(candidates: Iterator[Candidate], verb: str, *, pacing: Pacing, workers: int) -> Iterator[Handled]:
    """Ask for each in turn; yields what became of each, as it is known. One payment's failure stops nothing.

    Whoever stops it, or kills it, may start it again: what was asked is in the journal, and is not asked twice.
    """
    yield from work(candidates, lambda each: handle(each, verb, pacing=pacing), workers=workers)


def handle(candidate: Candidate, verb: str, *, pacing: Pacing) -> Handled:
    """Capture or void one payment, within its method's pace; while the provider is down, wait for it."""
    with about(order=candidate.order, payment=candidate.payment):
        return _handle(candidate, verb, pacing)


def _handle(candidate: Candidate, verb: str, pacing: Pacing) -> Handled:
    if candidate.held:
        return Handled(candidate=candidate, result=Result.HELD, said=candidate.held)
    for _try in range(TRIES):
        pacing.wait(candidate.method)
        result, said = _ask(candidate, verb, pacing)
        if result is not None:
            return Handled(candidate=candidate, result=result, said=said)
    return Handled(candidate=candidate, result=Result.HELD, said=said)


def _ask(candidate: Candidate, verb: str, pacing: Pacing) -> tuple[Result | None, str]:
    """What became of it; no result where it surely was not done and may be asked for again."""
    # A capture looks for itself whether somebody was quicker since the plan was made, a void is not to go further.
    payment = candidate.seen or Payment.objects.get(pk=candidate.pk)
    if payment.state != Payment.State.PENDING:
        return _too_late(payment)
    try:
        done = payment.capture(by=BATCH) if verb == "capture" else payment.void_transaction(by=BATCH)
    except PaymentDeclined as error:
        pacing.answered(candidate.method)
        return Result.DECLINED, error.message
    except GatewayUnavailable as error:
        pacing.silent(candidate.method, retry_after=error.retry_after)
        return _look_up(payment, verb, error.message, pacing)
    except (GatewayError, InvalidAmount, TransitionNotAllowed) as error:
        return Result.HELD, str(error)
    except Exception as error:  # Its operation is unknown, and in the journal; the others go on.
        logger.exception("Payment %s: %s failed", candidate.payment, verb)
        return Result.UNKNOWN, type(error).__name__
    if done is None:
        return _too_late(payment)
    pacing.answered(candidate.method)
    return Result.DONE, ""


def _too_late(payment: Payment) -> tuple[Result, str]:
    return Result.HELD, _("it is %(state)s by now") % {"state": payment.get_state_display()}


def _look_up(payment: Payment, verb: str, said: str, pacing: Pacing) -> tuple[Result | None, str]:
    """Once the provider is there again: what became of the request whose answer was lost."""
    if payment.read_ledger().unanswered is not None:
        lend_connection()
        pacing.wait(payment.payment_method.code)
        payment.recover(by=BATCH)
        if payment.read_ledger().unanswered is not None:
            return Result.UNKNOWN, said
        pacing.answered(payment.payment_method.code)
    asked = payment.operations.filter(kind=verb).latest("sequence")
    if asked.state == Operation.State.SUCCEEDED:
        return Result.DONE, ""
    return (Result.DECLINED, asked.message) if asked.state == Operation.State.DECLINED else (None, said)
