"""The cards that we keep for a customer: which one comes first, forgetting one, and keeping another without paying."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments.adding import add_card, can_add
from payments.errors import GatewayError, PaymentDeclined
from payments.models import PaymentMethod, WalletEntry
from payments.wallet import Wallet
from shop import cart
from shop.checkout import fragments
from shop.checkout.declines import words_for
from shop.checkout.source_forms import SourceForm, form_class
from shop.checkout.visitor import actor_of, ip_of
from shop.limiting import admit
from shop.security import let_in

logger = logging.getLogger(__name__)
NOT_ITS_OWN = (fragments.HOSTED, fragments.PLAIN, "")


@require_safe
@never_cache
@login_required
def cards(request: HttpRequest) -> HttpResponse:
    context = {"entries": Wallet(request.user).entries(), "can_add": any(_methods())}
    return render(request, "shop/accounts/cards.html", context)


@require_POST
@login_required
def prefer(request: HttpRequest, pk: int) -> HttpResponse:
    Wallet(request.user).make_default(_own(request, pk))
    messages.success(request, _("This card is your default from now on."))
    return redirect("account_cards")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """It is gone here at once; its provider is asked to forget it, until that has been done."""
    entry = _own(request, pk)
    if request.method == "POST":
        Wallet(request.user).forget(entry, by=actor_of(request))
        messages.success(request, _("The card is removed. We never charge it again."))
        return redirect("account_cards")
    return render(request, "shop/accounts/card_remove.html", {"entry": entry})


@dataclass(slots=True)
class Way:
    """A payment method that can keep a card without a payment, and the form for it."""

    method: PaymentMethod
    form: SourceForm
    template: str
    client_config: dict[str, Any]
    csp_sources: Any
    is_chosen: bool = False

    @property
    def config_id(self) -> str:
        return f"config-{self.method.code}"


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def add(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("method", "")
    ways = list(_ways(request, chosen))
    error = ""
    if request.method == "POST":
        admit("CARDS_PER_USER", request.user.pk)
        admit("CARDS_PER_IP", ip_of(request))
        way = next((each for each in ways if each.is_chosen), None)
        if way is None:
            raise Http404
        if way.form.is_valid():
            try:
                add_card(request.user, way.method, way.form.attributes() or {}, currency=cart.currency_of(request))
            except ValidationError as wrong:
                error = " ".join(wrong.messages)
            except PaymentDeclined as refusal:
                error = " ".join(str(each) for each in words_for(refusal.error_code))
            except GatewayError:
                error = _("The payment provider does not answer, and the card is not kept. Try again in a moment.")
            else:
                messages.success(request, _("The card is kept."))
                return redirect("account_cards")
    elif ways:
        ways[0].is_chosen = True
    context = {"ways": ways, "error": error}
    response = render(request, "shop/accounts/card_add.html", context, status=400 if request.method == "POST" else 200)
    for way in ways:
        let_in(response, way.csp_sources)
    return response


def _methods() -> Iterator[PaymentMethod]:
    """Those with fields of their own to enter a card."""
    for method in PaymentMethod.objects.available_to_users():
        if can_add(method) and fragments.template_of(method) not in NOT_ITS_OWN:
            yield method


def _ways(request: HttpRequest, chosen: str) -> Iterator[Way]:
    for method in _methods():
        try:
            adapter = method.build_gateway()
            config = adapter.client_config(_asked_for(request))
        except GatewayError as error:
            logger.warning("Payment method %s cannot keep a card: %s", method.code, error)
            continue
        form = form_class(adapter, has_script=bool(config))(
            request.POST if chosen == method.code else None, method=method
        )
        form.fields["save"] = forms.BooleanField(required=False, label="", widget=forms.HiddenInput, initial=True)
        template = fragments.template_of(method)
        yield Way(method, form, template, config, adapter.csp_sources, is_chosen=chosen == method.code)


def _asked_for(request: HttpRequest) -> dict[str, Any]:
    """What a gateway may know to draw its fields where no order is paid."""
    return {
        "currency": cart.currency_of(request),
        "email": request.user.email,  # type: ignore[union-attr]
        "return_url": settings.PAYMENTS.get("PUBLIC_ORIGIN", "") + reverse("account_cards"),
        "language": get_language() or "en",
    }


def _own(request: HttpRequest, pk: int) -> WalletEntry:
    entry = Wallet(request.user).find(pk)
    if entry is None:
        raise Http404
    return entry
