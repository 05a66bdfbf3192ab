"""Cards as far as we keep them, and whose they are. A provider's token is of no use to staff and is not shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ReadOnlyAdmin
from payments.models import CreditCard
from payments.models.credit_card import BRANDS


class BrandFilter(admin.SimpleListFilter):
    """The brands that we tell apart: to ask the table which it has would be to walk through it."""

    title = _("brand")
    parameter_name = "brand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name.replace("_", " ")) for _pattern, name in BRANDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditCard]) -> QuerySet[CreditCard]:
        return queryset.filter(brand=self.value()) if self.value() else queryset


class OwnerFilter(admin.SimpleListFilter):
    title = _("owner")
    parameter_name = "saved"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("Saved by a user")), ("no", gettext("Used by a guest"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditCard]) -> QuerySet[CreditCard]:
        if self.value() in ("yes", "no"):
            return queryset.filter(user__isnull=self.value() == "no")
        return queryset


@admin.register(CreditCard)
class CreditCardAdmin(ReadOnlyAdmin):
    list_display = ("card", "owner", "name", "expiry", "created_at")
    list_filter = (OwnerFilter, BrandFilter)
    list_select_related = ("user",)
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("=last_four", "=user__username", "=user__email")
    search_help_text = _("last four digits, or a user's name or e-mail in full")
    fields = ("brand", "last_four", "expiry", "name", "owner", "address", "created_at")

    @admin.display(description=_("card"))
    def card(self, card: CreditCard) -> str:
        return str(card)

    @admin.display(description=_("user"))
    def owner(self, card: CreditCard) -> Any:
        if card.user is None:
            return gettext("guest")
        url = f"{reverse('admin:payments_creditcard_changelist')}?user__id__exact={card.user_id}"
        return format_html('<a href="{}" title="{}">{}</a>', url, gettext("All cards of this user"), card.user)

    @admin.display(description=_("expires"))
    def expiry(self, card: CreditCard) -> str:
        return f"{card.month:02}/{card.year}"
