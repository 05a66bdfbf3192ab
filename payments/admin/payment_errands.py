"""The views behind a payment's buttons: preview, confirm, and how far an operation has come."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_fsm import TransitionNotAllowed

from payments.actors import Actor, Origin
from payments.admin.confirming import Shown, StaleToken, shown, sums_of
from payments.admin.errand_form import ErrandForm
from payments.admin.errands import ERRANDS, Errand, may, most, why_not
from payments.admin.preview import effects, held_now, in_words, undoing
from payments.display import money_text
from payments.errors import (
    GatewayError,
    GatewayUnavailable,
    InvalidAmount,
    PaymentBusy,
    PaymentChanged,
    PaymentDeclined,
)
from payments.models import Operation, Payment
from payments.models.claim import Draft

logger = logging.getLogger(__name__)


class PaymentErrands:
    """Views of a payment's admin. Looking is GET; what moves money is POST with the token of its preview."""

    admin_site: Any
    model: Any

    def errand_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/<slug:name>/do/", view(self.errand_view), name="payments_payment_errand"),
            path("<int:pk>/operations/<int:sequence>/", view(self.operation_view), name="payments_payment_operation"),
        ]

    def errand_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        return _errand_view(request, self, pk, name)

    def operation_view(self, request: HttpRequest, pk: int, sequence: int) -> HttpResponse:
        return _operation_view(request, self, pk, sequence)

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name
        known = {**self.admin_site.each_context(request), "opts": self.model._meta, **context}
        return TemplateResponse(request, f"admin/payments/payment/{template}.html", known)


@require_http_methods(["GET", "HEAD", "POST"])
def _errand_view(request: HttpRequest, admin: PaymentErrands, pk: int, name: str) -> HttpResponse:
    errand = ERRANDS.get(name)
    if errand is None:
        raise Http404
    if not may(request.user, errand):
        raise PermissionDenied
    draft = get_object_or_404(Payment, pk=pk).look()
    if request.method == "POST" and "confirm" in request.POST:
        return _confirm(admin, request, errand, draft)
    return _preview(admin, request, errand, draft)


def _preview(
    admin: PaymentErrands, request: HttpRequest, errand: Errand, draft: Draft, *, told: list[str] | None = None
) -> HttpResponse:
    """What would happen, and the button that does it; without the button, why it cannot be done now."""
    payment, limit = draft.payment, most(request.user, errand, draft)
    asked = request.POST if request.method == "POST" else request.GET
    form = ErrandForm(errand, draft, limit, asked if {"amount", "reason", "note"} & set(asked) else None)
    context: dict[str, Any] = {"payment": payment, "errand": errand, "form": form, "told": told or []}
    amount, final = None, True
    if form.is_bound:
        form.is_valid()  # A reason that is still missing does not keep the figures away.
        if "amount" not in form.errors:
            amount, final = form.amount, form.final
    elif errand.name == "refund" and limit is not None:
        amount = limit.amount
    context["why_not"] = why_not(request.user, errand, draft, amount, final=final)
    context["busy"] = draft.ledger.unanswered
    if errand.moves_money:
        context["held"] = held_now(draft)
    if not context["why_not"] and "amount" not in form.errors:
        try:
            context |= _sight(request, errand, draft, amount, final=final)
        except (GatewayError, InvalidAmount, TransitionNotAllowed) as error:
            context["why_not"] = str(error)  # It changed since the look above.
    title = _("%(errand)s: payment %(number)s") % {"errand": errand.label, "number": payment.number}
    return admin.page(request, "preview", title=title, **context)


def _sight(request: HttpRequest, errand: Errand, draft: Draft, amount: Any, *, final: bool) -> dict[str, Any]:
    payment, user = draft.payment, request.user.pk or 0
    if not errand.moves_money:
        sight = Shown(
            user=user,
            payment=payment.pk,
            errand=errand.name,
            amount="",
            final=True,
            fingerprint=payment.fingerprint(),
            state=payment.state,
            sums=sums_of(payment),
        )
        return {"token": sight.sign()}
    by = Actor(Origin.STAFF, request.user)  # type: ignore[arg-type]
    rehearsal = payment.rehearse(errand.name, amount, final=final, by=by)
    return {
        "token": shown(rehearsal, user=user, errand=errand.name, amount=amount, final=final).sign(),
        "rehearsal": rehearsal,
        "effects": effects(rehearsal),
        "in_words": in_words(rehearsal),
        "undoing": undoing(rehearsal),
        "total": sum((each.amount for each in rehearsal.asked[1:]), rehearsal.asked[0].amount)
        if rehearsal.asked
        else None,
    }


def _confirm(admin: PaymentErrands, request: HttpRequest, errand: Errand, draft: Draft) -> HttpResponse:
    """Do exactly what was shown, or say what changed."""
    payment = draft.payment
    try:
        sight = Shown.read(
            request.POST.get("token", ""), user=request.user.pk or 0, payment=payment.pk, errand=errand.name
        )
    except StaleToken as stale:
        return _preview(admin, request, errand, draft, told=[str(stale)])
    begun = sight.begun()
    if begun:
        return _show_begun(request, begun)
    form = ErrandForm(errand, draft, most(request.user, errand, draft), request.POST)
    if not form.is_valid():
        return _preview(admin, request, errand, draft)
    if errand.takes_amount and not sight.is_of(form.amount, final=form.final):
        return _preview(admin, request, errand, draft, told=[_("You chose another amount. This is what it would do.")])
    forbidden = why_not(request.user, errand, draft, form.amount, final=form.final)
    if forbidden and sight.fingerprint == payment.fingerprint():
        return _preview(admin, request, errand, draft)
    return _run(admin, request, errand, draft, sight, form)


def _run(
    admin: PaymentErrands, request: HttpRequest, errand: Errand, draft: Draft, sight: Shown, form: ErrandForm
) -> HttpResponse:
    payment = draft.payment
    chosen = form.chosen()
    try:
        if errand.name == "recover":
            payment.recover(by=Actor(Origin.STAFF, request.user))  # type: ignore[arg-type]
        else:
            errand.run(payment, user=request.user, expect=sight.fingerprint, **chosen)
    except (PaymentChanged, PaymentBusy) as error:
        begun = sight.begun()
        if begun:
            return _show_begun(request, begun)
        now = payment.look()
        told = sight.changes(now.payment) if isinstance(error, PaymentChanged) else [str(error)]
        return _preview(admin, request, errand, now, told=[_("Nothing was done."), *told])
    except PaymentDeclined as error:
        messages.error(request, _("The provider said no: %(message)s") % {"message": error.message})
    except GatewayUnavailable as error:
        lost = _("The answer was lost, so nobody knows yet whether it was done. Nothing more is asked until then.")
        messages.warning(request, f"{lost} {error.message}")
    except (GatewayError, InvalidAmount, TransitionNotAllowed, ValueError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _done(errand, payment))
    return HttpResponseRedirect(page_of(payment))


def _done(errand: Errand, payment: Payment) -> str:
    """The answer in a sentence, from the rows."""
    latest = payment.operations.order_by("-sequence").first()
    if errand.name == "recover":
        left = payment.read_ledger().unanswered
        return _("It is still not known; it is tried again.") if left else _("It is settled: see the last operation.")
    if errand.name == "clear_review":
        return _("The review is cleared.")
    if latest is None or latest.state == Operation.State.CANCELED:
        return _("Done: nobody had to be asked.")
    if latest.state == Operation.State.WAITING:
        return _("The provider has taken it and will say later how it ends.")
    done = _("Done: %(kind)s of %(amount)s.")
    return done % {"kind": latest.get_kind_display(), "amount": money_text(latest.amount)}


def _show_begun(request: HttpRequest, operation: Operation) -> HttpResponse:
    text = _("This was already begun by %(actor)s. Nothing was asked a second time.")
    messages.info(request, text % {"actor": operation.actor})
    where = reverse("admin:payments_payment_operation", args=[operation.payment_id, operation.sequence])
    return HttpResponseRedirect(where)


@require_safe
def _operation_view(request: HttpRequest, admin: PaymentErrands, pk: int, sequence: int) -> HttpResponse:
    """How far one operation has come: asked by whom, since when, answered how."""
    if not request.user.has_perm("payments.view_payment"):
        raise PermissionDenied
    operation = get_object_or_404(
        Operation.objects.select_related("payment__order", "payment__payment_method", "user"),
        payment=pk,
        sequence=sequence,
    )
    title = _("%(kind)s of %(amount)s") % {
        "kind": capfirst(operation.get_kind_display()),
        "amount": money_text(operation.amount),
    }
    return admin.page(request, "operation", title=title, operation=operation, payment=operation.payment)


def page_of(payment: Payment) -> str:
    return reverse("admin:payments_payment_change", args=[payment.pk])
