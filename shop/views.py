"""The pages: each loads in one place and shows what is there."""

from __future__ import annotations

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from orders.models import Order
from payments.models import Operation, Payment, Refund
from shop.history import history

NEWEST = 12


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """What this is, and the ways in; staff also see the newest orders."""
    user = request.user
    may_see = user.is_active and user.is_staff and user.has_perm("orders.view_order")
    orders = Order.objects.order_by("-id")[:NEWEST] if may_see else Order.objects.none()
    return render(request, "shop/home.html", {"may_see": may_see, "orders": orders})


@require_safe
@never_cache
@staff_member_required
@permission_required("orders.view_order", raise_exception=True)
def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order with its money and its history, for staff."""
    found = get_object_or_404(Order.objects.select_related("user", "bill_address", "ship_address"), number=number)
    context = {
        "order": found,
        "lines": found.line_items.all(),
        "adjustments": found.adjustments.all(),
        "payments": _payments_of(found),
        "history": history(found),
    }
    return render(request, "shop/order.html", context)


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Browsers ask for it by this name where a page names none, as the admin's."""
    return redirect(static("shop/favicon.svg"))


def _payments_of(found: Order) -> list[Payment]:
    return list(
        found.payments.select_related("payment_method", "credit_card")
        .prefetch_related(
            Prefetch("operations", Operation.objects.select_related("user")),
            Prefetch("refunds", Refund.objects.select_related("operation", "reason")),
        )
        .order_by("id")
    )
