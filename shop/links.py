"""The secret link of an order: whoever has it sees the order's page, and needs no account."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from orders.models import Order

# The same each time, so that the link of a letter, of a provider and of the browser are one.
SIGNER = Signer(salt="shop.order", sep=".")


def order_token(order: Order) -> str:
    """What stands for the order in its address: its number, signed."""
    return SIGNER.sign(order.number)


def order_url(order: Order) -> str:
    """The path of the order's page, without scheme and host."""
    return reverse("order", args=[order_token(order)])


def read_order_token(token: str) -> str:
    """The order's number, "" for what we did not sign."""
    try:
        return SIGNER.unsign(token)
    except BadSignature:
        return ""
