"""A payment held for one verb: what may be refused before a provider is asked, and the intent that is written."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django_fsm import TransitionNotAllowed, can_proceed

from payments.actors import Actor
from payments.display import money_text
from payments.errors import PaymentBusy, UnsupportedAction
from payments.models.operation import Operation

if TYPE_CHECKING:
    from payments.models.payment import Payment
    from payments.models.states import Ledger

Kind = Operation.Kind


class Claim:
    """A payment held under its lock: what it looks like now, and the one thing that may be written, an operation."""

    def __init__(self, payment: Payment, ledger: Ledger, others: list[Operation]) -> None:
        self.payment = payment
        self.ledger = ledger
        self.others = others  # Unsettled attempts on the order's other payments.

    @property
    def has_nothing_to_do(self) -> bool:
        return bool(self.payment.amount.amount <= 0)

    def refuse_if_unanswered(self) -> None:
        if self.ledger.unanswered:
            raise PaymentBusy(_busy(self.payment, self.ledger.unanswered))

    def refuse_if_order_is_taken(self) -> None:
        """One attempt at a time for an order: whoever takes another may charge the customer twice."""
        if self.others:
            raise PaymentBusy(_busy(self.others[0].payment, self.others[0]))

    def refuse_if_waiting(self, *kinds: str) -> None:
        """What a provider has not settled yet may still move the same money."""
        for operation in self.ledger.operations:
            if operation.kind in kinds and operation.is_unsettled and not self.ledger.is_settled_by_void(operation):
                raise PaymentBusy(_busy(self.payment, operation))

    def refuse_unless_can_process(self) -> None:
        if not can_proceed(self.payment.started_processing):
            raise TransitionNotAllowed(
                f"Payment {self.payment.number} is {self.payment.state}: nothing more can be asked of it."
            )

    def open(
        self, kind: str, amount: Decimal, *, attempt: Operation | None = None, final: bool = True, by: Actor
    ) -> Operation:
        """Write the intent; committing it is the caller's leave to ask the provider."""
        payment = self.payment
        currencies = payment.payment_method.capabilities.currencies
        if currencies is not None and str(payment.currency) not in currencies:
            raise UnsupportedAction(f"{payment.payment_method} does not take {payment.currency}.")
        payment.payment_method.build_gateway()  # Wrong settings are an error before the claim, not after it.
        sequence = self.ledger.next_sequence
        operation = Operation.objects.create(
            payment=payment,
            sequence=sequence,
            kind=kind,
            currency=payment.currency,
            amount=amount,
            attempt=attempt,
            final=final,
            idempotency_key=f"{payment.number}-{kind}-{sequence}",
            origin=by.origin,
            user=by.user,
            state_before=payment.state,
        )
        if kind in (Kind.AUTHORIZE, Kind.PURCHASE, Kind.CAPTURE):
            payment.started_processing()
            payment.write("state")
        return operation


def _busy(payment: Payment, operation: Operation) -> str:
    since = date_format(localtime(operation.created_at), "DATETIME_FORMAT")
    verb = "is waiting" if operation.state == "waiting" else "has no answer yet"
    return (
        f"Payment {payment.number}: {operation.get_kind_display()} of {money_text(operation.amount)}, "
        f"asked by {operation.actor} on {since}, {verb}."
    )
