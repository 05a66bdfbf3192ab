"""Cards as far as we keep them. A provider's token is of no use to staff and is not shown."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ReadOnlyAdmin
from payments.models import CreditCard


@admin.register(CreditCard)
class CreditCardAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "name", "month", "year", "created_at")
    list_filter = ("brand",)
    search_fields = ("=last_four", "name")
    search_help_text = _("last four digits, or name on the card")
    fields = ("brand", "last_four", "month", "year", "name", "user", "address", "created_at")
