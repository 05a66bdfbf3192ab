"""What a verb would do, without doing it: the same demands and the same arithmetic, and nothing is kept.

A preview that computed for itself what a verb does would one day say something else than the verb.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.db import models, transaction
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from payments.actors import SYSTEM, Actor
from payments.errors import GatewayError, InvalidAmount, UnsupportedAction
from payments.gateways.base import Fact, Kind, Outcome
from payments.models.claim import Claim, Draft, fingerprint
from payments.models.intending import intend_capture, intend_collect, intend_refund, intend_void, must_refund
from payments.models.operation import Operation
from payments.models.settling import LOCK_TO_ASK
from payments.models.states import State
from payments.money import Money, to_minor

if TYPE_CHECKING:
    from payments.models.payment import Payment

VERBS = ("process", "capture", "void", "refund", "cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How payment and order stand, and how they would stand if the provider did what it would be asked.

    `asked` are the operations that would be opened, in their order, unsaved and with their idempotency keys; none
    where nobody would be asked. `before` and `after` are payments with their `order`.
    """

    fingerprint: str
    asked: tuple[Operation, ...]
    before: Payment
    after: Payment


class Rehearsing(models.Model):
    class Meta:
        abstract = True

    if TYPE_CHECKING:
        pk: Any

        def _look(self) -> Claim: ...

    def fingerprint(self) -> str:
        """What there is to see of this payment now; verbs take it as `expect`."""
        claim = self._look()
        return fingerprint(claim.payment, claim.ledger)

    def look(self) -> Draft:
        """This payment, its ledger and its order's other attempts as they are now, without a lock."""
        payment = self._look().payment
        return Draft(payment, *payment.read_ledger_and_others())

    def may(self, verb: str, amount: Any = None, *, final: bool = True, draft: Draft | None = None) -> str:
        """Why this verb (one of VERBS) cannot be asked for now, in a sentence; "" if it can.

        The state and the gateway's abilities decide, not anybody's permission. `amount` in major units.
        """
        draft = draft or self.look()
        try:
            why_not = _nothing_to_do(verb, draft)
            if not why_not:
                _intend(draft, verb, amount, final=final, by=SYSTEM)
        except UnsupportedAction as error:
            return error.message
        except (GatewayError, InvalidAmount, TransitionNotAllowed) as error:
            return str(error)
        return why_not

    def rehearse(self, verb: str, amount: Any = None, *, final: bool = True, by: Actor = SYSTEM) -> Rehearsal:
        """Run `verb` as if the provider did what it was asked, look at the end, and take everything back.

        Nobody is asked, nothing is written, no reaction runs. Raises as the verb would before it asks.
        """
        with transaction.atomic():
            payment: Any = self
            locked = payment._lock(LOCK_TO_ASK)
            before = payment._look().payment
            seen = locked.fingerprint()
            asked = _play(locked, verb, amount, final=final, by=by)
            after = payment._look().payment
            transaction.set_rollback(True)
        return Rehearsal(fingerprint=seen, asked=tuple(asked), before=before, after=after)


def _nothing_to_do(verb: str, draft: Draft) -> str:
    payment, ledger = draft.payment, draft.ledger
    if draft.has_nothing_to_do:
        return _("The payment is for nothing.")
    if verb == "process" and payment.state != State.CHECKOUT:
        return _("The provider has been asked already.")
    if verb == "capture" and payment.state == State.COMPLETED:
        return _("Everything has been taken.")
    if verb in ("void", "cancel") and payment.state == State.VOID:
        return _("It is void already.")
    if verb == "cancel" and payment.state == State.COMPLETED and not ledger.has_money_left:
        return _("Everything that was taken has been given back.")
    return ""


def _intend(claim: Claim, verb: str, amount: Any, *, final: bool, by: Actor) -> Operation | None:
    match verb:
        case "process":
            return intend_collect(claim, None, by=by)
        case "capture":
            return intend_capture(claim, amount, final=final, by=by)
        case "void":
            return intend_void(claim, by=by)
        case "refund":
            return intend_refund(claim, amount, by=by)
        case "cancel":
            claim.refuse_if_unanswered()
            return intend_refund(claim, by=by) if must_refund(claim) else intend_void(claim, by=by)
    raise ValueError(f"“{verb}” is none of {', '.join(VERBS)}.")


def _play(payment: Payment, verb: str, amount: Any, *, final: bool, by: Actor) -> list[Operation]:
    """Open and approve what the verb would ask, one after the other."""
    asked = []
    first = True
    while first or (verb == "cancel" and payment.read_ledger().has_money_left):
        claim = _claimed(payment)
        operation = _intend(claim, verb if first else "refund", amount, final=final, by=by)
        if operation is None:
            if verb in ("void", "cancel") and claim.payment.state != State.VOID:
                claim.payment.void()
                claim.payment.write("state")
                claim.payment.order.payment_changed(by=by)
            break
        asked.append(operation)
        _approve(payment, operation, by=by)
        first = False
    return asked


def _claimed(payment: Payment) -> Claim:
    locked = payment._lock(LOCK_TO_ASK)
    return Claim(locked, *locked.read_ledger_and_others())


def _approve(payment: Payment, operation: Operation, *, by: Actor) -> None:
    approved = Fact(
        kind=cast(Kind, operation.kind),
        outcome=Outcome.APPROVED,
        amount_minor=to_minor(operation.amount),
        idempotency_key=operation.idempotency_key,
    )
    payment.apply(approved, by=by)


def limit_of(verb: str, draft: Draft) -> Money | None:
    """The most that this verb may take or give back now; None where an amount is not chosen."""
    ledger, payment = draft.ledger, draft.payment
    if verb == "capture":
        there = ledger.held_of(ledger.hold) if ledger.hold else payment.uncaptured_amount.amount
    elif verb == "refund":
        there = next(
            (ledger.left_of(each) for each in reversed(ledger.holders) if ledger.left_of(each) > 0), Decimal(0)
        )
    else:
        return None
    return Money(there, payment.currency)
