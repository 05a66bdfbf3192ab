"""Going on with an order that was set aside, and the cart that waits meanwhile."""

from __future__ import annotations

from django.http import HttpRequest

from orders.models import Order
from shop import cart
from shop.models import Basket

ASIDE = "cart_aside"


def take_up(request: HttpRequest, order: Order) -> None:
    """This order is the visitor's cart again; what was begun since waits until it is complete."""
    since = cart.find(request)
    if since is not None and since.pk != order.pk:
        Basket.objects.filter(order=since).update(active=False)
        request.session[ASIDE] = since.pk
    Basket.objects.update_or_create(order=order, defaults={"active": True})
    request.session[cart.KEPT_AS] = order.pk


def is_complete(request: HttpRequest, order: Order) -> None:
    """The visitor has seen that this order is complete: it is no cart any more, and the one that waited is."""
    if request.session.get(cart.KEPT_AS) != order.pk:
        return
    del request.session[cart.KEPT_AS]
    waited = request.session.pop(ASIDE, None)
    if waited is not None:
        Basket.objects.filter(order=waited).update(active=True)
        request.session[cart.KEPT_AS] = waited
