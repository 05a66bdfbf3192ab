"""Staff's errand on a saved card: have it forgotten, here at once and at its provider as soon as that answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from payments.actors import Actor, Origin
from payments.models import CreditCard, Payment
from payments.wallet import forget

UNFINISHED = (Payment.State.CHECKOUT, Payment.State.PROCESSING)


class CardForgetting:
    admin_site: Any
    model: Any

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.forget_view)
        return [path("<int:pk>/forget/", view, name="payments_creditcard_forget"), *super().get_urls()]  # type: ignore[misc]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        card = self.get_object(request, object_id)  # type: ignore[attr-defined]
        may = card is not None and card.forgotten_at is None and may_forget(request.user)
        return super().change_view(  # type: ignore[misc]
            request, object_id, form_url, {**(extra_context or {}), "may_forget": may}
        )

    def forget_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _forget_view(request, self, pk)


def may_forget(user: Any) -> bool:
    return bool(user.has_perms(("payments.view_creditcard", "payments.forget_creditcard")))


@require_http_methods(["GET", "HEAD", "POST"])
def _forget_view(request: HttpRequest, admin: Any, pk: int) -> HttpResponse:
    if not may_forget(request.user):
        raise PermissionDenied
    card = get_object_or_404(CreditCard.objects.select_related("user", "payment_method"), pk=pk)
    if request.method == "POST" and card.forgotten_at is None:
        forget(card, by=Actor(Origin.STAFF, request.user))  # type: ignore[arg-type]
        admin.log_change(request, card, _("Had it forgotten."))
        messages.success(request, _("%(card)s is forgotten: nothing can be paid with it any more.") % {"card": card})
        return HttpResponseRedirect(reverse("admin:payments_creditcard_change", args=[card.pk]))
    request.current_app = admin.admin_site.name
    payments = Payment.objects.filter(source_type="credit_card", source_id=card.pk, state__in=UNFINISHED)
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.model._meta,
        "title": _("Have %(card)s forgotten") % {"card": card},
        "original": card,
        "card": card,
        "unfinished": payments.select_related("order").order_by("id")[:20],
    }
    return TemplateResponse(request, "admin/payments/creditcard/forget.html", context)
