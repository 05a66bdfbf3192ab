"""The verbs of a payment: claim it, ask the gateway, apply the answer. No transaction spans the question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from payments.actors import SYSTEM, Actor
from payments.errors import GatewayError, PaymentChanged, PaymentDeclined
from payments.gateways.base import Response
from payments.models.claim import Claim, fingerprint
from payments.models.intending import intend_capture, intend_collect, intend_refund, intend_void, must_refund
from payments.models.operation import Operation
from payments.models.refund import Refund, RefundReason
from payments.models.settling import LOCK_PAYMENT, LOCK_TO_ASK
from payments.models.states import State
from payments.money import Money

if TYPE_CHECKING:
    from payments.models.payment import Payment
    from payments.models.prepared import Prepared
    from payments.models.states import Ledger

Kind = Operation.Kind


class Processing(models.Model):
    """The verbs. Each takes `by`, the actor, and re-reads the payment under its lock before it decides.

    `expect`: a `fingerprint()` under which somebody decided; PaymentChanged if the payment is no longer that.
    """

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

    def process(self, *, expect: str = "", by: Actor = SYSTEM) -> Response | None:
        """Purchase or authorize, as the payment method prefers; without auto-capture a pending payment is left.

        None where there is nothing to do. Raises GatewayError for a missing or unsupported source, PaymentBusy,
        PaymentDeclined, GatewayUnavailable; TransitionNotAllowed from failed, void and invalid.
        """
        return self._collect(None, expect=expect, by=by)

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
        self,
        amount: Money | Decimal | str | int | None = None,
        *,
        final: bool = True,
        expect: str = "",
        by: Actor = SYSTEM,
    ) -> Response | None:
        """Take what is held: all of it, or `amount` (major units). A final capture lets the rest go.

        None if already completed. Raises InvalidAmount, PaymentBusy, UnsupportedAction where nothing is
        authorized or the gateway lacks partial or several captures, PaymentDeclined, GatewayUnavailable,
        TransitionNotAllowed.
        """
        with self._claim(order=True, expect=expect) as claim:
            operation = intend_capture(claim, amount, final=final, by=by)
        return self.ask(claim, operation, by=by) if operation else None

    def void_transaction(self, *, expect: str = "", by: Actor = SYSTEM) -> Response | None:
        """Let go of what is held. None when nothing was: then nobody is asked.

        Raises PaymentBusy, PaymentDeclined, GatewayUnavailable; TransitionNotAllowed where there is nothing to
        let go: of failed or invalid, and of completed unless the gateway can void an unsettled sale.
        """
        with self._claim(order=False, expect=expect) as claim:
            payment = claim.payment
            operation = intend_void(claim, by=by)
        if operation is not None:
            return self.ask(claim, operation, by=by)
        if claim.has_nothing_to_do or payment.state == State.VOID or self._void_unasked(payment.state, by=by):
            return None
        return self.void_transaction(expect=expect, by=by)

    def cancel(self, *, expect: str = "", by: Actor = SYSTEM) -> Response | Refund | None:
        """Void if still possible, else refund what was taken: one refund per authorization, the last is returned.

        None when there is nothing left to undo. Raises as `void_transaction` and `refund`.
        """
        with self._claim(order=False, expect=expect) as claim:
            payment, ledger = claim.payment, claim.ledger
            if claim.has_nothing_to_do or payment.state == State.VOID:
                return None
            claim.refuse_if_unanswered()
        if payment.state == State.COMPLETED and not ledger.has_money_left:
            return None
        response = None
        if not must_refund(claim):
            try:
                response = self.void_transaction(expect=expect, by=by)
            except PaymentDeclined:
                if payment.state != State.COMPLETED:
                    raise
            expect = ""  # It has changed by our own void.
        return self._refund_the_rest(expect=expect, by=by) or response

    def refund(
        self,
        amount: Money | Decimal | str | int | None = None,
        *,
        reason: RefundReason | str = "",
        expect: str = "",
        by: Actor = SYSTEM,
    ) -> Refund | None:
        """Give back `amount` (major units), or all that the newest authorization with money has left.

        The refund's row stays whatever the answer. Raises InvalidAmount, PaymentBusy, UnsupportedAction,
        PaymentDeclined, GatewayUnavailable.
        """
        with self._claim(order=False, expect=expect) as claim:
            operation = intend_refund(claim, amount, by=by)
            if operation is None:
                return None
            refund: Refund = Refund.objects.create(payment=claim.payment, operation=operation, reason=_reason(reason))
        self.ask(claim, operation, by=by)
        refund.refresh_from_db()
        return refund

    # Behind the verbs

    def _collect(self, kind: str | None, *, in_checkout: bool = False, expect: str = "", by: Actor) -> Response | None:
        with self._claim(order=True, expect=expect) as claim:
            operation = intend_collect(claim, kind, in_checkout=in_checkout, by=by)
        if claim.invalidated:
            payment = claim.payment
            raise GatewayError(
                _("%(method)s does not take this %(source)s.")
                % {"method": payment.payment_method, "source": payment.source_type.replace("_", " ")}
            )
        return self.ask(claim, operation, by=by) if operation else None

    @contextmanager
    def _claim(self, *, order: bool, expect: str) -> Iterator[Claim]:
        """Hold the payment's row (and the order's) in a transaction of its own, and show what is there.

        `expect` is the fingerprint under which somebody decided; PaymentChanged if it is no longer that.
        """
        with transaction.atomic(durable=True):
            payment = self._lock(LOCK_TO_ASK if order else LOCK_PAYMENT)
            ledger, others = payment.read_ledger_and_others() if order else (payment.read_ledger(), [])
            if expect and expect != fingerprint(payment, ledger):
                raise PaymentChanged(_("Payment %(number)s is no longer as it was shown.") % {"number": payment.number})
            yield Claim(payment, ledger, others)
        self._absorb(payment)

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

    def _refund_the_rest(self, *, expect: str, by: Actor) -> Refund | None:
        refund = None
        while self.read_ledger().has_money_left:
            refund = self.refund(reason="Order canceled", expect=expect, by=by)
            expect = ""
        return refund


def _reason(reason: RefundReason | str) -> RefundReason | None:
    if isinstance(reason, RefundReason) or not reason:
        return reason or None
    return RefundReason.objects.get_or_create(name=reason)[0]
