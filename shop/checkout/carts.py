"""Going on with an order that was set aside, and the cart that waits meanwhile."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from orders.models import Order
from shop import cart
from shop.models import Basket

ASIDE = "cart_aside"
PLACED = "placed"
IS_NEWS = timedelta(hours=1)  # After that, who finds the cart empty has not just been paying.


def take_up(request: HttpRequest, order: Order) -> None:
    """This order is the visitor's cart again; what was begun since waits until it is complete.

    A guest's becomes the account's where its customer has signed in since, as a cart does.
    """
    if request.user.is_authenticated:
        Order.objects.filter(pk=order.pk, user=None).update(user=request.user)
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
    request.session[PLACED] = order.pk
    waited = request.session.pop(ASIDE, None)
    if waited is not None:
        Basket.objects.filter(order=waited).update(active=True)
        request.session[cart.KEPT_AS] = waited


def just_placed(request: HttpRequest) -> Order | None:
    """The order that this browser has placed within the hour, seen or not: a second click, a tab, a dropped answer."""
    known = [request.session[key] for key in (cart.KEPT_AS, PLACED) if key in request.session]
    if not known:
        return None
    since = timezone.now() - IS_NEWS
    found = Order.objects.filter(pk__in=known, state=Order.State.COMPLETE, completed_at__gt=since)
    return found.order_by("-completed_at").first()  # type: ignore[no-any-return]
