"""A payment held for one verb: what may be refused before a provider is asked, and the intent that is written."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed, can_proceed

from payments.actors import Actor
from payments.display import money_text
from payments.errors import GatewayError, PaymentBusy, UnsupportedAction
from payments.models.operation import Operation
from payments.models.rows import insert_row

if TYPE_CHECKING:
    from payments.models.payment import Payment
    from payments.models.states import Ledger

Kind = Operation.Kind
SUMS = ("amount", "authorized_amount", "captured_amount", "refunded_amount")


class Claim:
    """A payment held under its lock: what it looks like now, and the one thing that may be written, an operation."""

    def __init__(self, payment: Payment, ledger: Ledger, others: list[Operation]) -> None:
        self.payment = payment
        self.ledger = ledger
        self.others = others  # Unsettled attempts on the order's other payments.
        self.invalidated = False

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
                _("Payment %(number)s is %(state)s: nothing more can be asked of it.")
                % {"number": self.payment.number, "state": self.payment.get_state_display()}
            )

    def open(
        self, kind: str, amount: Decimal, *, attempt: Operation | None = None, final: bool = True, by: Actor
    ) -> Operation:
        """Write the intent; committing it is the caller's leave to ask the provider."""
        payment = self.payment
        currencies = payment.payment_method.capabilities.currencies
        if currencies is not None and str(payment.currency) not in currencies:
            raise UnsupportedAction(
                _("%(method)s does not take %(currency)s.")
                % {"method": payment.payment_method, "currency": payment.currency}
            )
        payment.payment_method.build_gateway()  # Wrong settings are an error before the claim, not after it.
        sequence = self.ledger.next_sequence
        operation = Operation(
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
        self.keep(operation)
        return operation

    def keep(self, operation: Operation) -> None:
        if operation.kind in (Kind.AUTHORIZE, Kind.PURCHASE, Kind.CAPTURE):
            self.payment.started_processing()
            insert_row(operation, along=self.payment.change("state"))
        else:
            insert_row(operation)

    def invalidate(self, *, by: Actor) -> None:
        """The method does not take this source: the payment is given up before anybody is asked."""
        payment = self.payment
        payment.invalidate()
        payment.write("state")
        payment.order.payment_changed(by=by, note=f"Payment {payment.number}: checkout → invalid")
        self.invalidated = True


class Draft(Claim):
    """A claim without a lock: the same demands are made, and nothing is written."""

    def keep(self, operation: Operation) -> None:
        """An intent that is only drawn up."""

    def invalidate(self, *, by: Actor) -> None:
        raise GatewayError(_("%(method)s does not take this source.") % {"method": self.payment.payment_method})


def fingerprint(payment: Payment, ledger: Ledger) -> str:
    """What somebody who decides about this payment has seen of it: state, sums, and every operation's state."""
    seen = [payment.state, *(str(getattr(payment, name).amount) for name in SUMS)]
    seen += [f"{each.sequence} {each.kind} {each.amount.amount} {each.state}" for each in ledger.recorded]
    return sha256("|".join(seen).encode()).hexdigest()[:32]


def _busy(payment: Payment, operation: Operation) -> str:
    text = (
        _("Payment %(number)s: %(kind)s of %(amount)s, asked by %(actor)s on %(since)s, is waiting.")
        if operation.state == "waiting"
        else _("Payment %(number)s: %(kind)s of %(amount)s, asked by %(actor)s on %(since)s, has no answer yet.")
    )
    return text % {
        "number": payment.number,
        "kind": operation.get_kind_display(),
        "amount": money_text(operation.amount),
        "actor": operation.actor,
        "since": date_format(localtime(operation.created_at), "DATETIME_FORMAT"),
    }
