"""What holds at the door of every step: there is a cart, it has come so far, and nobody is paying it just now."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_fsm import TransitionNotAllowed

from orders.models import Order
from payments.errors import PaymentBusy
from shop import cart
from shop.checkout import carts
from shop.checkout.steps import STATE, is_open, page_of, payment_under_way
from shop.links import order_url

View = Callable[[HttpRequest, Order], HttpResponse]
CART = "cart"  # The URL name of the cart's page.


def step(state: str) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """The view of one step, called with the visitor's order; whoever has no business there is led on."""

    def decorate(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        @never_cache
        @require_http_methods(["GET", "HEAD", "POST"])
        def guarded(request: HttpRequest, *_args: Any) -> HttpResponse:
            order = cart.find(request)
            if order is None or (order.state == STATE.CART and not order.line_items.exists()):
                return redirect(without_cart(request))
            if order.state == STATE.CONFIRM and payment_under_way(order):
                return redirect(order_url(order))
            if not is_open(order, state):
                if request.method == "POST":
                    messages.warning(request, _("Your order has changed meanwhile."))
                return redirect(page_of(order))
            try:
                return view(request, order)
            except PaymentBusy:
                return redirect(order_url(order))
            except TransitionNotAllowed:  # Another tab has completed it, or canceled it.
                messages.info(request, _("This order has been placed already."))
                return redirect(order_url(order))

        return guarded

    return decorate


def without_cart(request: HttpRequest) -> str:
    """Where somebody belongs who has nothing to buy: at the order that was just placed, else at the empty cart."""
    placed = carts.just_placed(request)
    if placed is None:
        return reverse(CART)
    messages.info(request, _("This order has been placed already."))
    return order_url(placed)
