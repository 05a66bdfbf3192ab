"""The views behind an order's buttons. Each shows what it would do, and does it on POST with one call."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_fsm import TransitionNotAllowed

from orders.admin.order_errands import ERRANDS, OrderErrand, may, to_undo, why_not
from orders.admin.order_forms import ApproveForm, CancelForm, NoteForm, PaymentForm, ShipForm
from orders.errors import CannotComplete
from orders.models import Order
from payments.actors import Actor, Origin
from payments.admin.preview import in_words
from payments.errors import GatewayError, GatewayUnavailable, InvalidAmount
from payments.models import Payment
from payments.money import Money

SALT = "orders.confirming"
VALID_FOR = 60 * 60


class OrderActions:
    admin_site: Any
    model: Any

    def action_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.action_view)
        return [path("<int:pk>/<slug:name>/do/", view, name="orders_order_errand")]

    def action_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        return _action_view(request, self, pk, name)

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name
        known = {**self.admin_site.each_context(request), "opts": self.model._meta, **context}
        return TemplateResponse(request, f"admin/orders/order/{template}.html", known)


@require_http_methods(["GET", "HEAD", "POST"])
def _action_view(request: HttpRequest, admin: OrderActions, pk: int, name: str) -> HttpResponse:
    errand = ERRANDS.get(name)
    if errand is None:
        raise Http404
    if not may(request.user, errand):
        raise PermissionDenied
    order = get_object_or_404(Order.objects.select_related("bill_address", "user"), pk=pk)
    payments = list(order.payments.select_related("payment_method", "credit_card").order_by("id"))
    reason = why_not(request.user, errand, order, payments)
    form = _form(errand, order, request.POST if request.method == "POST" else None)
    told: list[str] = []
    if request.method == "POST" and not reason and form.is_valid():
        told = _changed(request, order, payments)
        if not told:
            return _run(request, errand, order, payments, form)
    return admin.page(
        request,
        "errand",
        title=_("%(errand)s: order %(number)s") % {"errand": errand.label, "number": order.number},
        order=order,
        original=order,
        errand=errand,
        form=form,
        why_not=reason,
        told=told,
        plans=[] if reason else _plans(errand, payments, request),
        token=signing.dumps({"order": order.pk, "seen": _seen(order, payments)}, salt=SALT, compress=True),
    )


def _form(errand: OrderErrand, order: Order, data: Any) -> Any:
    match errand.name:
        case "add_payment":
            covered = order.payment_sums()["secured"]
            left = max(order.total - Money(covered, order.currency), Money(0, order.currency))
            return PaymentForm(order, left, data)
        case "ship":
            now = timezone.localtime().replace(second=0, microsecond=0)
            return ShipForm(data, initial={"at": order.shipped_at or now, "tracking": order.tracking})
        case "approve":
            return ApproveForm(data)
        case "note":
            return NoteForm(data)
        case "cancel":
            return CancelForm(data)
    return forms.Form(data)


def _plans(errand: OrderErrand, payments: list[Payment], request: HttpRequest) -> list[dict[str, Any]]:
    """What would be asked for each payment, rehearsed, in words."""
    if errand.name == "cancel":
        asked, verb = to_undo(payments), "cancel"
    elif errand.name == "complete":
        asked, verb = [each for each in payments if each.state == Payment.State.CHECKOUT], "process"
    else:
        return []
    by = Actor(Origin.STAFF, request.user)  # type: ignore[arg-type]
    plans = []
    for payment in asked:
        reason = payment.may(verb)
        words = [reason] if reason else in_words(payment.rehearse(verb, by=by))
        plans.append({"payment": payment, "words": words})
    return plans


def _seen(order: Order, payments: list[Payment]) -> dict[str, str]:
    seen = {"state": order.state, "events": str(order.events.count())}
    return seen | {str(payment.pk): payment.fingerprint() for payment in payments}


def _changed(request: HttpRequest, order: Order, payments: list[Payment]) -> list[str]:
    """Why what was shown is no longer so; nothing where it is."""
    try:
        token = signing.loads(request.POST.get("token", ""), salt=SALT, max_age=VALID_FOR)
    except signing.BadSignature:
        return [_("This page is too old or incomplete. Here is how it stands now.")]
    if token["order"] != order.pk or token["seen"] != _seen(order, payments):
        return [_("Nothing was done: the order or its payments changed since you looked. This is how it stands now.")]
    return []


def _run(request: HttpRequest, errand: OrderErrand, order: Order, payments: list[Payment], form: Any) -> HttpResponse:
    try:
        done = _do(request, errand, order, payments, form.cleaned_data, form)
    except CannotComplete as error:
        messages.error(request, " ".join(str(reason) for reason in error.reasons))
    except GatewayUnavailable as error:
        lost = _("An answer was lost, so nobody knows yet whether it was done. Nothing more is asked until then.")
        messages.warning(request, f"{lost} {error.message}")
    except (GatewayError, InvalidAmount, TransitionNotAllowed, ValueError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))


def _do(
    request: HttpRequest, errand: OrderErrand, order: Order, payments: list[Payment], given: dict[str, Any], form: Any
) -> str:
    by = Actor(Origin.STAFF, request.user)  # type: ignore[arg-type]
    match errand.name:
        case "add_payment":
            payment = order.add_payment(given["method"], form.build_source(), given["amount"], by=by)
            if not order.completed_at:
                order.advance()
            return _("Payment %(number)s was added. Charge it on its own page.") % {"number": payment.number}
        case "complete":
            order.complete(by=by)
            waits = order.state != Order.State.COMPLETE
            return _("The order is placed and waits for its payment.") if waits else _("The order is complete.")
        case "ship":
            order.mark_shipped(given["at"], tracking=given["tracking"], by=by)
            return _("The order is marked as shipped.")
        case "approve":
            order.approve(given["note"], by=by)
            return _("The order is approved.")
        case "resend":
            order.resend_confirmation(by=by)
            return _("The confirmation goes to %(email)s once more.") % {"email": order.email}
        case "resume":
            order.resume(by=by)
            return _("The order is taken up again. Its voided and refunded payments stay what they are.")
        case "cancel":
            seen = {payment.pk: payment.fingerprint() for payment in payments}
            order.cancel(given["reason"], expect=seen, by=by)
            return _("The order is canceled.")
    order.add_note(given["note"], by=by)
    return _("The note is kept.")
