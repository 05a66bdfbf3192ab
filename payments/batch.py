"""Everyday batches: which payments are captured or voided, which are held back and why, and the run itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from payments.capturing import Capturing
from payments.models import Operation, Payment
from payments.outcomes import Candidate, Handled, Result, handle
from payments.pacing import Pacing
from payments.workers import shares_one_connection, work

__all__ = ["Candidate", "Handled", "Result", "Selection", "handle", "plan", "run"]

PAGE = 500


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
    if verb == "capture" and workers > 1 and not shares_one_connection():
        yield from Capturing(candidates, pacing=pacing, workers=workers).run()
        return
    yield from work(candidates, lambda each: handle(each, verb, pacing=pacing), workers=workers)
