"""Before another payment is tried, the old one is closed, or the provider is asked what became of it."""

from __future__ import annotations

from orders.models import Order
from payments.actors import Actor
from payments.errors import PaymentBusy, PaymentDeclined, UnsupportedAction
from payments.models import Operation, Payment
from payments.waiting import look
from shop import stock
from shop.checkout.steps import STATE, payment_under_way


def clear(order: Order, *, by: Actor) -> None:
    """Leave the order free to be paid another way: at the payment step, with nothing under way.

    The provider's page is closed there first. Raises PaymentBusy while nobody knows what became of the payment, and
    where a page cannot be closed. An order that turns out to be paid is complete afterwards; a canceled one stays that.
    """
    payment = payment_under_way(order)
    if payment is not None:
        payment.recover(by=by)
        for operation in payment.read_operations():
            if operation.is_attempt and operation.state == Operation.State.WAITING:
                _close(payment, operation, by=by)
    order.refresh_from_db()
    if order.state in (STATE.COMPLETE, STATE.CANCELED):
        return
    order.back_to(STATE.PAYMENT, by=by)
    stock.release(order)


def _close(payment: Payment, operation: Operation, *, by: Actor) -> None:
    """Look before it is closed: its customer may have paid in another window."""
    look(payment, operation, by=by)
    payment.refresh_from_db()
    if payment.state != Payment.State.PROCESSING:
        return
    try:
        payment.void_transaction(by=by)
    except PaymentDeclined:
        look(payment, operation, by=by)  # It is paid after all, or over.
    except UnsupportedAction as error:
        raise PaymentBusy(error.message) from error
