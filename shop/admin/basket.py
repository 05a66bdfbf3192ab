"""What a customer has chosen in the storefront. Looked at, never edited."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ReadOnlyAdmin
from shop.models import Basket


@admin.register(Basket)
class BasketAdmin(ReadOnlyAdmin):
    list_display = ("order", "active", "shipping_method", "promotion", "language", "created_at")
    list_filter = ("active",)
    list_select_related = ("order", "shipping_method", "promotion")
    search_fields = ("order__number",)
    search_help_text = _("number of the order")
    ordering = ("-id",)
    fields = ("order", "active", "shipping_method", "promotion", "language", "created_at")
