"""The verbs of a payment: claim it, ask the gateway, apply the answer. No transaction spans the question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django_fsm import TransitionNotAllowed

from payments.actors import SYSTEM, Actor
from payments.errors import GatewayError, InvalidAmount, PaymentDeclined
from payments.gateways.base import Response
from payments.models.claim import Claim
from payments.models.operation import Operation
from payments.models.refund import Refund, RefundReason
from payments.models.settling import LOCK_PAYMENT, LOCK_TO_ASK
from payments.models.states import State
from payments.money import Money, as_money

if TYPE_CHECKING:
    from payments.models.payment import Payment
    from payments.models.prepared import Prepared
    from payments.models.states import Ledger

Kind = Operation.Kind


class Processing(models.Model):
    """The verbs. Each takes `by`, the actor, and re-reads the payment under its lock before it decides."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        pk: Any
        number: str
        currency: str
        state: str

        def _lock(self, how: Prepared = ...) -> Payment: ...
        def _absorb(self, payment: Payment) -> None: ...
        def read_ledger(self) -> Ledger: ...
        def ask(self, claim: Claim, operation: Operation, *, by: Actor) -> Response: ...

    def process(self, *, by: Actor = SYSTEM) -> Response | None:
        """Purchase or authorize, as the payment method prefers; without auto-capture a pending payment is left.

        None where there is nothing to do. Raises GatewayError for a missing or unsupported source, PaymentBusy,
        PaymentDeclined, GatewayUnavailable; TransitionNotAllowed from failed, void and invalid.
        """
        return self._collect(None, by=by)

    def authorize(self, *, by: Actor = SYSTEM) -> Response | None:
        """Hold the amount. Returns and raises as `process`."""
        return self._collect(Kind.AUTHORIZE, by=by)

    def purchase(self, *, by: Actor = SYSTEM) -> Response | None:
        """Hold and take the amount at once. Returns and raises as `process`."""
        return self._collect(Kind.PURCHASE, by=by)

    def collect(self, kind: str | None = None, *, by: Actor = SYSTEM) -> Response | None:
        """As `process`, `authorize` or `purchase`, if under the lock the payment is in checkout and its order unpaid.

        For an order that goes through its payments: whoever was quicker has settled this one.
        """
        return self._collect(kind, in_checkout=True, by=by)

    def capture(
        self, amount: Money | Decimal | str | int | None = None, *, final: bool = True, by: Actor = SYSTEM
    ) -> Response | None:
        """Take what is held: all of it, or `amount` (major units). A final capture lets the rest go.

        None if already completed. Raises InvalidAmount, PaymentBusy, UnsupportedAction where nothing is
        authorized or the gateway lacks partial or several captures, PaymentDeclined, GatewayUnavailable,
        TransitionNotAllowed.
        """
        with self._claim(order=True) as claim:
            payment, ledger = claim.payment, claim.ledger
            if claim.has_nothing_to_do or payment.state == State.COMPLETED:
                return None
            claim.refuse_if_unanswered()
            claim.refuse_if_waiting(Kind.AUTHORIZE, Kind.PURCHASE, Kind.CAPTURE, Kind.VOID)
            claim.refuse_unless_can_process()
            hold, gateway = ledger.hold, payment.payment_method.gateway_class
            if hold is None:
                gateway.require("capture_without_authorization")
                claim.refuse_if_order_is_taken()
            there = ledger.held_of(hold) if hold else payment.uncaptured_amount.amount
            wanted = self._wanted(amount, there, over=gateway.capabilities.over_capture)
            if wanted < there:
                gateway.require("partial_capture")
                if not final:
                    gateway.require("multiple_captures")
            final = final or (wanted >= there and not gateway.capabilities.over_capture)
            operation = claim.open(Kind.CAPTURE, wanted, attempt=hold, final=final, by=by)
        return self.ask(claim, operation, by=by)

    def void_transaction(self, *, by: Actor = SYSTEM) -> Response | None:
        """Let go of what is held. None when nothing was: then nobody is asked.

        Raises PaymentBusy, PaymentDeclined, GatewayUnavailable; TransitionNotAllowed where there is nothing to
        let go: of failed or invalid, and of completed unless the gateway can void an unsettled sale.
        """
        with self._claim(order=False) as claim:
            payment, ledger = claim.payment, claim.ledger
            if claim.has_nothing_to_do or payment.state == State.VOID:
                return None
            claim.refuse_if_unanswered()
            attempt = self._to_void(claim)
            operation = None
            if attempt or payment.state == State.COMPLETED:
                amount = ledger.held_of(attempt) or (attempt.amount.amount if attempt else ledger.captured)
                operation = claim.open(Kind.VOID, amount, attempt=attempt, by=by)
        if operation is None:
            return None if self._void_unasked(payment.state, by=by) else self.void_transaction(by=by)
        return self.ask(claim, operation, by=by)

    def cancel(self, *, by: Actor = SYSTEM) -> Response | Refund | None:
        """Void if still possible, else refund what was taken: one refund per authorization, the last is returned.

        None when there is nothing left to undo. Raises as `void_transaction` and `refund`.
        """
        with self._claim(order=False) as claim:
            payment, ledger = claim.payment, claim.ledger
            if claim.has_nothing_to_do or payment.state == State.VOID:
                return None
            claim.refuse_if_unanswered()
            refundable_only = payment.state == State.COMPLETED and (
                not payment.payment_method.capabilities.void_after_capture
                or any(each.kind == Kind.REFUND and each.state != "declined" for each in ledger.operations)
            )
        if payment.state == State.COMPLETED and not ledger.has_money_left:
            return None
        response = None
        if not refundable_only:
            try:
                response = self.void_transaction(by=by)
            except PaymentDeclined:
                if payment.state != State.COMPLETED:
                    raise
        return self._refund_the_rest(by=by) or response

    def refund(
        self, amount: Money | Decimal | str | int | None = None, *, reason: RefundReason | str = "", by: Actor = SYSTEM
    ) -> Refund | None:
        """Give back `amount` (major units), or all that the newest authorization with money has left.

        The refund's row stays whatever the answer. Raises InvalidAmount, PaymentBusy, UnsupportedAction,
        PaymentDeclined, GatewayUnavailable.
        """
        with self._claim(order=False) as claim:
            payment, ledger = claim.payment, claim.ledger
            if claim.has_nothing_to_do:
                return None
            claim.refuse_if_unanswered()
            claim.refuse_if_waiting(Kind.VOID)
            with_money = [holder for holder in ledger.holders if ledger.left_of(holder) > 0]
            if not with_money:
                raise InvalidAmount(f"Payment {payment.number} holds nothing that could be given back.")
            holder = with_money[-1]
            name = (holder.authorization if holder else "") or payment.number
            wanted = self._wanted(amount, ledger.left_of(holder), of=f" of {name}")
            if wanted < ledger.captured_of(holder):
                payment.payment_method.gateway_class.require("partial_refund")
            operation = claim.open(Kind.REFUND, wanted, attempt=holder, by=by)
            refund: Refund = Refund.objects.create(payment=payment, operation=operation, reason=_reason(reason))
        self.ask(claim, operation, by=by)
        refund.refresh_from_db()
        return refund

    # Behind the verbs

    def _collect(self, kind: str | None, *, in_checkout: bool = False, by: Actor) -> Response | None:
        """Authorize or purchase, after Solidus's preconditions in Solidus's order (its §c.2)."""
        with self._claim(order=True) as claim:
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
                raise GatewayError(f"Payment {payment.number} could not be processed: it has no source.")
            supported = method.supports(payment.source)
            if supported:
                claim.refuse_unless_can_process()
                claim.refuse_if_order_is_taken()
                kind = kind or (Kind.PURCHASE if method.effective_auto_capture else Kind.AUTHORIZE)
                operation = claim.open(kind, payment.amount.amount, by=by)
            else:
                payment.invalidate()
                payment.write("state")
                payment.order.payment_changed(by=by, note=f"Payment {payment.number}: checkout → invalid")
        if not supported:
            raise GatewayError(f"{method} does not take this {payment.source_type.replace('_', ' ')}.")
        return self.ask(claim, operation, by=by)

    @contextmanager
    def _claim(self, *, order: bool) -> Iterator[Claim]:
        """Hold the payment's row (and the order's) in a transaction of its own, and show what is there."""
        with transaction.atomic(durable=True):
            payment = self._lock(LOCK_TO_ASK if order else LOCK_PAYMENT)
            ledger, others = payment.read_ledger_and_others() if order else (payment.read_ledger(), [])
            yield Claim(payment, ledger, others)
        self._absorb(payment)

    def _wanted(self, amount: Any, there: Decimal, *, over: bool = False, of: str = "") -> Decimal:
        if amount is None:
            return there
        wanted: Decimal = as_money(amount, self.currency).amount
        if wanted <= 0:
            raise InvalidAmount(f"{wanted} {self.currency} is not a positive amount.")
        if wanted > there and not over:
            raise InvalidAmount(f"{wanted} {self.currency} is more than the {there} there is{of}.")
        return wanted

    def _to_void(self, claim: Claim) -> Operation | None:
        """The attempt whose money a void would let go, or None. Raises where a void is an illegal state."""
        payment, ledger = claim.payment, claim.ledger
        claim.refuse_if_waiting(Kind.VOID)
        if payment.state == State.COMPLETED:
            refunded = any(each.kind == Kind.REFUND and each.state != "declined" for each in ledger.operations)
            if refunded or not payment.payment_method.capabilities.void_after_capture:
                raise TransitionNotAllowed(f"Payment {payment.number} is completed: refund it instead.")
            return next((each for each in reversed(ledger.holders) if ledger.captured_of(each) > 0), None)
        attempt = ledger.waiting_attempt or ledger.hold
        if attempt is None:
            claim.refuse_if_waiting(Kind.CAPTURE)
        if attempt is None and payment.state in (State.FAILED, State.INVALID):
            raise TransitionNotAllowed(f"Payment {payment.number} is {payment.state} and holds nothing.")
        return attempt

    def _void_unasked(self, seen: str, *, by: Actor) -> bool:
        """Nothing was ever held: there is nobody to tell but the order. False if somebody was quicker."""
        with transaction.atomic(durable=True):
            payment = self._lock()
            unchanged = payment.state == seen and not payment.read_ledger().unanswered
            if unchanged:
                payment.void()
                payment.write("state")
                payment.order.payment_changed(by=by, note=f"Payment {payment.number}: {seen} → {payment.state}")
        self._absorb(payment)
        return unchanged

    def _refund_the_rest(self, *, by: Actor) -> Refund | None:
        refund = None
        while self.read_ledger().has_money_left:
            refund = self.refund(reason="Order canceled", by=by)
        return refund


def _reason(reason: RefundReason | str) -> RefundReason | None:
    if isinstance(reason, RefundReason) or not reason:
        return reason or None
    return RefundReason.objects.get_or_create(name=reason)[0]
