"""What each verb demands of a payment before a provider is asked: the checks, and the one intent that is written.

A claim decides whether the intent is kept (a verb) or only drawn up (a preview): the demands are the same.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from payments.actors import Actor
from payments.errors import GatewayError, InvalidAmount
from payments.models.claim import Claim
from payments.models.operation import Operation
from payments.models.states import State
from payments.money import as_money

Kind = Operation.Kind


def intend_collect(claim: Claim, kind: str | None, *, in_checkout: bool = False, by: Actor) -> Operation | None:
    """Authorize or purchase, after Solidus's preconditions in Solidus's order (its §c.2); None: nothing to do.

    A source that the method does not take makes the payment invalid: None then too, see `Claim.invalidated`.
    """
    payment, method = claim.payment, claim.payment.payment_method
    if claim.has_nothing_to_do:
        claim.refuse_if_order_is_taken()  # Nothing is left to pay only because somebody is paying it.
        return None
    claim.refuse_if_unanswered()
    if payment.state == State.PROCESSING or not method.source_required:
        return None
    if in_checkout and (payment.state != State.CHECKOUT or payment.order.payment_total >= payment.order.total):
        return None
    if kind is None and not method.effective_auto_capture and payment.state == State.PENDING:
        return None
    if payment.source is None:
        raise GatewayError(
            _("Payment %(number)s could not be processed: it has no source.") % {"number": payment.number}
        )
    if not method.supports(payment.source):
        claim.invalidate(by=by)
        return None
    claim.refuse_unless_can_process()
    claim.refuse_if_order_is_taken()
    kind = kind or (Kind.PURCHASE if method.effective_auto_capture else Kind.AUTHORIZE)
    return claim.open(kind, payment.amount.amount, by=by)


def intend_capture(claim: Claim, amount: Any = None, *, final: bool = True, by: Actor) -> Operation | None:
    """None if there is nothing to take, or all is taken."""
    payment, ledger = claim.payment, claim.ledger
    if claim.has_nothing_to_do or payment.state == State.COMPLETED:
        return None
    claim.refuse_if_unanswered()
    claim.refuse_if_waiting(Kind.AUTHORIZE, Kind.PURCHASE, Kind.CAPTURE, Kind.VOID)
    claim.refuse_unless_can_process()
    hold, method = ledger.hold, payment.payment_method
    if hold is None:
        method.require("capture_without_authorization")
        claim.refuse_if_order_is_taken()
    there = ledger.held_of(hold) if hold else payment.uncaptured_amount.amount
    wanted = _wanted(claim, amount, there, over=method.capabilities.over_capture)
    if wanted < there:
        method.require("partial_capture")
        if not final:
            method.require("multiple_captures")
    final = final or (wanted >= there and not method.capabilities.over_capture)
    return claim.open(Kind.CAPTURE, wanted, attempt=hold, final=final, by=by)


def intend_void(claim: Claim, *, by: Actor) -> Operation | None:
    """None if nobody has to be asked."""
    payment, ledger = claim.payment, claim.ledger
    if claim.has_nothing_to_do or payment.state == State.VOID:
        return None
    claim.refuse_if_unanswered()
    attempt = _to_void(claim)
    if attempt is None and payment.state != State.COMPLETED:
        return None
    amount = ledger.held_of(attempt) or (attempt.amount.amount if attempt else ledger.captured)
    return claim.open(Kind.VOID, amount, attempt=attempt, by=by)


def intend_refund(claim: Claim, amount: Any = None, *, by: Actor) -> Operation | None:
    """None for a payment of nothing."""
    payment, ledger = claim.payment, claim.ledger
    if claim.has_nothing_to_do:
        return None
    claim.refuse_if_unanswered()
    claim.refuse_if_waiting(Kind.VOID)
    with_money = [holder for holder in ledger.holders if ledger.left_of(holder) > 0]
    if not with_money:
        raise InvalidAmount(
            _("Payment %(number)s holds nothing that could be given back.") % {"number": payment.number}
        )
    holder = with_money[-1]
    name = (holder.authorization if holder else "") or payment.number
    wanted = _wanted(claim, amount, ledger.left_of(holder), of=name)
    if wanted < ledger.captured_of(holder):
        payment.payment_method.require("partial_refund")
    return claim.open(Kind.REFUND, wanted, attempt=holder, by=by)


def must_refund(claim: Claim) -> bool:
    """Whether what was taken can only be given back, because a void would come too late."""
    return claim.payment.state == State.COMPLETED and (
        not claim.payment.payment_method.capabilities.void_after_capture or _was_refunded(claim)
    )


def _was_refunded(claim: Claim) -> bool:
    return any(each.kind == Kind.REFUND and each.state != "declined" for each in claim.ledger.operations)


def _to_void(claim: Claim) -> Operation | None:
    """The attempt whose money a void would let go, or None. Raises where a void is an illegal state."""
    payment, ledger = claim.payment, claim.ledger
    claim.refuse_if_waiting(Kind.VOID)
    if payment.state == State.COMPLETED:
        if must_refund(claim):
            raise TransitionNotAllowed(
                _("Payment %(number)s is completed: refund it instead.") % {"number": payment.number}
            )
        return next((each for each in reversed(ledger.holders) if ledger.captured_of(each) > 0), None)
    attempt = ledger.waiting_attempt or ledger.hold
    if attempt is None:
        claim.refuse_if_waiting(Kind.CAPTURE)
    if attempt is None and payment.state in (State.FAILED, State.INVALID):
        raise TransitionNotAllowed(
            _("Payment %(number)s is %(state)s and holds nothing.")
            % {"number": payment.number, "state": payment.get_state_display()}
        )
    return attempt


def _wanted(claim: Claim, amount: Any, there: Decimal, *, over: bool = False, of: str = "") -> Decimal:
    if amount is None:
        return there
    currency = str(claim.payment.currency)
    wanted: Decimal = as_money(amount, currency).amount
    numbers = {"wanted": wanted, "there": there, "currency": currency, "of": of}
    if wanted <= 0:
        raise InvalidAmount(_("%(wanted)s %(currency)s is not a positive amount.") % numbers)
    if wanted > there and not over:
        if of:
            raise InvalidAmount(_("%(wanted)s %(currency)s is more than the %(there)s there is of %(of)s.") % numbers)
        raise InvalidAmount(_("%(wanted)s %(currency)s is more than the %(there)s there is.") % numbers)
    return wanted
