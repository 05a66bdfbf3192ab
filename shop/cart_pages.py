"""The cart's pages: what is in it, and every change of it as a POST of its own that works without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_fsm import TransitionNotAllowed

from orders.models import LineItem, Order
from payments.errors import PaymentBusy
from shop import cart
from shop.models import Product, StockHold
from shop.pricing import basket_of, reprice

REMOVED = "removed"
View = Callable[..., HttpResponse]


@require_safe
@never_cache
def show(request: HttpRequest) -> HttpResponse:
    """What is in the cart, at the prices of this moment."""
    order = cart.find(request)
    busy = order is not None and cart.is_being_paid(order)
    if order is not None:
        prefetch_related_objects([order], "line_items", "adjustments")
    if order is not None and not busy:
        _tell_news(request, order)
    context: dict[str, Any] = {"order": order, "busy": busy, "removed": request.session.get(REMOVED), "most": cart.MOST}
    if order is not None:
        lines = _lines(order)
        cart.remember_count(request, sum(line.quantity for line, _product, _left in lines))
        context |= {"lines": lines, "adjustments": order.adjustments.all(), "promotion": basket_of(order).promotion}
    return render(request, "shop/cart.html", context)


@require_POST
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a product into the cart."""
    product = get_object_or_404(Product, slug=slug, active=True)
    answer = redirect(product)
    with _telling(request):
        order = cart.take(request)
        _tell_news(request, order)
        cart.add(order, product, _quantity(request))
        messages.success(request, _("%(name)s is in your cart.") % {"name": product.name})
        answer = redirect("cart")
    return answer


@require_POST
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Another quantity of one line, or none of it."""
    order, line = _line(request, pk)
    if order is None or line is None:
        return redirect("cart")
    with _telling(request):
        _tell_news(request, order)
        if "remove" in request.POST or request.POST.get("quantity") == "0":
            removed = cart.remove(order, line)
            request.session[REMOVED] = {"sku": removed.sku, "name": removed.name, "quantity": removed.quantity}
        else:
            cart.set_quantity(order, line, _quantity(request))
            request.session.pop(REMOVED, None)
    return redirect("cart")


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Put back what was removed last."""
    removed = request.session.pop(REMOVED, None)
    product = Product.objects.filter(sku=removed["sku"]).first() if removed else None
    if removed and product is not None:
        with _telling(request):
            cart.add(cart.take(request), product, removed["quantity"])
    return redirect("cart")


@require_POST
def code(request: HttpRequest) -> HttpResponse:
    """Use a promotion code, or none any more."""
    order = cart.find(request)
    if order is None:
        return redirect("cart")
    with _telling(request):
        _tell_news(request, order)
        if "drop" in request.POST:
            cart.drop_code(order)
        elif request.POST.get("code", "").strip():
            cart.apply_code(order, request.POST["code"])
    return redirect("cart")


@require_POST
def currency(request: HttpRequest) -> HttpResponse:
    """Show prices, and keep the cart, in another currency."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    with _telling(request):
        cart.choose_currency(request, request.POST.get("currency", ""))
    return HttpResponseRedirect(target)


# Behind them


@contextmanager
def _telling(request: HttpRequest) -> Iterator[None]:
    """Whatever the cart refuses is said to the customer, and nothing is lost."""
    try:
        yield
    except (cart.Refused, PaymentBusy, TransitionNotAllowed) as error:
        messages.error(request, str(error))
    except Order.DoesNotExist:
        messages.error(request, _("Your cart was changed in another window. Please look at it again."))


def _tell_news(request: HttpRequest, order: Order) -> None:
    """Prices that have changed since the customer looked, goods that are gone: said, and charged to nobody unseen."""
    for each in reprice(order):
        if each.kind != "total":
            messages.warning(request, str(each))


def _quantity(request: HttpRequest) -> int:
    text = request.POST.get("quantity", "1").strip()
    if not text.isascii() or not text.isdigit() or len(text) > len(str(cart.MOST)) + 2:
        raise cart.Refused(_("A quantity is a whole number."))
    return int(text)


def _line(request: HttpRequest, pk: int) -> tuple[Order | None, LineItem | None]:
    order = cart.find(request)
    return order, order.line_items.filter(pk=pk).first() if order else None


def _lines(order: Order) -> list[tuple[LineItem, Product | None, int | None]]:
    """Each line with its product, and how many of that there are for this order; None for no end of them."""
    lines = list(order.line_items.all())
    products = {each.sku: each for each in Product.objects.filter(sku__in=[line.sku for line in lines])}
    mine = order.stock_holds.filter(state=StockHold.State.HELD).values_list("product", "quantity")
    held: dict[int, int] = dict(mine)
    found = []
    for line in lines:
        product = products.get(line.sku)
        left = None if product is None or product.stock is None else product.stock + held.get(product.pk, 0)
        found.append((line, product, left))
    return found
