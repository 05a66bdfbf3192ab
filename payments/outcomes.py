"""What becomes of one payment of a batch: captured or voided, within the pace, with one word for how it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from payments.actors import Actor, Origin
from payments.errors import GatewayError, GatewayUnavailable, InvalidAmount, PaymentDeclined
from payments.gateways.base import Response
from payments.logs import about
from payments.models import Operation, Payment
from payments.models.asking import lend_connection
from payments.money import Money
from payments.pacing import Pacing, Turn

logger = logging.getLogger("payments.batch")  # As whoever runs a shop filters its lines.

BATCH = Actor(Origin.BATCH)
TRIES = 4  # Of one payment, while the provider was too busy or down and surely did nothing.


class Result(StrEnum):
    DONE = "done"
    DECLINED = "declined"
    UNKNOWN = "unknown"  # Asked, and the answer was lost: it is recovered, not asked again.
    HELD = "held"  # Not asked, for a reason.


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


def handle(candidate: Candidate, verb: str, *, pacing: Pacing, tries: int = TRIES, turn: Turn | None = None) -> Handled:
    """Capture or void one payment, within its method's pace; while the provider is down, wait for it.

    `turn`: one that was reserved for it.
    """
    with about(order=candidate.order, payment=candidate.payment):
        return _handle(candidate, verb, pacing, tries, turn)


def _handle(candidate: Candidate, verb: str, pacing: Pacing, tries: int, turn: Turn | None) -> Handled:
    if candidate.held:
        return Handled(candidate=candidate, result=Result.HELD, said=candidate.held)
    for number in range(tries):
        if number or turn is None or not pacing.take(candidate.method, turn):
            pacing.wait(candidate.method)
        result, said = _ask(candidate, verb, pacing)
        if result is not None:
            return Handled(candidate=candidate, result=result, said=said)
    return Handled(candidate=candidate, result=Result.HELD, said=said)


def _ask(candidate: Candidate, verb: str, pacing: Pacing) -> tuple[Result | None, str]:
    # A capture looks for itself whether somebody was quicker since the plan was made, a void is not to go further.
    payment = candidate.seen or Payment.objects.get(pk=candidate.pk)
    if payment.state != Payment.State.PENDING:
        return too_late(payment)
    do = payment.capture if verb == "capture" else payment.void_transaction
    return outcome(candidate, payment, verb, lambda: do(by=BATCH), pacing=pacing)


def outcome(
    candidate: Candidate, payment: Payment, verb: str, do: Callable[[], Response | None], *, pacing: Pacing
) -> tuple[Result | None, str]:
    """What became of it by `do`; no result where it surely was not done and may be asked for again."""
    try:
        done = do()
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
        return too_late(payment)
    pacing.answered(candidate.method)
    return Result.DONE, ""


def too_late(payment: Payment) -> tuple[Result, str]:
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
