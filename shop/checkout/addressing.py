"""Writing down who orders, and where it goes."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import ProtectedError

from orders.models import Address, Order
from payments.actors import Actor
from shop import pricing
from shop.checkout.steps import STATE


def address_to(
    order: Order, email: str, shipping: Address, billing: Address, *, ip: str | None, by: Actor
) -> list[Any]:
    """Give the order its addresses and take it on to delivery. What changed by that: taxes are the country's.

    Raises PaymentBusy while it is being paid, TransitionNotAllowed once it is placed.
    """
    with order.changing(STATE.ADDRESS, by=by) as locked:
        before = [pk for pk in (locked.ship_address_id, locked.bill_address_id) if pk]
        shipping.save()
        if billing is not shipping:
            billing.save()
        locked.email, locked.last_ip_address = email, ip
        locked.ship_address, locked.bill_address = shipping, billing
        locked.write("email", "last_ip_address", "ship_address", "bill_address")
        _discard(before)
    order.refresh_from_db()
    changes = [each for each in pricing.reprice(order) if each.kind != "total"]
    while order.state in (STATE.CART, STATE.ADDRESS):
        order.next()
    return changes


def _discard(addresses: list[int]) -> None:
    """The former ones, where nothing else names them."""
    for pk in set(addresses):
        try:
            with transaction.atomic():
                Address.objects.filter(pk=pk).delete()
        except ProtectedError:
            pass
