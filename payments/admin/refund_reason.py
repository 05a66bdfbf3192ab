"""Why money is given back: the list that staff choose from."""

from __future__ import annotations

from django.contrib import admin

from payments.admin.readonly import ModelAdmin
from payments.models import RefundReason


@admin.register(RefundReason)
class RefundReasonAdmin(ModelAdmin):
    list_display = ("name", "active")
    list_filter = ("active",)
    search_fields = ("name",)
    show_full_result_count = False
