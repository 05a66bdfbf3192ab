"""What a call came to, in words that the oracle's columns can be put into as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django_fsm import TransitionNotAllowed

from orders.models import Order
from payments.errors import GatewayError, InvalidAmount
from payments.models import Payment

CAUGHT = (GatewayError, InvalidAmount, TransitionNotAllowed, RuntimeError)  # Anything else is a fault of ours.
RAISED = {
    "StateMachines::InvalidTransition": "TransitionNotAllowed",
    "ActiveRecord::RecordInvalid": "InvalidAmount",
    "RuntimeError": "RuntimeError",
    "ActiveMerchant::ConnectionError": "ConnectionError",  # Nothing of ours: see the rules.
}
MOVE = re.compile(r"(\w+) → (\w+)$")  # As the order's timeline tells of a payment.
ANSWERS = {"succeeded": "ok", "declined": "fail", "unknown": "unknown"}


def raised(call: Callable[[], Any]) -> tuple[Any, str | None]:
    """What a call returned, and the name of the class of what it raised."""
    try:
        return call(), None
    except CAUGHT as error:
        return None, type(error).__name__


def raised_in_solidus(exception: str | None, message: str | None) -> str | None:
    """The exception that stands for one of Solidus's, which tells its gateway errors apart by message only."""
    if exception == "Spree::Core::GatewayError":
        if str(message).startswith("declined"):
            return "PaymentDeclined"
        return "GatewayUnavailable" if message == "Unable to connect to gateway." else "GatewayError"
    return RAISED[exception] if exception else None


def history(*states: str) -> str | None:
    """From which state a payment went into which, by way of others; None if it ends where it began."""
    return f"{states[0]}>{states[-1]}" if states and states[0] != states[-1] else None


def money(amount: Any) -> str:
    return f"{amount.amount:.2f}"


class Watch:
    """A payment watched from here on. Plain values are read, for there are thousands of rows to look at."""

    def __init__(self, payment: Payment) -> None:
        self.payment = payment
        self.seen = payment.operations.count()

    def look(self) -> dict[str, Any]:
        """The payment as the database has it now, and what was added to its journal."""
        now = Payment.objects.filter(pk=self.payment.pk).values_list(*PAYMENT, named=True).get()
        operations = list(self.payment.operations.order_by("sequence").values_list(*OPERATION, named=True))
        added = operations[self.seen :]
        return {
            "state": now.state,
            "amount": f"{now.amount:.2f}",
            "response_code": now.response_code,
            "avs": now.avs_response or None,
            "cvv": now.cvv_response_code or None,
            "journal": [ANSWERS[each.state] for each in added if each.kind != "refund"],
            "history": history(*self._moves(added)),
            "captured": [
                f"{each.amount:.2f}"
                for each in added
                if each.kind in ("purchase", "capture") and each.state == "succeeded"
            ],
            "refunds": self._refunds([each for each in operations if each.kind == "refund"]),
        }

    def _refunds(self, operations: list[Any]) -> list[list[Any]]:
        """Amount, code, and whether we asked for it and were told that it was done."""
        if operations:
            assert set(self.payment.refunds.values_list("operation")) == {(each.pk,) for each in operations}
        return [
            [
                f"{each.amount:.2f}",
                each.reference or each.authorization or None,
                int(bool(each.idempotency_key) and each.state == "succeeded"),
            ]
            for each in operations
        ]

    def _moves(self, added: list[Any]) -> list[str]:
        """The states it went through: by deeds that are in its journal, and by others on the order's timeline."""
        notes = self.payment.order.events.filter(note__contains=self.payment.number).values_list("note", flat=True)
        told = [match.groups() for match in map(MOVE.search, notes) if match]
        kept = [(each.state_before, each.state_after) for each in added]
        return [state for move in [*told, *kept] for state in move]


PAYMENT = ("state", "amount", "response_code", "avs_response", "cvv_response_code")
OPERATION = (
    "pk",
    "kind",
    "state",
    "amount",
    "reference",
    "authorization",
    "idempotency_key",
    "state_before",
    "state_after",
)


def order_sums(order: Order) -> dict[str, Any]:
    """What the order stored."""
    state, total = Order.objects.filter(pk=order.pk).values_list("payment_state", "payment_total").get()
    return {"order_payment_state": state or None, "order_payment_total": f"{total:.2f}"}


def calls_in_solidus(calls: list[list[Any]]) -> list[list[Any]]:
    """A list of gateway calls of the oracle, with only the originator left of the options."""
    originator = {
        "<gateway_options>": "Payment",
        "<options:originator=Payment>": "Payment",
        "<options:originator=Refund>": "Refund",
    }
    return [[originator.get(each, each) if isinstance(each, str) else each for each in call] for call in calls]
