"""Placing an order: what the customer agreed to still holds, the goods are there, and then it is charged, once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from orders.errors import CannotComplete
from orders.models import Order
from payments.actors import Actor
from payments.errors import GatewayError, PaymentBusy
from payments.models import Payment
from shop import pricing, stock
from shop.checkout.agreement import still_holds
from shop.checkout.card_testing import admit
from shop.checkout.steps import STATE, payment_under_way


class NotAsAgreed(Exception):
    """The order is no longer what its customer has seen, and nothing was charged; `news` has a sentence a change."""

    def __init__(self, news: Sequence[Any] = ()) -> None:
        self.news = [str(each) for each in news]
        super().__init__(" ".join(self.news))


class SoldOut(NotAsAgreed):
    """Goods are missing; `news` says which."""


def place(order: Order, agreed: str, *, ip: str | None, by: Actor) -> None:
    """Complete the order if it still is what `agreed` says. Nothing to do if it is complete or being paid already.

    Afterwards it is complete, or its payment waits for the customer or the provider. Raises NotAsAgreed, SoldOut and
    TooManyDeclines before anybody is asked, CannotComplete, and the GatewayError of its payment.
    """
    if order.state == STATE.COMPLETE or payment_under_way(order):
        return
    payment = payment_in_checkout(order)
    changes = pricing.reprice(order)
    order.refresh_from_db()
    if order.state == STATE.COMPLETE or payment_under_way(order):
        return  # Another tab was quicker.
    if changes or not still_holds(agreed, order, payment):
        keep_choice(order, payment, by=by)
        raise NotAsAgreed(changes)
    payment = fit(order, payment, by=by)
    Order.objects.filter(pk=order.pk).update(last_ip_address=ip)
    if payment is not None:
        admit(payment, ip=ip)
    missing = stock.hold(order)
    if missing:
        raise SoldOut(missing)
    try:
        order.complete(by=by)
    except PaymentBusy:
        pass  # Another tab was quicker: its payment is the one.
    except (GatewayError, CannotComplete):
        if not payment_under_way(order):  # Surely not done. Else nobody knows, whatever the error is called.
            give_up(order, by=by)
            raise


def give_up(order: Order, *, by: Actor) -> None:
    """Put the goods back and let the customer choose again, unless a payment is under way after all."""
    order.refresh_from_db()
    if order.state == STATE.COMPLETE or payment_under_way(order):
        return
    order.back_to(STATE.PAYMENT, by=by)
    stock.release(order)


def payment_in_checkout(order: Order) -> Payment | None:
    """What the customer has chosen to pay with, and nobody has been asked for yet."""
    found: Payment | None = (
        order.payments.filter(state=Payment.State.CHECKOUT)
        .select_related("payment_method", "credit_card")
        .order_by("-id")
        .first()
    )
    return found


def fit(order: Order, payment: Payment | None, *, by: Actor) -> Payment | None:
    """The same way to pay, for what the order costs now: it may have been chosen for another total.

    It is given up where an earlier payment, of which better was heard since, holds or took all that the order costs.
    Raises PaymentBusy and TransitionNotAllowed where another tab was quicker with it, NotAsAgreed with another.
    """
    if payment is None:
        return None
    due = max(order.total.amount - order.payment_sums()["secured"], Decimal(0))
    if payment.amount.amount == due:
        return payment
    if due <= 0:
        order.back_to(STATE.PAYMENT, by=by)  # Under the order's lock, and only what nobody was asked for.
        if payment_in_checkout(order) is not None:
            raise NotAsAgreed
        return None
    return order.add_payment(payment.payment_method, source=payment.source, by=by)


def keep_choice(order: Order, payment: Payment | None, *, by: Actor) -> None:
    """After a change: pay by the same way, if the order is still as far as that, and show it once more."""
    if payment is not None and order.state in (STATE.PAYMENT, STATE.CONFIRM) and not payment_under_way(order):
        payment.refresh_from_db()
        if payment.state == Payment.State.INVALID:
            order.add_payment(payment.payment_method, source=payment.source, by=by)
        if order.state == STATE.PAYMENT and pricing.needs_shipping(order):
            order.back_to(STATE.DELIVERY, by=by)
        elif order.state == STATE.PAYMENT:
            order.next()


def is_covered(order: Order) -> bool:
    """Whether payments that hold or took money cover the total already."""
    return bool(order.payment_sums()["settled"] >= order.total.amount)
