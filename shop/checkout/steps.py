"""The steps of checkout: which there are, how far an order has come, and where its customer belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from payments.models import Payment
from shop.links import order_url

STATE = Order.State
ORDER = (STATE.CART, STATE.ADDRESS, STATE.DELIVERY, STATE.PAYMENT, STATE.CONFIRM)
NAMES: dict[str, Any] = {
    STATE.ADDRESS: _("Address"),
    STATE.DELIVERY: _("Delivery"),
    STATE.PAYMENT: _("Payment"),
    STATE.CONFIRM: _("Review"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the path above each page."""

    name: Any
    url: str
    is_current: bool
    is_reached: bool
    is_done: bool


def path(order: Order, current: str) -> Iterator[Step]:
    reached = ORDER.index(STATE(order.state)) if order.state in ORDER else 0
    here = ORDER.index(STATE(current))
    for state, name in NAMES.items():
        if state == STATE.PAYMENT and not order.payment_required:
            continue
        place = ORDER.index(STATE(state))
        yield Step(name, url_of(state), place == here, place <= reached, place < here)


def url_of(state: str) -> str:
    """The page of this step; a cart begins with the address."""
    return reverse(f"checkout:{STATE.ADDRESS if state == STATE.CART else state}")


def page_of(order: Order) -> str:
    """Where its customer goes on: the step that it has come to, or its own page once it is placed."""
    return url_of(order.state) if order.state in ORDER else order_url(order)


def is_open(order: Order, step: str) -> bool:
    """Whether this page may be looked at: any up to where the order has come."""
    if order.state not in ORDER:
        return False
    if step == STATE.PAYMENT and not order.payment_required:
        return False
    return ORDER.index(STATE(step)) <= max(ORDER.index(STATE(order.state)), 1)


def payment_under_way(order: Order) -> Payment | None:
    """The payment of this order that a provider has been asked for and that is not settled."""
    found: Payment | None = (
        order.payments.filter(state=Payment.State.PROCESSING)
        .select_related("payment_method", "credit_card")
        .order_by("-id")
        .first()
    )
    return found
