"""The address book: kept addresses, and which of them comes first. A change here changes no order."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders.models import Address
from shop.checkout.address_form import AddressForm
from shop.models import Preferences, SavedAddress
from shop.models.address_book import PARTS

SECTION = "address"
MOST = 50  # Enough for anybody; a list without an end is none.
FIRST_FOR = {"shipping": "ship_to", "billing": "bill_to"}


@require_safe
@never_cache
@login_required
def addresses(request: HttpRequest) -> HttpResponse:
    preferences = Preferences.objects.filter(user=request.user.pk).first()
    context = {
        "addresses": SavedAddress.objects.of(request.user)[:MOST],
        "ships_first": preferences.ship_to_id if preferences else None,
        "bills_first": preferences.bill_to_id if preferences else None,
    }
    return render(request, "shop/accounts/addresses.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def add(request: HttpRequest) -> HttpResponse:
    form = AddressForm(request.POST if request.method == "POST" else None, section=SECTION)
    if request.method == "POST" and form.is_valid():
        if SavedAddress.objects.filter(user=request.user.pk).count() >= MOST:
            messages.error(request, _("Your address book is full. Remove an address first."))
        else:
            SavedAddress.objects.remember(request.user, Address(**form.cleaned_data))
            messages.success(request, _("The address is kept."))
        return redirect("account_addresses")
    return _form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    kept = _own(request, pk)
    said = {name: getattr(kept.address, name) for name in PARTS}
    form = AddressForm(request.POST if request.method == "POST" else None, section=SECTION, initial=said)
    if request.method == "POST" and form.is_valid():
        Address.objects.filter(pk=kept.address_id).update(**form.cleaned_data)
        messages.success(request, _("The address is changed. Orders that are placed keep the former one."))
        return redirect("account_addresses")
    return _form(request, form, kept)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    kept = _own(request, pk)
    if request.method == "POST":
        with transaction.atomic():
            kept.delete()
            Address.objects.filter(pk=kept.address_id).delete()
        messages.success(request, _("The address is removed."))
        return redirect("account_addresses")
    return render(request, "shop/accounts/address_remove.html", {"kept": kept})


@require_POST
@login_required
def prefer(request: HttpRequest, pk: int) -> HttpResponse:
    """Have it come first, for goods or for bills."""
    kept = _own(request, pk)
    column = FIRST_FOR.get(request.POST.get("for", ""))
    if column is None:
        raise Http404
    Preferences.objects.update_or_create(user_id=kept.user_id, defaults={column: kept})
    messages.success(request, _("This address is a default from now on."))
    return redirect("account_addresses")


def _own(request: HttpRequest, pk: int) -> SavedAddress:
    found: SavedAddress = get_object_or_404(SavedAddress.objects.of(request.user), pk=pk)
    return found


def _form(request: HttpRequest, form: AddressForm, kept: SavedAddress | None) -> HttpResponse:
    status = 400 if form.is_bound else 200
    return render(request, "shop/accounts/address_form.html", {"form": form, "kept": kept}, status=status)
