"""What a customer has ordered, with its payments, refunds and invoices: anybody else finds nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.invoices import invoice_page
from orders.models import Order
from shop.accounts.wording import payments_of, stands
from shop.links import order_url

A_PAGE = 10


def orders_of(user: Any) -> QuerySet[Order]:
    """What the user has placed, the newest first; a cart is none of it."""
    placed = Q(placed_at__isnull=False) | Q(completed_at__isnull=False)
    found: QuerySet[Order] = Order.objects.filter(placed, user=user.pk)
    return found.order_by("-created_at", "-id")


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    page = Paginator(orders_of(request.user).prefetch_related("payments"), A_PAGE).get_page(request.GET.get("page"))
    rows = [{"order": order, "stands": stands(order)} for order in page]
    return render(request, "shop/accounts/orders.html", {"page": page, "rows": rows})


@require_safe
@never_cache
@login_required
def order_page(request: HttpRequest, number: str) -> HttpResponse:
    order = get_object_or_404(orders_of(request.user).select_related("ship_address", "bill_address"), number=number)
    is_placed = order.state in (Order.State.COMPLETE, Order.State.CANCELED)
    context = {
        "order": order,
        "stands": stands(order),
        "lines": order.line_items.all(),
        "adjustments": order.adjustments.all(),
        "payments": payments_of(order),
        "invoices": order.invoices.order_by("issued_at", "id"),
        "go_on": "" if is_placed else order_url(order),
    }
    return render(request, "shop/accounts/order.html", context)


@require_safe
@never_cache
@login_required
def invoice(request: HttpRequest, number: str, invoice: str) -> HttpResponse:
    back = reverse("account_order", args=[number])
    return invoice_page(request, invoice, orders=orders_of(request.user).filter(number=number), back=back)
