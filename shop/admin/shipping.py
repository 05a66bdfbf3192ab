"""How goods travel, and what that costs where."""

from __future__ import annotations

from django.contrib import admin

from payments.admin.readonly import ModelAdmin
from shop.admin.amount_form import AmountInline
from shop.models import ShippingMethod, ShippingRate


class RateInline(AmountInline):
    model = ShippingRate
    fields = ("country", "currency", "amount", "free_from")


@admin.register(ShippingMethod)
class ShippingMethodAdmin(ModelAdmin):
    list_display = ("name", "code", "description", "active", "position")
    list_editable = ("active", "position")
    prepopulated_fields = {"code": ("name",)}
    inlines = (RateInline,)
