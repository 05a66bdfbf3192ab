"""The states of a payment: the table of what may follow what, and how operations make a state and sums.

The table is Solidus's, with one event more: a provider may prove that money is held or moved after we had
given a payment up.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE, FSMField, transition

if TYPE_CHECKING:
    from payments.models.operation import Operation


class State(models.TextChoices):
    CHECKOUT = "checkout", _("checkout")
    PROCESSING = "processing", _("processing")  # A provider has been asked and has not settled it.
    PENDING = "pending", _("pending")  # Authorized: the money is held, not taken.
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")
    VOID = "void", _("void")
    INVALID = "invalid", _("invalid")


CHECKOUT, PROCESSING, PENDING = State.CHECKOUT, State.PROCESSING, State.PENDING
COMPLETED, FAILED, VOID, INVALID = State.COMPLETED, State.FAILED, State.VOID, State.INVALID
DEAD = (FAILED, VOID, INVALID)  # What these held does not count towards an order.


class States(models.Model):
    """The transitions: they move no money, send nothing and save nothing."""

    state = FSMField(_("state"), default=State.CHECKOUT, choices=State.choices, protected=True, max_length=16)

    class Meta:
        abstract = True

    @transition("state", [CHECKOUT, PROCESSING, PENDING, COMPLETED], PROCESSING)
    def started_processing(self) -> None: ...

    @transition("state", [CHECKOUT, PROCESSING], PENDING)
    def pend(self) -> None: ...

    @transition("state", [CHECKOUT, PROCESSING, PENDING], COMPLETED)
    def complete(self) -> None: ...

    @transition("state", [PROCESSING, PENDING], FAILED)
    def failure(self) -> None: ...

    @transition("state", [CHECKOUT, PROCESSING, PENDING, COMPLETED], VOID)
    def void(self) -> None: ...

    @transition("state", CHECKOUT, INVALID)
    def invalidate(self) -> None: ...

    @transition("state", COMPLETED, PENDING)
    @transition("state", list(DEAD), RETURN_VALUE(PENDING, COMPLETED))
    def confirm_late(self, target: str) -> str:
        """A provider proved that money is held (pending) or was taken (completed) after all."""
        return target


EVENTS = {
    PROCESSING: "started_processing",
    PENDING: "pend",
    COMPLETED: "complete",
    FAILED: "failure",
    VOID: "void",
    INVALID: "invalidate",
}


class Ledger:
    """A payment's operations read together: the sums, what is held for whom, and the state they derive.

    An attempt is an authorize or a purchase. Everything follows from the operations and their own sequence,
    never from the order in which their answers arrived; an operation that never happened is passed over.
    """

    def __init__(self, operations: Iterable[Operation], *, void_after_capture: bool = False) -> None:
        self.recorded = sorted(operations, key=lambda operation: operation.sequence)
        self.operations = [operation for operation in self.recorded if operation.state != "canceled"]
        self.never_happened = bool(self.recorded) and not self.operations
        self.void_after_capture = void_after_capture
        tried = [operation for operation in self.operations if operation.is_attempt]
        # A refusal that we only heard of may be older than what we know; it counts where nothing else was tried.
        self.attempts = [each for each in tried if each.asked or each.state != "declined"] or tried
        self.latest = self.attempts[-1] if self.attempts else None
        self._groups: dict[int | None, list[Operation]] = {}
        for operation in self.operations:
            attempt = self.attempt_of(operation)
            self._groups.setdefault(attempt.sequence if attempt else None, []).append(operation)

    # What belongs together

    def attempt_of(self, operation: Operation) -> Operation | None:
        """The attempt that an operation concerns: as asked, else as its authorization says, else the latest."""
        if operation.is_attempt:
            return operation
        if operation.asked:
            return next((each for each in self.attempts if each.pk == operation.attempt_id), None)
        code = operation.authorization
        if not code:
            return self.latest
        named = [each for each in self.operations if each.authorization == code and each is not operation]
        for each in reversed(named):
            if each.is_attempt:
                return each
        for each in reversed(named):
            if each.asked:
                return self.attempt_of(each)
        nameless = [each for each in self.attempts if not each.authorization]
        return nameless[-1] if nameless else None

    def group(self, attempt: Operation | None) -> list[Operation]:
        return self._groups.get(attempt.sequence if attempt else None, [])

    def _succeeded(self, attempt: Operation | None, *kinds: str) -> list[Operation]:
        return [each for each in self.group(attempt) if each.kind in kinds and each.state == "succeeded"]

    @property
    def next_sequence(self) -> int:
        return max((each.sequence for each in self.recorded), default=0) + 1

    @property
    def unanswered(self) -> Operation | None:
        """The operation that blocks the payment: asked without an answer, or unknown."""
        return next((each for each in self.operations if each.state in ("open", "unknown")), None)

    @property
    def waiting_attempt(self) -> Operation | None:
        latest = self.latest
        return latest if latest and latest.state == "waiting" and not self.is_let_go(latest) else None

    # Sums: Decimals in major units

    def is_settled_by_void(self, operation: Operation) -> bool:
        return operation.is_attempt and self.is_let_go(operation)

    def is_let_go(self, attempt: Operation | None) -> bool:
        return bool(self._succeeded(attempt, "void"))

    def _capture_is_let_go(self, attempt: Operation | None) -> bool:
        return any(
            void.state_before == COMPLETED if void.asked and not void.guessed else self._takes_sale_back(void, attempt)
            for void in self._succeeded(attempt, "void")
        )

    def _takes_sale_back(self, void: Operation, attempt: Operation | None) -> bool:
        """Whether a void that we only heard of gave the money back: not one from before the sale went through."""
        if not self.void_after_capture or attempt is None or attempt.kind != "purchase":
            return False
        return not (void.occurred_at and attempt.occurred_at) or void.occurred_at >= attempt.occurred_at

    def captured_of(self, attempt: Operation | None) -> Decimal:
        if self._capture_is_let_go(attempt):
            return Decimal(0)
        return _sum(self._succeeded(attempt, "purchase", "capture"))

    def refunded_of(self, attempt: Operation | None, *, or_under_way: bool = False) -> Decimal:
        return _sum(
            each
            for each in self.group(attempt)
            if each.kind == "refund" and (each.state == "succeeded" or (or_under_way and each.is_unsettled))
        )

    def left_of(self, attempt: Operation | None) -> Decimal:
        """What may still be given back: captured, less refunds that succeeded or are under way."""
        return self.captured_of(attempt) - self.refunded_of(attempt, or_under_way=True)

    @property
    def has_money_left(self) -> bool:
        return any(self.left_of(holder) > 0 for holder in self.holders)

    @cached_property
    def holders(self) -> list[Operation | None]:
        """Every attempt, and None for money that was captured without one; the newest last."""
        return [*([None] if None in self._groups else []), *self.attempts]

    @cached_property
    def captured(self) -> Decimal:
        return sum((self.captured_of(attempt) for attempt in self.holders), Decimal(0))

    @cached_property
    def refunded(self) -> Decimal:
        return sum((self.refunded_of(attempt) for attempt in self.holders), Decimal(0))

    @cached_property
    def authorized(self) -> Decimal:
        """History: what was authorized, purchased, or captured without an authorization; a void leaves it."""
        asked = _sum(each for each in self.attempts if each.state == "succeeded")
        return max(asked + _sum(self._succeeded(None, "capture")), self.captured)

    @property
    def moved(self) -> list[Operation]:
        """The operations in which money was taken, and stayed taken, or was given back: `captured` and `refunded`."""
        return [
            each
            for holder in self.holders
            for each in self._succeeded(holder, "purchase", "capture", "refund")
            if each.kind == "refund" or not self._capture_is_let_go(holder)
        ]

    # Holds

    def held_of(self, attempt: Operation | None) -> Decimal:
        """What an authorization still holds for us: nothing once voided, captured finally or used up."""
        if attempt is None or attempt.kind != "authorize" or attempt.state != "succeeded":
            return Decimal(0)
        if self.is_let_go(attempt) or any(each.final for each in self._succeeded(attempt, "capture")):
            return Decimal(0)
        held: Decimal = attempt.amount.amount - self.captured_of(attempt)
        return max(held, Decimal(0))

    @cached_property
    def hold(self) -> Operation | None:
        """The newest attempt whose hold is alive."""
        return next((each for each in reversed(self.attempts) if self.held_of(each)), None)

    def handle_of(self, operation: Operation) -> str:
        """The authorization to ask against: for a refund that of the money taken, else that of the attempt."""
        attempt = self.attempt_of(operation)
        codes = [attempt.authorization if attempt else ""]
        if operation.kind == "refund":
            codes += [each.authorization for each in self._succeeded(attempt, "capture")]
        return next((code for code in reversed(codes) if code), "")

    # The state

    def derive(self, current: str) -> str:
        """The state that the operations make; the first rule that holds. `current` is kept where none does."""
        latest = self.latest
        captures = [each for each in self.operations if each.kind == "capture"]
        declined = [each for each in captures if each.state == "declined" and self.attempt_of(each) is latest]
        if self._is_unsettled(latest, captures):
            return PROCESSING
        if self.held_of(latest) and not (declined and not self.captured_of(latest)):
            return PENDING
        if self.captured > 0:
            return COMPLETED
        if declined or self.never_happened or (latest and latest.state == "declined" and not self.is_let_go(latest)):
            return FAILED
        if any(each.kind == "void" and each.state == "succeeded" for each in self.operations):
            return VOID
        return current if current in (INVALID, VOID) else CHECKOUT

    def _is_unsettled(self, latest: Operation | None, captures: list[Operation]) -> bool:
        if latest and latest.is_unsettled and not self.is_let_go(latest):
            return True
        if any(each.state in ("open", "unknown") for each in self.attempts):
            return True  # Ours, though another was heard of since.
        if any(each.is_unsettled for each in captures):
            return True
        # Asked while its attempt waited: until it is answered, nothing has been let go.
        return any(
            each.kind == "void" and each.is_unsettled and each.state_before == PROCESSING for each in self.operations
        )


def _sum(operations: Iterable[Operation]) -> Decimal:
    total: Decimal = sum((operation.amount.amount for operation in operations), Decimal(0))
    return total
