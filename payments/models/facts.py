"""Which operation a fact is about, and what the fact does to it."""

from __future__ import annotations

from copy import copy
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models.base import ModelState
from django.utils import timezone
from django.utils.translation import gettext as _

from payments.actors import Actor
from payments.errors import InvalidAmount
from payments.gateways.base import Fact, Outcome
from payments.models.announcing import hand_on
from payments.models.operation import Operation
from payments.models.refund import Refund
from payments.models.rows import update_row
from payments.money import from_minor

if TYPE_CHECKING:
    from payments.models.payment import Payment

SETTLES = {
    Outcome.APPROVED: "succeeded",
    Outcome.DECLINED: "declined",
    Outcome.ACTION_REQUIRED: "waiting",
    Outcome.PROCESSING: "waiting",
}
# Evidence only ever adds: what was proved done stays done, and a late refusal undoes nothing.
WEIGHT = {"open": 0, "unknown": 0, "canceled": 1, "waiting": 2, "declined": 3, "succeeded": 4}


# Which operation a fact is about


def named_by(fact: Fact, operations: list[Operation]) -> Operation | None:
    """The operation that its key or its reference names, else the one unsettled operation of kind and amount."""
    if fact.idempotency_key:
        for operation in operations:
            if operation.idempotency_key == fact.idempotency_key:
                return operation
    if fact.reference:
        for operation in operations:
            if operation.reference == fact.reference and _one_kind(operation.kind) == _one_kind(fact.kind):
                return operation
    if fact.disputed:
        return None  # Nothing that we asked for, whatever its amount.
    return (
        _only_unsettled(fact, operations, exact=True)
        or _only_unsettled(fact, operations, exact=False)
        or _repeated(fact, operations)
    )


def _only_unsettled(fact: Fact, operations: list[Operation], *, exact: bool) -> Operation | None:
    fits = [
        operation
        for operation in operations
        if operation.is_unsettled
        and (operation.kind == fact.kind or (not exact and _one_kind(operation.kind) == _one_kind(fact.kind)))
        and not (operation.reference and fact.reference)
        and _amount_fits(fact, operation)
        and _handle_fits(fact, operation, operations)
    ]
    return fits[0] if len(fits) == 1 else None


def _repeated(fact: Fact, operations: list[Operation]) -> Operation | None:
    """The deed that a fact without a key and a reference repeats: one hold is made, taken by a sale and let go once.

    Captures and refunds may be several of one amount, so one of them is never a repeat of another.
    """
    if fact.reference or not fact.authorization or fact.kind == "refund":
        return None
    for operation in reversed(operations):
        if _one_kind(operation.kind) != _one_kind(fact.kind) or operation.kind == fact.kind == "capture":
            continue
        if fact.authorization in _handles(operation, operations) and _amount_fits(fact, operation):
            return operation
    return None


def _handles(operation: Operation, operations: list[Operation]) -> set[str]:
    """The authorizations under which a provider may speak of this operation, as far as we know them."""
    attempt = next((each.authorization for each in operations if each.pk == operation.attempt_id), "")
    return {code for code in (operation.authorization, attempt) if code}


def _handle_fits(fact: Fact, operation: Operation, operations: list[Operation]) -> bool:
    known = _handles(operation, operations)
    return not fact.authorization or not known or fact.authorization in known


def _amount_fits(fact: Fact, operation: Operation) -> bool:
    if fact.amount_minor is None or fact.kind == "void":
        return True
    return bool(operation.amount == from_minor(fact.amount_minor, operation.currency))


def _one_kind(kind: str) -> str:
    """A purchase is an authorization and a capture in one; providers report it as either."""
    return "capture" if kind == "purchase" else kind


def learned(payment: Payment, fact: Fact, operations: list[Operation], by: Actor) -> Operation:
    """An operation of its own for a deed that we did not ask for."""
    ledger = payment.ledger_of(operations)
    if fact.amount_minor is not None:
        amount = from_minor(fact.amount_minor, payment.currency).amount
    elif fact.kind == "void":
        amount = ledger.held_of(ledger.hold)
    elif fact.kind == "refund":
        amount = ledger.captured - ledger.refunded
    else:
        amount = payment.uncaptured_amount.amount
    operation = Operation(
        payment=payment,
        sequence=ledger.next_sequence,
        kind=fact.kind,
        currency=payment.currency,
        amount=max(amount, Decimal(0)),
        final=not payment.payment_method.capabilities.multiple_captures,
        origin=by.origin,
        user=by.user,
        state_before=payment.state,
    )
    operations.append(operation)
    return operation


def is_foreign(payment: Payment, fact: Fact) -> bool:
    """A fact in another currency cannot be counted here: staff must see it."""
    if not fact.currency or fact.currency.upper() == str(payment.currency):
        return False
    if fact.idempotency_key and payment.operations.filter(idempotency_key=fact.idempotency_key).exists():
        return False  # The answer to our own question: its operation becomes unknown, see `settle`.
    if fact.outcome is Outcome.APPROVED and not payment.review_reason:
        payment.review_reason = _("The provider reports %(kind)s of %(amount)s in %(currency)s.") % {
            "kind": fact.kind,
            "amount": fact.amount_minor,
            "currency": fact.currency,
        }
        payment.write("review_reason")
    return True


# What a fact does to its operation


def settle(operation: Operation, fact: Fact) -> bool:
    """Close the operation as the fact says; False if that says nothing new."""
    before = _said(operation)
    if fact.kind == "purchase" and operation.kind == "capture" and not operation.asked:
        operation.kind = Operation.Kind.PURCHASE  # A provider that called it a capture said less of the same deed.
        if not operation._state.adding:
            update_row(operation, "kind")
    certain = _is_certain(operation, fact)
    state = SETTLES[fact.outcome]
    mismatch = _mismatch(operation, fact)
    heavier = _outweighs(operation, state, fact.reference) or (state == "waiting" == operation.state)
    if mismatch and operation.is_unsettled:
        operation.state, operation.reason = Operation.State.UNKNOWN, mismatch
        operation.answered_at = timezone.now()
        _fill(operation, fact)
    elif mismatch or not (operation._state.adding or heavier):
        _fill(operation, fact)
    else:
        _close(operation, fact, state)
        operation.guessed = operation.asked and not certain
    if certain and operation.state == Operation.State.SUCCEEDED:
        operation.guessed = False
    return operation._state.adding or before != _said(operation)


def _outweighs(operation: Operation, state: str, reference: str) -> bool:
    """Evidence only adds. But a refund that was done may bounce: of one reference, the refusal is the last word."""
    one_refund = operation.kind == Operation.Kind.REFUND and bool(reference) and reference == operation.reference
    if one_refund and {state, operation.state} == {"succeeded", "declined"}:
        return state == "declined"
    return WEIGHT[state] > WEIGHT[operation.state]


def _said(operation: Operation) -> tuple[object, ...]:
    names = ("kind", "state", "reason", "next_action", "authorization", "reference", "guessed")
    return tuple(getattr(operation, name) for name in names)


def _is_certain(operation: Operation, fact: Fact) -> bool:
    """Whether the fact names this operation by its key, or by a reference that its key had brought."""
    if operation.idempotency_key == fact.idempotency_key:
        return True
    return bool(fact.reference) and fact.reference == operation.reference and not operation.guessed


def _close(operation: Operation, fact: Fact, state: str) -> None:
    operation.state, operation.reason = state, ""
    operation.message, operation.error_code = fact.message, fact.error_code[:64]
    operation.next_action = dict(fact.next_action) if fact.next_action else None
    operation.params = {**fact.params, **({"dispute": "lost"} if fact.disputed and state == "succeeded" else {})}
    operation.occurred_at = fact.occurred_at
    operation.answered_at = timezone.now()
    # The names follow the fact that decides: what was refused as one charge may be approved as the next.
    operation.authorization = fact.authorization or operation.authorization
    operation.reference = fact.reference or operation.reference


def tell_apart(operation: Operation, fact: Fact, operations: list[Operation]) -> bool:
    """Our own answer under another reference: two tries of one request, or a deed that was wrongly taken for ours.

    True if another operation says something else now.
    """
    if not operation.asked or fact.idempotency_key != operation.idempotency_key:
        return False
    state = SETTLES[fact.outcome]
    differ = bool(fact.reference and operation.reference and fact.reference != operation.reference)
    other_deed = differ or (state == "declined" and not fact.reference)
    if operation.guessed and operation.state == "succeeded" and other_deed:
        changed = _refile(operation, operation.reference, "succeeded", operations)
        operation.state = Operation.State.UNKNOWN
        return changed
    if differ and not operation.state == state == "succeeded":  # Done once, whatever the names.
        follows = WEIGHT[state] > WEIGHT[operation.state] or operation.state == state == "waiting"
        return _refile(operation, operation.reference if follows else fact.reference, "declined", operations)
    return False


def _refile(operation: Operation, reference: str, state: str, operations: list[Operation]) -> bool:
    """Keep `reference` as an operation of its own, and let go of it here. False where it is kept already."""
    if not reference:
        return False
    if operation.reference == reference:
        operation.reference = ""
        update_row(operation, "reference")
    for known in operations:
        if known.reference == reference and _one_kind(known.kind) == _one_kind(operation.kind):
            heavier = not known.asked and WEIGHT[state] > WEIGHT[known.state]
            if heavier:  # It was heard of by its own name, before we learned whose it is.
                known.state = state
                update_row(known, "state")
            return heavier
    other = copy(operation)
    other.pk, other._state = None, ModelState()
    other.sequence = max(each.sequence for each in operations) + 1
    other.reference, other.state, other.reason = reference, state, ""
    other.idempotency_key, other.attempt, other.guessed = "", None, False
    other.write()
    if other.kind == Operation.Kind.REFUND:
        Refund.objects.create(payment=other.payment, operation=other)
        if state == "succeeded":
            hand_on(operation, other)
    operations.append(other)
    return True


def _fill(operation: Operation, fact: Fact) -> None:
    """Keep the handles that the fact adds; an answer without them never wipes the earlier ones."""
    operation.authorization = operation.authorization or fact.authorization
    operation.reference = operation.reference or fact.reference


def _mismatch(operation: Operation, fact: Fact) -> str:
    """Why an approval is not what was asked, or ""."""
    if fact.outcome is not Outcome.APPROVED or not operation.asked:
        return ""
    if fact.currency and fact.currency.upper() != str(operation.currency):
        return f"The provider answered in {fact.currency.upper()}; {operation.currency} was asked."
    if fact.amount_minor is None or operation.kind == Operation.Kind.VOID:
        return ""
    try:
        answered = from_minor(fact.amount_minor, operation.currency)
    except InvalidAmount as error:
        return str(error)
    if answered != operation.amount:
        return f"The provider answered {answered.amount} {operation.currency}; {operation.amount.amount} was asked."
    return ""


def fold(operations: list[Operation], *, into: Operation) -> None:
    """Let go of what was learned earlier of the same deed, now that the operation that asked for it has its name."""
    if not into.reference or into.state == Operation.State.UNKNOWN:
        return
    for other in operations:
        same = other.reference == into.reference and _one_kind(other.kind) == _one_kind(into.kind)
        if other is not into and same and not other.asked:
            if _outweighs(into, other.state, other.reference):
                into.state = other.state
            other.state, other.reference = Operation.State.CANCELED, ""
            other.message = f"The same as #{into.sequence}."
            other.save(update_fields=["state", "reference", "message"])
            hand_on(other, into)
