"""Choosing how to pay: the payment that will be asked for when the order is placed, and nobody before."""

from __future__ import annotations

from typing import Any

from orders.creating import create_payment
from orders.models import Order
from payments.actors import Actor
from shop.checkout.offers import Offer
from shop.checkout.steps import STATE


def choose(order: Order, offer: Offer, *, by: Actor) -> None:
    """Pay this order by the offer whose form is valid, for what it costs now, and go on to the last step.

    Raises PaymentBusy while another payment of it is under way, PaymentDeclined and GatewayUnavailable where the
    provider does not know what was entered, ValidationError for a card that cannot be right.
    """
    made = attributes(order, offer) if offer.kept is None else None
    order.back_to(STATE.PAYMENT, by=by)
    if offer.entry is not None:
        create_payment(order, offer.method, wallet_entry=offer.entry, by=by)
    elif offer.kept is not None:
        order.add_payment(offer.method, source=offer.kept, by=by)
    else:
        create_payment(order, offer.method, source_attributes=made, by=by)
    if order.state == STATE.PAYMENT:
        order.next()


def attributes(order: Order, offer: Offer) -> dict[str, Any] | None:
    """Only an account can have a card kept."""
    made = offer.form.attributes()
    if made is not None and order.user_id is None:
        made["to_keep"] = False
    return made
