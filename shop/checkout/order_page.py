"""The order's own page, by its secret link: what became of it, or that its payment is being confirmed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from orders.models import Order
from payments import waiting
from payments.errors import GatewayError
from payments.gateway_options import return_token
from payments.models import Operation, Payment
from shop.checkout import carts, declines
from shop.checkout.challenges import challenge_of
from shop.checkout.clearing import clear
from shop.checkout.steps import STATE, page_of, payment_under_way
from shop.checkout.visitor import actor_of
from shop.links import order_url, read_order_token
from shop.security import let_in

DEAD = (Payment.State.FAILED, Payment.State.INVALID, Payment.State.VOID)


@require_safe
@never_cache
def order_page(request: HttpRequest, token: str) -> HttpResponse:
    """Where it stands. While a payment is under way its provider is asked, as seldom as for one who comes back."""
    order = order_of(token)
    payment = payment_under_way(order)
    if payment is not None:
        waiting.returned(return_token(payment.number), by=actor_of(request))
        order = order_of(token)
        payment = payment_under_way(order)
    if order.state == STATE.COMPLETE:
        carts.is_complete(request, order)
    context: dict[str, Any] = {
        "order": order,
        "token": token,
        "lines": order.line_items.all(),
        "adjustments": order.adjustments.all(),
    }
    if payment is not None:
        challenge = challenge_of(payment)
        context |= {"payment": payment, "next_url": next_url(payment), "challenge": challenge}
        response = render(request, "shop/checkout/waiting.html", context)
        return let_in(response, challenge.csp_sources) if challenge else response
    if order.state in (STATE.COMPLETE, STATE.CANCELED):
        context["payments"] = order.payments.exclude(state__in=DEAD).select_related("payment_method", "credit_card")
        return render(request, "shop/checkout/complete.html", context)
    context["refusal"] = declines.last_refusal(order)
    return render(request, "shop/checkout/unfinished.html", context)


@require_safe
@never_cache
def status(_request: HttpRequest, token: str) -> JsonResponse:
    """What we know by now. Nobody is asked: a page may look as often as it likes."""
    order = order_of(token)
    return JsonResponse({"state": order.state, "settled": payment_under_way(order) is None})


@require_POST
@never_cache
def another_way(request: HttpRequest, token: str) -> HttpResponse:
    """Go on with an order that is not paid: what is under way is closed at its provider first, or this waits for it."""
    order = order_of(token)
    if order.user_id and order.user_id != request.user.pk:
        messages.warning(request, _("Sign in with the account that this order belongs to."))
        return redirect(f"{reverse('login')}?{urlencode({'next': order_url(order)})}")
    try:
        clear(order, by=actor_of(request))
    except GatewayError:
        messages.warning(
            request,
            _("Your payment has not come to an end yet, and you are not to be charged twice. Try again in a moment."),
        )
        return redirect(order_url(order))
    if order.state in (STATE.COMPLETE, STATE.CANCELED):
        return redirect(order_url(order))
    carts.take_up(request, order)
    return redirect(page_of(order))


def where_to_go(order: Order) -> str:
    """After it was placed: to the provider's page where its customer has to act there, else to its own."""
    payment = payment_under_way(order)
    return (payment and next_url(payment)) or order_url(order)


def next_url(payment: Payment) -> str:
    """Where its customer has to act, "" where nothing is to be done."""
    waits = [each for each in payment.operations.all() if each.is_attempt and each.state == Operation.State.WAITING]
    url = str((waits[-1].next_action or {}).get("url") or "") if waits else ""
    return url if urlsplit(url).scheme in ("https", "http") else ""


def order_of(token: str) -> Order:
    number = read_order_token(token)
    found: Order | None = (
        Order.objects.select_related("ship_address", "bill_address", "user").filter(number=number).first()
        if number
        else None
    )
    if found is None:
        raise Http404
    return found
