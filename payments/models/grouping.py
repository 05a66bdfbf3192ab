"""Several captures claimed, and several answers taken in, in one transaction each: the verbs' rules, few statements.

The rows are locked by one statement that passes over what somebody else holds, so that no group ever waits, and read by
one more; what the rules write is gathered. Whoever is passed over, and every one of a group that fails, goes alone.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db import transaction
from django.db.models import Q
from django_fsm import TransitionNotAllowed

from payments.actors import Actor
from payments.errors import GatewayError, InvalidAmount
from payments.gateways.base import Fact, Kind, Response
from payments.logs import about
from payments.models.claim import Claim
from payments.models.gathering import MOST, gathering, padded
from payments.models.intending import intend_capture
from payments.models.operation import Operation
from payments.models.payment import Payment
from payments.models.prepared import Prepared
from payments.models.settling import IN_THE_WAY, JOINED

logger = logging.getLogger(__name__)
REFUSED = (GatewayError, InvalidAmount, TransitionNotAllowed)


def _locked(*joined: str) -> Prepared:
    """Order before payment, and the orders in one sequence: groups never hold what another one waits for."""
    return Prepared(
        lambda *pks: (
            Payment._base_manager.select_related(*joined)
            .select_for_update(no_key=True, skip_locked=True, of=("order", "self"))
            .filter(pk__in=pks)
            .order_by("order_id", "id")
        )
    )


def _operations_of_orders(*ids: int) -> Any:
    pks, orders = ids[:MOST], ids[MOST:]
    wanted = Q(payment__in=pks) | IN_THE_WAY
    return Operation._base_manager.filter(wanted, payment__order__in=orders).order_by("sequence")


LOCK_TO_ASK = _locked(*JOINED)
LOCK_TO_SETTLE = _locked("payment_method", "order")
OPERATIONS = Prepared(lambda *pks: Operation._base_manager.filter(payment__in=pks).order_by("sequence"))
OPERATIONS_OF_ORDERS = Prepared(_operations_of_orders)


@dataclass(slots=True)
class Claimed:
    """What a claim came to: an operation to ask for, a refusal, or neither where there is nothing to do."""

    claim: Claim
    operation: Operation | None = None
    refusal: Exception | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A claimed operation with the provider's answer."""

    claim: Claim
    operation: Operation
    response: Response


def claim_captures(pks: Sequence[int], *, by: Actor) -> dict[int, Claimed]:
    """Claim the capture of all that these hold, by payment. Who is not in it was passed over: capture it alone.

    At most MOST of different orders. If this raises, nothing is claimed.
    """
    claimed: dict[int, Claimed] = {}
    with transaction.atomic(durable=True):
        held = _one_of_each_order(LOCK_TO_ASK(*padded(pks)))
        if not held:
            return claimed
        orders = {payment.order_id: payment for payment in held.values()}
        mine: dict[int, list[Operation]] = {pk: [] for pk in held}
        others: dict[int, list[Operation]] = {order: [] for order in orders}
        for operation in OPERATIONS_OF_ORDERS(*padded([*held]), *padded([*orders])):
            if operation.payment_id in held:
                mine[operation.payment_id].append(operation)
            else:
                others[operation.payment.order_id].append(operation)
        with gathering(new=Operation) as kept:
            for pk, payment in held.items():
                claim = Claim(payment, payment.ledger_of(mine[pk]), others[payment.order_id])
                claimed[pk] = Claimed(claim)
                try:
                    with kept.all_or_nothing():
                        claimed[pk].operation = intend_capture(claim, by=by)
                except REFUSED as refusal:
                    claimed[pk].refusal = refusal
            kept.write()
    return claimed


def settle_together(answered: Sequence[Answered], *, by: Actor) -> dict[int, Operation]:
    """Apply the answers, by payment: the operation that each has settled. Who is not in it goes through `take_in`.

    At most MOST, of different orders. If this raises, nothing is applied.
    """
    settled: dict[int, Operation] = {}
    by_payment = {each.claim.payment.pk: each for each in answered}
    with transaction.atomic(durable=True):
        held = _one_of_each_order(LOCK_TO_SETTLE(*padded([*by_payment])))
        if not held:
            return settled
        operations: dict[int, list[Operation]] = {pk: [] for pk in held}
        for operation in OPERATIONS(*padded([*held])):
            operations[operation.payment_id].append(operation)
        with gathering() as kept:
            for pk, payment in held.items():
                with _about(by_payment[pk]):
                    asked, response = by_payment[pk].operation, by_payment[pk].response
                    key = asked.idempotency_key
                    fact = Fact.from_response(cast(Kind, asked.kind), response, idempotency_key=key)
                    settled[pk] = payment.take_fact(fact, operations[pk], by=by) or asked
            kept.write()
            kept.tell_orders(by=by)
    for pk, operation in settled.items():
        with _about(by_payment[pk]):
            logger.info("%s is %s", operation.kind, operation.state)
    return settled


def _one_of_each_order(found: Sequence[Payment]) -> dict[int, Payment]:
    """What one payment of an order does, another has to see: it takes its turn later."""
    return {payment.pk: payment for payment in {each.order_id: each for each in reversed(found)}.values()}


def _about(answered: Answered) -> Any:
    payment = answered.claim.payment
    return about(order=payment.order.number, payment=payment.number, operation=answered.operation.sequence)
