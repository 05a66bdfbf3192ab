"""A guest's way back to an order: by its number and its e-mail address, to its secret link."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from orders.models import Order
from shop.accounts.forms import LookUpForm
from shop.accounts.names import plain
from shop.checkout.visitor import ip_of
from shop.limiting import admit
from shop.links import order_url


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def find_order(request: HttpRequest) -> HttpResponse:
    """Which of the two was wrong nobody is told, neither in words nor by the time that it takes."""
    if request.method != "POST":
        return render(request, "shop/accounts/find_order.html", {"form": LookUpForm()})
    admit("LOOK_UPS_PER_IP", ip_of(request))
    form = LookUpForm(request.POST)
    if form.is_valid():
        admit("LOOK_UPS_PER_EMAIL", form.cleaned_data["email"])
        order = found(form.cleaned_data["number"], form.cleaned_data["email"])
        if order is not None:
            return redirect(order_url(order))
        form.add_error(None, _("We find no order with this number and this e-mail address. Both are in our letters."))
    return render(request, "shop/accounts/find_order.html", {"form": form}, status=400)


def found(number: str, email: str) -> Order | None:
    """The placed order with both; the same statement and the same comparison, whichever of them is wrong."""
    placed = Q(placed_at__isnull=False) | Q(completed_at__isnull=False)
    known = Order.objects.filter(placed, number=number).values_list("email", flat=True).first() or ""
    is_known = constant_time_compare(plain(known).rjust(254), email.rjust(254))
    return Order.objects.get(number=number) if known and is_known else None
