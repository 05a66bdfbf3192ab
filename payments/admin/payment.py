"""Payments with everything that was asked of their providers, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ReadOnlyAdmin, ReadOnlyInline, actor, amount
from payments.models import Operation, Payment, Refund

AMOUNT = amount("amount", _("amount"))
AUTHORIZED = amount("authorized_amount", _("authorized"))
CAPTURED = amount("captured_amount", _("captured"))
REFUNDED = amount("refunded_amount", _("refunded"))


class OperationInline(ReadOnlyInline):
    model = Operation
    fields = (
        "sequence",
        "kind",
        AMOUNT,
        "state",
        "message",
        "reason",
        "reference",
        "state_before",
        "state_after",
        actor,
        "created_at",
        "answered_at",
    )
    readonly_fields = (AMOUNT, actor)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = (AMOUNT, "reason", "state", "reference", "created_at")
    readonly_fields = (AMOUNT, "state", "reference")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("operation", "reason")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ("number", "order", "payment_method", "state", AMOUNT, CAPTURED, REFUNDED, "created_at")
    list_filter = ("state", "payment_method", ("review_reason", admin.EmptyFieldListFilter))
    list_select_related = ("order", "payment_method")
    search_fields = ("=number", "=order__number", "=order__email", "=response_code")
    search_help_text = _("payment number, order number, e-mail or response code, in full")
    fieldsets = (
        (None, {"fields": ("number", "order", "payment_method", "source", "state", "review_reason")}),
        (_("Money"), {"fields": (AMOUNT, AUTHORIZED, CAPTURED, REFUNDED)}),
        (
            _("What the provider said"),
            {"fields": ("response_code", "avs_response", "cvv_response_code", "cvv_response_message")},
        ),
        (_("Times"), {"fields": ("created_at", "updated_at")}),
    )
    readonly_fields = ("number", "source", AMOUNT, AUTHORIZED, CAPTURED, REFUNDED, "created_at", "updated_at")
    inlines = (OperationInline, RefundInline)
