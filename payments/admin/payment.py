"""Payments with everything that was asked of their providers, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import PaymentAmounts, ReadOnlyAdmin, ReadOnlyInline, WithActor, amount
from payments.models import Operation, Payment, Refund


class OperationInline(WithActor, ReadOnlyInline):
    model = Operation
    amount_text = amount("amount", _("amount"))
    fields = (
        "sequence",
        "kind",
        "amount_text",
        "state",
        "by",
        "created_at",
        "reference",
        "message",
        "reason",
        "state_before",
        "state_after",
        "answered_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


class RefundInline(ReadOnlyInline):
    model = Refund
    amount_text = amount("amount", _("amount"))
    fields = ("amount_text", "reason", "state", "reference", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("operation", "reason")


@admin.register(Payment)
class PaymentAdmin(PaymentAmounts, ReadOnlyAdmin):
    list_display = (
        "number",
        "order",
        "payment_method",
        "state",
        "amount_text",
        "captured_text",
        "refunded_text",
        "created_at",
    )
    list_filter = ("state", "payment_method", ("review_reason", admin.EmptyFieldListFilter))
    list_select_related = ("order", "payment_method")
    search_fields = ("=number", "=order__number", "=order__email", "=response_code")
    search_help_text = _("payment number, order number, e-mail or response code, in full")
    fieldsets = (
        (None, {"fields": ("number", "order", "payment_method", "source", "state", "review_reason")}),
        (_("Money"), {"fields": ("amount_text", "authorized_text", "captured_text", "refunded_text")}),
        (
            _("What the provider said"),
            {"fields": ("response_code", "avs_response", "cvv_response_code", "cvv_response_message")},
        ),
        (_("Times"), {"fields": ("created_at", "updated_at")}),
    )
    inlines = (OperationInline, RefundInline)
