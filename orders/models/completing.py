"""Checkout step by step, completing, canceling and resuming: the order's verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django_fsm import TransitionNotAllowed, can_proceed

from orders.errors import CannotComplete
from orders.models.states import STEPS, State
from payments.actors import SYSTEM, Actor
from payments.display import money_text
from payments.errors import GatewayError, GatewayUnavailable, PaymentBusy
from payments.models import Payment, Reaction
from payments.models.states import State as Paid

if TYPE_CHECKING:
    from orders.models.order import Order


class Completing(models.Model):
    class Meta:
        abstract = True

    def next(self) -> None:
        """One checkout step. Raises CannotComplete with the reasons, TransitionNotAllowed after confirm."""
        order: Any = self
        with transaction.atomic():
            locked = order._lock()
            reasons = locked.reasons_against_step()
            if reasons:
                raise CannotComplete(reasons)
            locked.step(payment_required=locked.payment_required)
            locked.write("state")
        order.absorb(locked)

    def advance(self) -> None:
        """As many steps as it can before complete."""
        order: Any = self
        with transaction.atomic():
            locked = order._lock()
            locked.step_on()
        order.absorb(locked)

    def step_on(self) -> None:
        """Take this locked order as far as confirm, in the caller's transaction."""
        order: Any = self
        before = order.state
        while order.state in STEPS[:-1] and not order.reasons_against_step():
            order.step(payment_required=order.payment_required)
        if order.state != before:
            order.write("state")

    def complete(self, *, by: Actor = SYSTEM) -> None:
        """Place the order: check it, have its payments processed, finish it. Nothing to do if it is complete.

        An order whose payment still waits for the customer or the provider stays in confirm and is finished by
        the fact that settles it. Raises CannotComplete, the GatewayError of a payment (declined: back to
        payment; unknown: stays in confirm), TransitionNotAllowed once canceled.
        """
        order: Any = self
        if not self._place(by=by):
            return
        try:
            swallowed = order.ask_for_each(None, by=by)
        except (PaymentBusy, GatewayUnavailable):
            raise
        except GatewayError:
            self._back_to_payment(by=by)
            raise
        self._finish(anyway=swallowed is not None, by=by)

    def _place(self, *, by: Actor) -> bool:
        """Mark the order as placed by the customer, so that a late answer can finish it; False if it is complete."""
        order: Any = self
        with transaction.atomic(durable=True):
            locked = order._lock()
            if locked.state == State.COMPLETE:
                order.absorb(locked)
                return False
            if locked.state not in STEPS:
                raise TransitionNotAllowed(f"Order {locked.number} is {locked.state}: it cannot be completed.")
            locked.step_on()
            sums = locked.payment_sums()
            reasons = locked.reasons_against_completion(sums)
            if not reasons:
                locked.placed_at = locked.placed_at or timezone.now()
                locked.write("placed_at")
        order.absorb(locked)
        if reasons:
            if sums["payments"]:
                self._back_to_payment(by=by)
            raise CannotComplete(reasons)
        return True

    def _finish(self, *, anyway: bool, by: Actor) -> None:
        order: Any = self
        reasons: list[str] = []
        with transaction.atomic(durable=True):
            locked = order._lock()
            sums = locked.payment_sums()
            if locked.state == State.CONFIRM and (anyway or sums["settled"] >= locked.total.amount):
                locked.finish_now(sums, by=by)
            elif locked.state != State.COMPLETE and not sums["processing"]:
                # Somebody else changed the order or its payments since it was placed.
                reasons = locked.reasons_against_completion(sums) or ["The order has changed. Look at it again."]
        order.absorb(locked)
        if reasons:
            self._back_to_payment(by=by)
            raise CannotComplete(reasons)
        if locked.state == State.CONFIRM:
            self._refuse_if_unanswered()

    def _refuse_if_unanswered(self) -> None:
        """What waits is an answer; what is open or unknown is none."""
        order: Any = self
        for payment in order.payments.filter(state=Paid.PROCESSING):
            if payment.read_ledger().unanswered:
                raise PaymentBusy(f"Payment {payment.number} has no answer yet; nothing more will be charged.")

    def finish_now(self, sums: dict[str, Any], *, by: Actor) -> None:
        """Complete this locked order in the caller's transaction, and queue what must follow."""
        order: Order = self  # type: ignore[assignment]
        order.finish()
        order.completed_at = timezone.now()
        order.payment_total = type(order.total)(sums["paid"], order.currency)
        order.payment_state = order.derive_payment_state(sums)
        order.write("state", "completed_at", "payment_total", "payment_state")
        order.record("state", before=State.CONFIRM, after=State.COMPLETE, by=by)
        Reaction.objects.queue("order.completed", order.number)

    def _back_to_payment(self, *, by: Actor) -> None:
        """The customer has to choose again; whatever waits or is unknown keeps the order where it is."""
        order: Any = self
        with transaction.atomic(durable=True):
            locked = order._lock()
            if not locked.payment_sums()["processing"]:
                if can_proceed(locked.payment_failed):
                    locked.return_to_payment(by=by)
                if (
                    locked.state == State.PAYMENT and locked.placed_at
                ):  # Its customer sees it, and has to place it anew.
                    locked.placed_at = None
                    locked.write("placed_at")
        order.absorb(locked)

    def can_be_finished(self, sums: dict[str, Any]) -> bool:
        """Whether this locked order was placed, and settled payments cover it.

        One that went back to payment, because its payment was given up, is finished by money alone: what else may
        have been chosen meanwhile is not placed yet.
        """
        order: Any = self
        if order.placed_at is None or order.state not in (State.PAYMENT, State.CONFIRM):
            return False
        settled = sums["was_settled"]
        if sums["sourceless"] and order.state == State.PAYMENT:
            settled -= sums["sourceless"]
        elif sums["sourceless"]:
            settled -= order.sourceless_since(order.placed_at)
        return bool(settled >= order.total.amount)

    def gave_up_waiting(self, sums: dict[str, Any]) -> bool:
        """Whether this locked order was placed, and what it was placed with has come to nothing.

        Where the site completes orders over a failed payment, whoever completes it decides that.
        """
        order: Any = self
        if order.state != State.CONFIRM or order.placed_at is None or sums["processing"]:
            return False
        return sums["covered"] < order.total.amount and not settings.PAYMENTS.get("ALLOW_CHECKOUT_ON_GATEWAY_ERROR")

    def return_to_payment(self, *, by: Actor) -> None:
        """Let the customer of this locked order choose again, in the caller's transaction.

        It stays placed: money that comes late for what was given up finishes it all the same.
        """
        order: Any = self
        order.payment_failed()
        order.write("state")
        order.record("state", before=State.CONFIRM, after=State.PAYMENT, by=by)

    def cancel(self, reason: str = "", *, expect: Mapping[int, str] | None = None, by: Actor = SYSTEM) -> None:
        """Call the order off and undo its payments one by one; called again it finishes what is left.

        Checkout payments become invalid; whatever waits, holds or took money is canceled, the rest skipped.
        Raises the first trouble, after all were tried: PaymentBusy where an answer is missing, PaymentDeclined,
        GatewayUnavailable. TransitionNotAllowed unless complete or canceled, and once shipped. `expect` holds a
        payment's fingerprint by its key: one that changed since is not touched, and PaymentChanged is raised.
        """
        order: Any = self
        with transaction.atomic(durable=True):
            locked = order._lock()
            if locked.state != State.CANCELED:
                if locked.shipped_at:
                    raise TransitionNotAllowed(f"Order {locked.number} was shipped: refund its payments instead.")
                locked.call_off()
                locked.canceled_at = timezone.now()
                locked.invalidate_checkout_payments(by=by)
                locked.write("state", "canceled_at")
                locked.payment_changed(by=by)
                locked.record("state", before=State.COMPLETE, after=State.CANCELED, note=reason, by=by)
                times = locked.events.filter(name="state", after=State.CANCELED).count()
                Reaction.objects.queue("order.canceled", f"{locked.number}:{times}" if times > 1 else locked.number)
        order.absorb(locked)
        trouble: GatewayError | None = None
        for payment in order.payments.order_by("id"):
            try:
                if has_something_to_undo(payment):
                    payment.cancel(expect=(expect or {}).get(payment.pk, ""), by=by)
            except GatewayError as error:
                trouble = trouble or error
        order.absorb(order._meta.base_manager.get(pk=order.pk))
        if trouble:
            raise trouble

    def resume(self, *, by: Actor = SYSTEM) -> None:
        """Take a canceled order up again. Its voided and refunded payments stay what they are."""
        order: Any = self
        with transaction.atomic(durable=True):
            locked = order._lock()
            locked.reinstate()
            locked.canceled_at = None
            locked.write("state", "canceled_at")
            locked.payment_changed(by=by)
            locked.record("state", before=State.CANCELED, after=State.COMPLETE, by=by)
            times = locked.events.filter(name="state", before=State.CANCELED).count()
            Reaction.objects.queue("order.resumed", f"{locked.number}:{times}")
        order.absorb(locked)

    # What is missing

    def reasons_against_step(self) -> list[str]:
        order: Any = self
        if order.state == State.CART and not order.line_items.exists():
            return ["The order has no lines."]
        if order.state == State.ADDRESS and not order.email:
            return ["The order has no e-mail address."]
        return []

    def reasons_against_completion(self, sums: dict[str, Any]) -> list[str]:
        """Why it cannot be completed now, a sentence each."""
        order: Any = self
        reasons = order.reasons_against_step()
        if not order.payment_required:
            return reasons  # type: ignore[no-any-return]
        if not sums["valid"]:
            return [*reasons, "No payment was found."]
        gap = order.total.amount - sums["covered"]
        if gap > 0:
            covered = type(order.total)(sums["covered"], order.currency)
            missing = type(order.total)(gap, order.currency)
            reasons.append(
                f"Payments cover {money_text(covered)} of {money_text(order.total)}: {money_text(missing)} is missing."
            )
        return reasons  # type: ignore[no-any-return]


def has_something_to_undo(payment: Payment) -> bool:
    if payment.state in (Paid.CHECKOUT, Paid.INVALID, Paid.VOID):
        return False
    ledger = payment.read_ledger()
    return bool(
        ledger.unanswered
        or ledger.hold
        or any(each.is_unsettled and each.kind != "refund" for each in ledger.operations)
        or ledger.has_money_left
    )
