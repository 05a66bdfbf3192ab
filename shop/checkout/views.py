"""The four pages before an order is placed. Each shows its step, or makes one call and goes on to the next."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from orders.errors import CannotComplete
from orders.models import Order
from payments.errors import GatewayError, PaymentBusy, PaymentDeclined
from shop import cart, pricing
from shop.checkout import declines, placing
from shop.checkout.address_form import CheckoutAddressForm
from shop.checkout.addressing import address_to
from shop.checkout.agreement import agreement
from shop.checkout.card_testing import TooManyDeclines
from shop.checkout.choosing import choose
from shop.checkout.doors import step, without_cart
from shop.checkout.fragments import csp_together
from shop.checkout.offers import offers
from shop.checkout.order_page import where_to_go
from shop.checkout.steps import STATE, page_of, path, url_of
from shop.checkout.visitor import actor_of, ip_of
from shop.models import Basket, SavedAddress
from shop.security import let_in, let_lead_away

ADDRESS, DELIVERY, PAYMENT, CONFIRM = STATE.ADDRESS, STATE.DELIVERY, STATE.PAYMENT, STATE.CONFIRM


def start(request: HttpRequest) -> HttpResponse:
    """Checkout by its short address: the step that the order has come to."""
    order = cart.find(request)
    return redirect(page_of(order) if order is not None else without_cart(request))


@step(ADDRESS)
def address(request: HttpRequest, order: Order) -> HttpResponse:
    saved = list(SavedAddress.objects.of(request.user)[:12])
    form = CheckoutAddressForm(request.POST if request.method == "POST" else None, order=order, saved=saved)
    if request.method == "POST" and form.is_valid():
        shipping, billing = form.addresses()
        email = form.cleaned_data["email"]
        tell(request, address_to(order, email, shipping, billing, ip=ip_of(request), by=actor_of(request)))
        return redirect(page_of(order))
    context = {"form": form, "saved": saved}
    return page(request, order, ADDRESS, context, status=400 if form.is_bound else 200)


@step(DELIVERY)
def delivery(request: HttpRequest, order: Order) -> HttpResponse:
    quotes = pricing.shipping_choices(order)
    wanted = request.POST.get("method", "")
    if request.method == "POST":
        method = next((quote.method for quote in quotes if quote.method.code == wanted), None)
        if method is not None:
            order.back_to(DELIVERY, by=actor_of(request))
            tell(request, pricing.choose_shipping(order, method))
            if order.state == DELIVERY:
                order.next()
            return redirect(page_of(order))
    chosen = order.basket.shipping_method_id if hasattr(order, "basket") else None
    if chosen not in [quote.method.pk for quote in quotes]:
        chosen = quotes[0].method.pk if quotes else None
    error = _("Choose how it is to be sent.") if request.method == "POST" else ""
    context = {"quotes": quotes, "chosen": chosen, "error": error}
    return page(request, order, DELIVERY, context, status=400 if error else 200)


@step(PAYMENT)
@sensitive_post_parameters()  # A test number is a card number, too.
def payment(request: HttpRequest, order: Order) -> HttpResponse:
    wanted = request.POST.get("method", "")
    found = offers(order, request.user, data=request.POST if request.method == "POST" else None)
    error = ""
    if request.method == "POST":
        offer = next((each for each in found if each.choice == wanted), None)
        if wanted and offer is None:
            raise Http404
        if offer is None:
            error = _("Choose how you want to pay.")
        elif offer.form.is_valid():
            try:
                choose(order, offer, by=actor_of(request))
                return redirect(page_of(order))
            except PaymentDeclined as refusal:
                error = " ".join(str(each) for each in declines.words_for(refusal.error_code))
            except ValidationError as wrong:
                error = " ".join(wrong.messages)
            except PaymentBusy:
                raise
            except GatewayError:
                error = _("The payment provider does not answer. Nothing was charged: try again, or pay another way.")
    context = {"offers": found, "refusal": declines.last_refusal(order), "error": error}
    return page(request, order, PAYMENT, context, status=400 if request.method == "POST" else 200)


@step(CONFIRM)
def confirm(request: HttpRequest, order: Order) -> HttpResponse:
    if request.method == "POST":
        return place(request, order)
    chosen = placing.payment_in_checkout(order)
    if chosen is None and order.payment_required and not placing.is_covered(order):
        return redirect(url_of(PAYMENT))
    return page(request, order, CONFIRM, {"payment": chosen, "agreed": agreement(order, chosen)})


def place(request: HttpRequest, order: Order) -> HttpResponse:
    """Place the order, once, and lead on: to its page, to the provider's, or back to what has to be chosen anew."""
    Basket.objects.filter(order=order).update(language=get_language() or settings.LANGUAGE_CODE)
    try:
        placing.place(order, request.POST.get("agreed", ""), ip=ip_of(request), by=actor_of(request))
    except placing.SoldOut as missing:
        tell(request, missing.news)
        messages.warning(request, _("Nothing was charged. Take less of it, and go on."))
        return redirect("cart")
    except placing.NotAsAgreed as changed:
        tell(request, changed.news or [_("Your order has changed meanwhile.")])
        messages.warning(request, _("Nothing was charged. Look at your order again before you place it."))
        return redirect(page_of(order))
    except TooManyDeclines as stop:
        response = page(request, order, PAYMENT, {"stop": stop}, template="too_many", status=429)
        response["Retry-After"] = str(stop.retry_after)
        return response
    except CannotComplete:
        messages.warning(request, _("Nothing was charged. Look at your order again before you place it."))
        return redirect(page_of(order))
    except GatewayError:
        if declines.last_refusal(order) is None:  # Else the page says why, from the rows.
            messages.warning(
                request, _("The payment could not be processed, and nothing was charged. Choose how to pay.")
            )
        return redirect(page_of(order))
    if request.user.is_authenticated and order.ship_address:
        SavedAddress.objects.remember(request.user, order.ship_address)
    return redirect(where_to_go(order))


# What they share


def tell(request: HttpRequest, news: Any) -> None:
    for each in news:
        messages.warning(request, str(each))


def page(
    request: HttpRequest, order: Order, state: str, context: dict[str, Any], *, template: str = "", status: int = 200
) -> HttpResponse:
    """A step with the path above it and the order beside it."""
    shown = {
        "order": order,
        "lines": order.line_items.all(),
        "adjustments": order.adjustments.all(),
        "path": list(path(order, state)),
        **context,
    }
    response = render(request, f"shop/checkout/{template or state}.html", shown, status=status)
    if state == CONFIRM:
        return let_lead_away(response)
    return let_in(response, csp_together(offer.csp_sources for offer in context.get("offers", ())))
