"""Payments that wait: for their customer, at the provider's page, or for a provider that will say later."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from payments.actors import Actor, Origin
from payments.errors import GatewayError, PaymentDeclined, UnsupportedAction
from payments.gateway_options import read_return_token
from payments.gateways.base import Fact, Kind
from payments.models import Operation, Payment

logger = logging.getLogger(__name__)

RECOVERY, CHECKOUT = Actor(Origin.RECOVERY), Actor(Origin.CHECKOUT)
FIRST_LOOK = timedelta(minutes=2)  # Until then its notice is on its way.
NEXT_LOOK, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
LEASE = timedelta(minutes=5)  # Whoever took it and was killed is not waited for any longer.
BREATH = timedelta(seconds=3)  # A customer who reloads the page asks the provider no more often than this.


# The customer who comes back


def returned(token: str, *, by: Actor = CHECKOUT) -> Payment | None:
    """The payment of a return address, after a look at what became of it. None for an address that is not ours.

    Nothing that the browser brings is believed: the provider is asked, as if nobody had come back. A provider that
    does not answer changes nothing; its notice, or the clock, will.
    """
    payment = payment_of(token)
    if payment is None or payment.state != Payment.State.PROCESSING:
        return payment
    now = timezone.now()
    for operation in payment.read_operations():
        free = Operation.objects.filter(Q(next_try_at=None) | Q(next_try_at__lte=now), pk=operation.pk)
        if operation.is_unsettled and free.update(next_try_at=now + BREATH):
            try:
                look(payment, operation, by=by)
            except GatewayError as error:
                logger.warning("Payment %s: the provider was asked and did not say: %s", payment, error)
    payment.refresh_from_db()
    return payment


def payment_of(token: str) -> Payment | None:
    number = read_return_token(token)
    found: Payment | None = (
        Payment.objects.select_related("order", "payment_method").filter(number=number).first() if number else None
    )
    return found


def look(payment: Payment, operation: Operation, *, by: Actor) -> None:
    """Ask what became of an unsettled operation, and take in the answer. Raises GatewayError.

    What is open or unknown is settled by `recover`; what waits has a handle by which it can be looked up.
    """
    if operation.state != Operation.State.WAITING:
        payment.recover(by=by)
        return
    if not payment.payment_method.capabilities.lookup:
        return
    kind = cast(Kind, operation.kind)
    found = payment.payment_method.build_gateway().lookup(
        kind=kind,
        idempotency_key=operation.idempotency_key,
        order_id=f"{payment.order.number}-{payment.number}",
        authorization=operation.authorization,
    )
    if found is not None:
        payment.apply(Fact.from_response(kind, found, idempotency_key=operation.idempotency_key), by=by)


# The clock


def due(*, methods: Sequence[str] = (), payments: Sequence[str] = (), at_once: bool = False) -> QuerySet[Operation]:
    """Operations of which nothing was heard for a while, oldest first. What was let go is waited for no longer."""
    found = Operation.objects.filter(
        ~Q(idempotency_key=""),
        Q(kind="refund") | Q(payment__state=Payment.State.PROCESSING),
        state=Operation.State.WAITING,
    )
    if not at_once:
        now = timezone.now()
        found = found.filter(Q(next_try_at=None) | Q(next_try_at__lte=now), created_at__lte=now - FIRST_LOOK)
    if methods:
        found = found.filter(payment__payment_method__code__in=methods)
    if payments:
        found = found.filter(payment__number__in=payments)
    return cast("QuerySet[Operation]", found.order_by("created_at", "id"))


def take(pk: int, *, at_once: bool = False) -> bool:
    """Whether it is ours to look at now: of several that try, one gets it."""
    free = Operation.objects.filter(pk=pk, state=Operation.State.WAITING)
    if not at_once:
        free = free.filter(Q(next_try_at=None) | Q(next_try_at__lte=timezone.now()))
    return bool(free.update(next_try_at=timezone.now() + LEASE, tries=F("tries") + 1))


def look_or_let_go(operation: Operation) -> bool:
    """Look at a waiting operation that was taken; give it up if its customer's time is over. Whether it was given up.

    Raises GatewayError where the provider did not say.
    """
    payment = operation.payment
    try:
        look(payment, operation, by=RECOVERY)
        operation.refresh_from_db()
        if operation.state == Operation.State.WAITING and _is_abandoned(operation):
            return _let_go(payment, operation)
        return False
    finally:
        pause = min(NEXT_LOOK * 2 ** min(operation.tries - 1, 10), LONGEST_PAUSE)
        pause = pause * random.randint(75, 125) / 100  # noqa: S311 (so that not all come back at the same moment)
        if operation.next_action is not None:
            pause = min(pause, max(_end_of(operation) - timezone.now(), NEXT_LOOK))
        waiting = Operation.objects.filter(pk=operation.pk, state=Operation.State.WAITING)
        waiting.update(next_try_at=timezone.now() + pause)


def _end_of(operation: Operation) -> datetime:
    return operation.created_at + timedelta(minutes=settings.PAYMENTS.get("PAGE_LIFETIME_MINUTES", 60))


def _is_abandoned(operation: Operation) -> bool:
    """Only the customer can be late. A provider that will say later says so in its own time."""
    return bool(operation.is_attempt and operation.next_action is not None and timezone.now() >= _end_of(operation))


def _let_go(payment: Payment, operation: Operation) -> bool:
    """Tell the provider that nobody waits any longer, so that the order can be paid anew."""
    try:
        payment.void_transaction(by=RECOVERY)
    except UnsupportedAction as error:
        reason = f"The customer never came back, and the page cannot be closed: {error.message}"
        Operation.objects.filter(pk=operation.pk, state=Operation.State.WAITING).update(reason=reason)
        return False
    except PaymentDeclined:
        look(payment, operation, by=RECOVERY)  # It is paid after all, or over.
        return False
    return True
