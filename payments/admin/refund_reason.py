"""Why money is given back: the list that staff choose from."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ModelAdmin
from payments.models import Refund, RefundReason

MANY = 1000


class CountUpTo(Subquery):
    """How many rows a limited query finds: counting never walks further than the limit."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = models.IntegerField()


@admin.register(RefundReason)
class RefundReasonAdmin(ModelAdmin):
    list_display = ("name", "active", "in_use")
    list_editable = ("active",)
    list_filter = ("active",)
    search_fields = ("name",)
    search_help_text = _("name")
    show_full_result_count = False
    fields = ("name", "active")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        of_this = Refund._base_manager.filter(reason=OuterRef("pk")).order_by().values("pk")
        reasons: QuerySet[Any] = super().get_queryset(request).annotate(used=CountUpTo(of_this[: MANY + 1]))
        return reasons

    def has_delete_permission(self, request: HttpRequest, obj: RefundReason | None = None) -> bool:
        """A refund keeps its reason: one that was given is switched off instead."""
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or not obj.refunds.exists())

    @admin.display(description=_("refunds"))
    def in_use(self, reason: Any) -> str:
        return gettext("more than %(many)s") % {"many": MANY} if reason.used > MANY else str(reason.used)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and obj.refunds.exists():
            told = gettext("Refunds have it: they all show the new name.")
            kwargs["help_texts"] = {**kwargs.get("help_texts", {}), "name": told}
        return super().get_form(request, obj, change, **kwargs)
