"""What is told of a payment's facts: the reactions that the settling transaction queues, each once per fact.

Their key is the payment's number and the operation's id; `operation_of` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payments.actors import Actor, Origin
from payments.models.operation import Operation
from payments.models.reaction import Reaction
from payments.models.states import FAILED

if TYPE_CHECKING:
    from payments.models.payment import Payment

REFUNDED, PAYMENT_FAILED = "payment.refunded", "payment.failed"
ACTION_NEEDED, EXPIRING = "payment.action_needed", "payment.expiring"
TOPICS = (REFUNDED, PAYMENT_FAILED, ACTION_NEEDED, EXPIRING)

# Through these doors comes what no customer is looking at. At checkout the page says it.
AWAY = (Origin.WEBHOOK, Origin.RECOVERY, Origin.BATCH)
ASKED_WITHOUT_CUSTOMER = (Origin.STAFF, Origin.BATCH)


def announce(payment: Payment, changed: Operation, *, was: str, by: Actor) -> None:
    """Queue what `changed`, written in this transaction, gives to tell. `was` is the payment's state before it."""
    if changed.kind == Operation.Kind.REFUND:
        if changed.state == Operation.State.SUCCEEDED:
            Reaction.objects.queue(REFUNDED, key_of(payment, changed))
    elif payment.state == FAILED != was and changed.state == Operation.State.DECLINED and by.origin in AWAY:
        Reaction.objects.queue(PAYMENT_FAILED, key_of(payment, changed))
    elif waits_for_customer(changed) and changed.origin in ASKED_WITHOUT_CUSTOMER:
        Reaction.objects.queue(ACTION_NEEDED, key_of(payment, changed))


def hand_on(before: Operation, after: Operation) -> None:
    """A refund that one operation was taken for is another's: what was told of it is not told again."""
    if before.kind == Operation.Kind.REFUND:
        Reaction.objects.rename(REFUNDED, key_of(before.payment, before), key_of(before.payment, after))


def waits_for_customer(operation: Operation) -> bool:
    return operation.state == Operation.State.WAITING and operation.next_action is not None


def key_of(payment: Payment, operation: Operation) -> str:
    return f"{payment.number}-{operation.pk}"


def operation_of(reaction: Reaction) -> Operation:
    """The operation that a reaction of these topics is about, with its payment and order."""
    found: Any = Operation.objects.select_related("payment__payment_method", "payment__order")
    return found.get(pk=reaction.key.rpartition("-")[2])  # type: ignore[no-any-return]
