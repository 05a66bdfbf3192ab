"""A payment's page: the facts, what may be done now, and everything that happened to it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from payments.admin.errands import offers
from payments.admin.payment_errands import PaymentErrands
from payments.admin.webhook_event import TONES
from payments.models import Operation, Payment, Refund, WebhookEvent

MOST_EVENTS = 20


class PaymentPage(PaymentErrands):
    """Looks like a change form and changes nothing: every button leads to a preview."""

    def get_urls(self) -> list[Any]:
        return [*self.errand_urls(), *super().get_urls()]  # type: ignore[misc]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        payment = _payment(object_id)
        if payment is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined,no-any-return]
                request, self.model._meta, object_id
            )
        if not self.has_view_permission(request, payment):  # type: ignore[attr-defined]
            raise PermissionDenied
        draft = payment.look()
        open_offers = offers(request.user, draft)
        return self.page(
            request,
            "change_form",
            title=_("Payment %(number)s") % {"number": payment.number},
            original=payment,
            payment=payment,
            ledger=draft.ledger,
            others=draft.others,
            offers=[offer for offer in open_offers if not offer.why_not],
            not_offered=[offer for offer in open_offers if offer.why_not],
            sees_payloads=request.user.has_perm("payments.see_payloads_payment"),
            events=told(payment) if request.user.has_perm("payments.view_webhookevent") else [],
            neighbours=[each for each in payment.order.payments.order_by("id") if each.pk != payment.pk],
        )


def told(payment: Payment) -> list[tuple[WebhookEvent, str]]:
    """The newest notices about a payment, each with the tone of its state."""
    events = payment.webhook_events.select_related("payment_method").order_by("-received_at", "-id")
    return [(event, TONES[event.state]) for event in events[:MOST_EVENTS]]


def _payment(object_id: str) -> Payment | None:
    if not object_id.isdecimal() or len(object_id) > 18:
        return None
    operations = Operation.objects.select_related("user", "refund__reason")
    found: Payment | None = (
        Payment.objects.select_related("order__user", "payment_method", "credit_card__address")
        .prefetch_related(
            Prefetch("operations", operations), Prefetch("refunds", Refund.objects.select_related("reason"))
        )
        .filter(pk=object_id)
        .first()
    )
    return found
