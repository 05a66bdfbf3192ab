"""Which goods are kept for which order, and what was sold without being there. Looked at, never edited."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ReadOnlyAdmin
from shop.models import StockHold


@admin.register(StockHold)
class StockHoldAdmin(ReadOnlyAdmin):
    list_display = ("product", "quantity", "order", "state", "expires_at")
    list_filter = ("state",)
    list_select_related = ("product", "order")
    search_fields = ("order__number", "product__sku")
    search_help_text = _("number of the order, SKU")
    fields = ("order", "product", "quantity", "state", "expires_at", "created_at")
