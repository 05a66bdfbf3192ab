"""Who tried to pay with what and was refused, and letting somebody try again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments.admin.readonly import ReadOnlyAdmin
from payments.models import Operation
from payments.templatetags.back_office import badge
from shop.models import PaymentAttempt

DECLINED, STOPPED, OTHER = "declined", "stopped", "other"


class OutcomeFilter(admin.SimpleListFilter):
    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(STOPPED, _("stopped by a limit")), (DECLINED, _("declined")), (OTHER, _("neither"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {
            STOPPED: ~Q(stopped_by=""),
            DECLINED: Q(stopped_by="", was_declined=True),
            OTHER: Q(stopped_by="", was_declined=False),
        }
        return queryset.filter(conditions[self.value() or ""]) if self.value() in conditions else queryset


@admin.register(PaymentAttempt)
class PaymentAttemptAdmin(ReadOnlyAdmin):
    """A card is shown by what is on its receipts; the same card has the same short sign in the third column."""

    list_display = ("created_at", "outcome", "card", "same_card", "ip", "order_link", "lifted")
    list_filter = (OutcomeFilter, ("stopped_by", admin.ChoicesFieldListFilter), "created_at")
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("=order__number", "=ip", "fingerprint__startswith")
    search_help_text = _("an order's number, an IP address or the sign of a card")
    fields = ("created_at", "outcome", "card", "fingerprint", "ip", "order_link", "lifted_at", "lifted_by")
    actions = ("lift",)  # type: ignore[assignment]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentAttempt]:
        declined = Operation._base_manager.filter(
            payment=OuterRef("payment"), kind__in=("authorize", "purchase"), state=Operation.State.DECLINED
        )
        found = super().get_queryset(request).annotate(was_declined=Exists(declined))
        found = found.select_related("payment__credit_card", "payment__payment_method", "order", "lifted_by")
        return found  # type: ignore[no-any-return]

    @admin.display(description=_("outcome"))
    def outcome(self, attempt: Any) -> Any:
        if attempt.stopped_by:
            return badge("failed", _("stopped: %(limit)s") % {"limit": attempt.get_stopped_by_display()})
        if attempt.was_declined:
            return badge("declined", _("declined"))
        return badge(attempt.payment.state, attempt.payment.get_state_display())

    @admin.display(description=_("paid with"))
    def card(self, attempt: PaymentAttempt) -> str:
        payment = attempt.payment
        return str(payment.source if payment.source_type == "credit_card" else payment.payment_method)

    @admin.display(description=_("sign of the card"))
    def same_card(self, attempt: PaymentAttempt) -> str:
        return attempt.fingerprint[:8] or "–"

    @admin.display(description=_("order"), ordering="order")
    def order_link(self, attempt: PaymentAttempt) -> Any:
        url = reverse("admin:orders_order_change", args=[attempt.order_id])
        return format_html('<a href="{}">{}</a>', url, attempt.order)

    @admin.display(description=_("lifted"))
    def lifted(self, attempt: PaymentAttempt) -> str:
        return str(attempt.lifted_by) if attempt.lifted_at else "–"

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("shop.change_paymentattempt"))

    @admin.action(description=_("Let these count no longer"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[PaymentAttempt]) -> None:
        pks = list(queryset.filter(lifted_at=None).values_list("pk", flat=True))
        count = PaymentAttempt.objects.filter(pk__in=pks).update(lifted_at=timezone.now(), lifted_by=request.user)
        said = ngettext("%d attempt counts no longer.", "%d attempts count no longer.", count) % count
        self.message_user(request, said, messages.SUCCESS)
