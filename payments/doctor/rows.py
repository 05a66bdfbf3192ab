"""Whether the rows of a payment fit each other: refunds, currencies, keys, sums in their order (laws 1, 2, 5 and 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import CharField, Count, F, Q, Value
from django.db.models.functions import Cast, Concat

from payments.doctor.findings import PAGE, Check, Seen, Severity, written
from payments.models import Operation, Payment, Refund
from payments.models.operation import UNANSWERED

OPERATION = ("payment__order__number", "payment__number", "sequence", "kind", "state")


def unexplained() -> Iterator[Seen]:
    backwards = Q(refunded_amount__gt=F("captured_amount")) | Q(captured_amount__gt=F("authorized_amount"))
    below = Q(authorized_amount__lt=0) | Q(captured_amount__lt=0) | Q(refunded_amount__lt=0)
    found = Payment.objects.filter((backwards & Q(review_reason="")) | below).order_by()
    sums = ("authorized_amount", "captured_amount", "refunded_amount")
    for order, payment, currency, *amounts in _rows(found, "order__number", "number", "currency", *sums):
        authorized, captured, refunded = (written(amount, currency) for amount in amounts)
        says = f"refunded {refunded}, captured {captured}, authorized {authorized}, and no reason for a review"
        yield Seen(order=order, payment=payment, says=says)


def refunds() -> Iterator[Seen]:
    strangers = Refund.objects.exclude(operation__kind="refund", operation__payment=F("payment")).order_by()
    names = (
        "payment__order__number",
        "payment__number",
        "operation__sequence",
        "operation__kind",
        "operation__payment",
    )
    for order, payment, sequence, kind, _of in _rows(strangers, *names):
        yield Seen(order=order, payment=payment, operation=sequence, says=f"a refund is read from a {kind} not its own")
    alone = Operation.objects.filter(kind="refund", refund=None).exclude(state="canceled").order_by()
    for order, payment, sequence, _kind, state in _rows(alone, *OPERATION):
        yield Seen(order=order, payment=payment, operation=sequence, says=f"a refund that {state} has no Refund row")


def currencies() -> Iterator[Seen]:
    found = Operation.objects.exclude(currency=F("payment__currency")).order_by()
    for order, payment, sequence, kind, _state, ours, theirs in _rows(
        found, *OPERATION, "currency", "payment__currency"
    ):
        says = f"the {kind} is in {ours}, its payment in {theirs}"
        yield Seen(order=order, payment=payment, operation=sequence, says=says)


def unanswered_twice() -> Iterator[Seen]:
    found = Operation.objects.filter(state__in=UNANSWERED).values("payment__order__number", "payment__number")
    for row in found.annotate(count=Count("pk")).filter(count__gt=1).order_by().iterator(chunk_size=PAGE):
        says = f"{row['count']} operations have no answer, one at most may have none"
        yield Seen(order=row["payment__order__number"], payment=row["payment__number"], says=says)


def keys() -> Iterator[Seen]:
    own = Concat(F("payment__number"), Value("-"), F("kind"), Value("-"), Cast("sequence", CharField()))
    found = Operation.objects.exclude(idempotency_key="").exclude(idempotency_key=own).order_by()
    for order, payment, sequence, kind, _state, key in _rows(found, *OPERATION, "idempotency_key"):
        says = f"its key is {key}, not {payment}-{kind}-{sequence}: it may be somebody else's answer"
        yield Seen(order=order, payment=payment, operation=sequence, says=says)


def _rows(found: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    return found.values_list(*names).iterator(chunk_size=PAGE)  # type: ignore[no-any-return]


BY_HAND = (
    "No verb writes such a row: find out what wrote to the database past the shop, and compare the payment with the "
    "provider (payments_doctor --provider) before anything is asked of it."
)

ROWS = (
    Check(
        name="sums_in_order",
        severity=Severity.MONEY,
        law="Refunded ≤ captured ≤ authorized and none below zero, or the payment says why it needs review.",
        remedy="Compare the payment with the provider's page, and have its sums written anew: "
        "docs/how-to/runbooks/figures-that-differ.md.",
        look=unexplained,
    ),
    Check(
        name="refund_rows",
        severity=Severity.MONEY,
        law="A refund is read from one refund operation of its own payment, and each refund operation has its refund.",
        remedy=BY_HAND,
        look=refunds,
    ),
    Check(
        name="operation_currency",
        severity=Severity.MONEY,
        law="An operation is in the currency of its payment.",
        remedy=BY_HAND,
        look=currencies,
    ),
    Check(
        name="one_unanswered",
        severity=Severity.MONEY,
        law="At most one operation of a payment has no answer.",
        remedy="Run manage.py recover_payments --at-once --payment with this number, and look at the provider's page "
        "before anything more is asked.",
        look=unanswered_twice,
    ),
    Check(
        name="idempotency_keys",
        severity=Severity.MONEY,
        law="An operation's key is made of its own payment, kind and sequence.",
        remedy=BY_HAND,
        look=keys,
    ),
)
