"""What countries and their regions ask of a sale."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ModelAdmin
from shop.models import TaxRate


@admin.register(TaxRate)
class TaxRateAdmin(ModelAdmin):
    list_display = ("label", "country", "region", "category", "percent_text", "included", "on_shipping")
    list_filter = ("included", "country")
    list_select_related = ("category",)
    search_fields = ("label", "country", "region")
    fields = ("label", "country", "region", "category", "rate", "included", "on_shipping")

    @admin.display(description=_("rate"), ordering="rate")
    def percent_text(self, tax: TaxRate) -> str:
        return f"{(tax.rate * 100).normalize():f} %"
