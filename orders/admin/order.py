"""Orders with their lines, adjustments, payments and events, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from orders.models import Adjustment, LineItem, Order, OrderEvent
from payments.admin.readonly import PaymentAmounts, ReadOnlyAdmin, ReadOnlyInline, WithActor, amount
from payments.models import Payment

TOTALS = (
    "item_text",
    "shipment_text",
    "additional_tax_text",
    "promo_text",
    "total_text",
    "included_tax_text",
    "paid_text",
    "outstanding_text",
)


class LineItemInline(ReadOnlyInline):
    model = LineItem
    price_text = amount("unit_price", _("unit price"))
    total_text = amount("total", _("total"))
    fields = ("sku", "name", "quantity", "price_text", "total_text")


class AdjustmentInline(ReadOnlyInline):
    model = Adjustment
    amount_text = amount("amount", _("amount"))
    fields = ("kind", "label", "amount_text")


class PaymentInline(PaymentAmounts, ReadOnlyInline):
    model = Payment
    show_change_link = True
    fields = (
        "number",
        "payment_method",
        "state",
        "amount_text",
        "captured_text",
        "refunded_text",
        "review_reason",
        "created_at",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment_method")


class OrderEventInline(WithActor, ReadOnlyInline):
    model = OrderEvent
    fields = ("name", "before", "after", "note", "by", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    item_text = amount("item_total", _("items"))
    shipment_text = amount("shipment_total", _("shipping"))
    additional_tax_text = amount("additional_tax_total", _("tax on top"))
    promo_text = amount("promo_total", _("promotions"))
    total_text = amount("total", _("total"))
    included_tax_text = amount("included_tax_total", _("tax included"))
    paid_text = amount("payment_total", _("paid"))
    outstanding_text = amount("outstanding_balance", _("outstanding"))

    list_display = ("number", "email", "state", "payment_state", "total_text", "paid_text", "completed_at")
    list_filter = ("state", "payment_state")
    search_fields = ("=number", "=email", "=payments__number")
    search_help_text = _("order number, e-mail or payment number, in full")
    fieldsets = (
        (None, {"fields": ("number", "email", "user", "state", "payment_state")}),
        (_("Totals"), {"fields": TOTALS}),
        (_("Addresses"), {"fields": ("ship_address", "bill_address", "last_ip_address")}),
        (_("Times"), {"fields": ("created_at", "placed_at", "completed_at", "canceled_at")}),
    )
    inlines = (LineItemInline, AdjustmentInline, PaymentInline, OrderEventInline)
