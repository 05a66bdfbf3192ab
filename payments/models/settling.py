"""The one door for results: whoever brings a fact, it is recorded once and the payment moves to what follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.db import OperationalError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, make_aware
from django.utils.translation import gettext as _
from django_fsm import can_proceed

from payments.actors import SYSTEM, Actor
from payments.gateways.base import Fact, Outcome
from payments.logs import traced
from payments.models.announcing import announce
from payments.models.claim import Claim
from payments.models.facts import fold, is_foreign, learned, named_by, settle, tell_apart
from payments.models.gathering import tell_order
from payments.models.operation import UNANSWERED, Operation
from payments.models.prepared import Prepared
from payments.models.refund import Refund
from payments.models.reviewing import review_bounce, review_dispute
from payments.models.rows import Change, update_rows
from payments.models.states import COMPLETED, DEAD, EVENTS, PENDING, PROCESSING, Ledger

if TYPE_CHECKING:
    from payments.models.payment import Payment
    from payments.models.payment_method import PaymentMethod
    from payments.payable import Payable

UNEXPLAINED = "More was given back than is known to have been taken."
JOINED = ("payment_method", "order__bill_address", "order__ship_address", "credit_card__address")


def _locked(*joined: str, of: tuple[str, ...]) -> Callable[[int], Any]:
    return lambda pk: (
        apps.get_model("payments.Payment")
        ._base_manager.select_related(*joined)
        .select_for_update(no_key=True, of=of)
        .filter(pk=pk)
        .order_by()
    )


def _operations_of_order(pk: int, order: int) -> Any:
    """A payment's operations, and the unsettled attempts on its order's other payments."""
    return Operation._base_manager.filter(Q(payment=pk) | IN_THE_WAY, payment__order=order).order_by("sequence")


ATTEMPTS = Q(kind__in=("authorize", "purchase")) | Q(kind="capture", attempt=None)
# One that waited and was let go leaves its payment void, and the order free.
IN_THE_WAY = (Q(state__in=UNANSWERED) | Q(state="waiting", payment__state=PROCESSING)) & ATTEMPTS


# PostgreSQL locks in the order of OF: everybody takes the order first, so nobody waits in a circle.
LOCK_TO_ASK = Prepared(_locked(*JOINED, of=("order", "self")))
LOCK_TO_SETTLE = Prepared(_locked("payment_method", "order", of=("order", "self")))
LOCK_PAYMENT = Prepared(_locked(*JOINED, of=("self",)))
OPERATIONS = Prepared(lambda pk: Operation._base_manager.filter(payment=pk).order_by("sequence"))
OPERATIONS_OF_ORDER = Prepared(_operations_of_order)


class Settling(models.Model):
    """`apply`: lock, record the fact, derive the state, write the sums, tell the order."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        pk: Any
        number: str
        currency: str
        state: str
        amount: Any
        order_id: int
        order: Payable
        payment_method: PaymentMethod
        response_code: str
        review_reason: str

    @traced
    def apply(self, fact: Fact, *, by: Actor = SYSTEM) -> Operation | None:
        """Take in a fact, once: its operation is closed or made, and everything that follows is written with it.

        Repeats and late refusals change nothing. Returns the operation the fact settles, None for a fact in
        another currency, which is flagged for review.
        """
        payment, operation = _again_on_deadlock(lambda: self._apply(fact, by))
        self._absorb(payment)
        return cast("Operation | None", operation)

    def _apply(self, fact: Fact, by: Actor) -> tuple[Payment, Operation | None]:
        with transaction.atomic():
            payment = self._lock()
            return payment, payment.take_fact(fact, payment.read_operations(), by=by)

    def take_fact(self, fact: Fact, operations: list[Operation], *, by: Actor) -> Operation | None:
        """`apply`, once this payment is locked and its operations are read."""
        payment: Any = self
        if is_foreign(payment, fact):
            return None
        operation = named_by(fact, operations) or learned(payment, fact, operations, by)
        told_apart = tell_apart(operation, fact, operations)
        was = operation.state
        if settle(operation, fact) or told_apart:
            fold(operations, into=operation)
            if fact.disputed:
                review_dispute(payment, operation)
            else:
                review_bounce(payment, operation, was=was)
            payment.conclude(operations, changed=operation, fact=fact, by=by)
        return operation

    def conclude(self, operations: list[Operation], *, changed: Operation, fact: Fact | None = None, by: Actor) -> None:
        """Write what the operations make of this locked payment: sums, state, the operation, and tell the order."""
        payment: Any = self
        before = payment.state
        ledger = payment.ledger_of(operations)
        if fact is not None and fact.outcome is Outcome.APPROVED and fact.kind not in ("void", "refund"):
            _keep_checks(payment, fact)
        _write_sums(payment, ledger)
        _move(payment, ledger.derive(payment.state))
        changed.state_after = payment.state
        changed.write(along=payment.change())
        if changed.kind == Operation.Kind.REFUND and not changed.asked:
            Refund.objects.get_or_create(operation=changed, defaults={"payment": payment})
        # A refund may come back: it was counted, and is not any more.
        if payment.state != before or changed.state in ("succeeded", "waiting") or changed.kind == "refund":
            tell_order(payment.order, by=by)
        announce(payment, changed, was=before, by=by)

    # Reading under the lock

    def _lock(self, how: Prepared = LOCK_TO_SETTLE) -> Payment:
        """This payment as the database has it, held, and the order before it in the one statement.

        For asking, all that a gateway is told is read along; a void or refund holds the payment alone.
        """
        found = how(self.pk)
        if not found:
            raise type(self).DoesNotExist(f"Payment {self.pk} is gone.")
        payment: Any = found[0]
        if "_source" in self.__dict__:
            payment.__dict__["_source"] = self.__dict__["_source"]  # It may still know its card number.
        return cast("Payment", payment)

    def _look(self) -> Claim:
        """This payment and its ledger as the database has them, without a lock."""
        payment: Any = type(self)._base_manager.select_related(*JOINED).get(pk=self.pk)
        return Claim(payment, payment.read_ledger(), [])

    def read_operations(self) -> list[Operation]:
        return OPERATIONS(self.pk)

    def read_ledger(self) -> Ledger:
        return self.ledger_of(self.read_operations())

    def read_ledger_and_others(self) -> tuple[Ledger, list[Operation]]:
        """This payment's ledger, and the unsettled attempts on the order's other payments, in one statement."""
        mine: list[Operation] = []
        others: list[Operation] = []
        for operation in OPERATIONS_OF_ORDER(self.pk, self.order_id):
            (mine if operation.payment_id == self.pk else others).append(operation)
        return self.ledger_of(mine), others

    def ledger_of(self, operations: list[Operation]) -> Ledger:
        return Ledger(operations, void_after_capture=self.payment_method.capabilities.void_after_capture)

    # Writing

    def write(self, *fields: str) -> None:
        """Write the columns that verbs may change (or `fields`), as values, with one UPDATE."""
        update_rows(self.change(*fields))

    def change(self, *fields: str) -> Change:
        """What `write` writes, for whoever writes it together with another row."""
        payment: Any = self
        payment.updated_at = timezone.now()
        return payment, (*(fields or WRITTEN), "updated_at")

    def _absorb(self, payment: Payment) -> None:
        """Show on this object, and on the order it knows, what was written on the locked copies."""
        for name in (*WRITTEN, "updated_at"):
            self.__dict__[name] = payment.__dict__[name]
        known: Any = self._state.fields_cache.get("order")
        if known is not None and known is not payment.order:
            known.absorb(payment.order)


WRITTEN = (
    "state",
    "amount",
    "authorized_amount",
    "captured_amount",
    "refunded_amount",
    "response_code",
    "avs_response",
    "cvv_response_code",
    "cvv_response_message",
    "review_reason",
    "capture_by",
)


def _again_on_deadlock(work: Callable[[], Any]) -> Any:
    """PostgreSQL sacrifices one of two that wait for each other; the sacrificed one simply starts over."""
    for attempt in range(1, 6):
        try:
            return work()
        except OperationalError as error:
            deadlock = getattr(error.__cause__, "sqlstate", "") in ("40P01", "40001")
            if not deadlock or connection.in_atomic_block or attempt == 5:
                raise
            time.sleep(0.02 * attempt)
    raise AssertionError("unreachable")


# What the operations do to the payment


def _keep_checks(payment: Payment, fact: Fact) -> None:
    payment.avs_response = (fact.avs_code or payment.avs_response)[:8]
    if fact.cvv_code:
        payment.cvv_response_code = fact.cvv_code[:8]
        payment.cvv_response_message = fact.cvv_message[:255]


def _write_sums(payment: Payment, ledger: Ledger) -> None:
    payment.authorized_amount = ledger.authorized
    payment.captured_amount = ledger.captured
    payment.refunded_amount = ledger.refunded
    latest = ledger.latest
    taken_later = latest is None or latest.kind == "authorize"
    if latest and ledger.held_of(latest):
        payment.amount = max(payment.amount.amount, latest.amount.amount)  # Its capture was heard of first.
    elif taken_later and ledger.captured_of(latest):
        payment.amount = ledger.captured_of(latest)  # The rest was let go.
    payment.capture_by = _end_of(ledger.hold, payment.payment_method)
    for operation in reversed(ledger.operations):
        if operation.kind != "refund" and operation.state in ("succeeded", "waiting") and operation.authorization:
            payment.response_code = operation.authorization
            break
    if any(each.kind == "purchase" and ledger.is_let_go(each) and ledger.captured_of(each) for each in ledger.attempts):
        payment.review_reason = payment.review_reason or _("A sale was voided while it waited, and came through.")
    if ledger.refunded > ledger.captured:
        payment.review_reason = payment.review_reason or UNEXPLAINED
    elif payment.review_reason == UNEXPLAINED:
        payment.review_reason = ""


def _end_of(hold: Operation | None, method: PaymentMethod) -> datetime | None:
    """When a hold ends by itself: as the provider says (`params["expires_at"]`), else as the gateway declares."""
    if hold is None:
        return None
    try:
        said = parse_datetime(str(hold.params.get("expires_at") or ""))
    except ValueError:  # Written like a time, and none.
        said = None
    if said is not None:
        return said if is_aware(said) else make_aware(said, UTC)
    begun, lifetime = hold.occurred_at or hold.answered_at, method.capabilities.authorization_lifetime
    return begun + lifetime if begun and lifetime else None


def _move(payment: Payment, target: str) -> None:
    """Fire the one event that leads to `target`; a dead payment that turns out to live needs review."""
    if payment.state == target:
        return
    if payment.state in DEAD and target not in DEAD:
        given_up = _("Money was confirmed after the payment was given up (%(state)s).") % {"state": payment.state}
        payment.review_reason = payment.review_reason or given_up
    event = getattr(payment, EVENTS.get(target, ""), None)  # type: ignore[call-overload]
    if event is not None and can_proceed(event):
        event()
    elif target in (PENDING, COMPLETED) and can_proceed(payment.confirm_late):
        payment.review_reason = payment.review_reason or _("A new hold was confirmed on a completed payment.")
        payment.confirm_late(target)
    else:
        # No event leads there and no money is proved: the label of a payment without money is corrected.
        payment.__dict__["state"] = target
