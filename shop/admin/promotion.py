"""Codes that take something off, with their terms in each currency."""

from __future__ import annotations

from django.contrib import admin

from payments.admin.readonly import ModelAdmin
from shop.admin.amount_form import AmountInline
from shop.models import Promotion, PromotionTerms


class TermsInline(AmountInline):
    model = PromotionTerms
    fields = ("currency", "amount", "minimum")


@admin.register(Promotion)
class PromotionAdmin(ModelAdmin):
    list_display = ("code", "label", "percent", "starts_at", "ends_at", "active")
    list_editable = ("active",)
    list_filter = ("active",)
    search_fields = ("code", "label")
    fields = ("code", "label", "percent", "starts_at", "ends_at", "active")
    inlines = (TermsInline,)
