"""The outbox: what had to happen after a fact, and what still fails."""

from __future__ import annotations

from django.contrib import admin

from payments.admin.readonly import ReadOnlyAdmin
from payments.models import Reaction


@admin.register(Reaction)
class ReactionAdmin(ReadOnlyAdmin):
    list_display = ("topic", "key", "attempts", "last_error", "created_at", "delivered_at")
    list_filter = ("topic", ("delivered_at", admin.EmptyFieldListFilter))
    search_fields = ("=key",)
    fields = ("topic", "key", "done", "attempts", "last_error", "created_at", "next_attempt_at", "delivered_at")
