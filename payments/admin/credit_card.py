"""Cards as far as we keep them, and whose they are. A provider's token is of no use to staff and is not shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.admin.forgetting import CardForgetting
from payments.admin.readonly import ReadOnlyAdmin
from payments.models import CreditCard, Payment, Reaction, WalletEntry
from payments.models.credit_card import BRANDS
from payments.templatetags.back_office import badge

PAYMENTS_SHOWN = 20


class BrandFilter(admin.SimpleListFilter):
    """The brands that we tell apart: to ask the table which it has would be to walk through it."""

    title = _("brand")
    parameter_name = "brand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name.replace("_", " ")) for _pattern, name in BRANDS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditCard]) -> QuerySet[CreditCard]:
        return queryset.filter(brand=self.value()) if self.value() else queryset


class OwnerFilter(admin.SimpleListFilter):
    title = _("kept")
    parameter_name = "saved"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("wallet", gettext("In a wallet")),
            ("forgotten", gettext("Forgotten")),
            ("yes", gettext("Used by a customer with an account")),
            ("no", gettext("Used by a guest")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[CreditCard]) -> QuerySet[CreditCard]:
        match self.value():
            case "wallet":
                entries = WalletEntry.objects.filter(source_type="credit_card")
                return queryset.filter(pk__in=entries.values("source_id"))
            case "forgotten":
                return queryset.filter(forgotten_at__isnull=False)
            case "yes" | "no":
                return queryset.filter(user__isnull=self.value() == "no")
        return queryset


@admin.register(CreditCard)
class CreditCardAdmin(CardForgetting, ReadOnlyAdmin):
    list_display = ("card", "owner", "wallet", "name", "expiry", "created_at")
    list_filter = (OwnerFilter, BrandFilter)
    list_select_related = ("user",)
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("=last_four", "=user__username", "=user__email")
    search_help_text = _("last four digits, or a user's name or e-mail in full")
    change_form_template = "admin/payments/creditcard/change_form.html"
    fields = (
        *("brand", "last_four", "expiry", "name", "owner", "address"),
        *("wallet", "payment_method", "asked_to_keep", "forgotten", "others", "paid_with_it", "created_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[CreditCard]:
        entries = WalletEntry.objects.filter(source_type="credit_card")
        found: QuerySet[CreditCard] = super().get_queryset(request)
        return found.prefetch_related(Prefetch("wallet_entries", entries))

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
    def expiry(self, card: CreditCard) -> Any:
        return (
            format_html("{} {}", card.expiry, badge("failed", gettext("expired"))) if card.has_expired else card.expiry
        )

    @admin.display(description=_("wallet"))
    def wallet(self, card: CreditCard) -> Any:
        if card.forgotten_at:
            return badge("void", gettext("forgotten"))
        entries = list(card.wallet_entries.all())
        if not entries:
            return "–"
        if any(entry.is_default for entry in entries):
            return badge("completed", gettext("default"))
        return badge("pending", gettext("saved"))

    @admin.display(description=_("the customer asked to keep it"), boolean=True)
    def asked_to_keep(self, card: CreditCard) -> bool:
        return card.to_keep

    @admin.display(description=_("forgotten"))
    def forgotten(self, card: CreditCard) -> Any:
        """When, and how far its provider has come with it."""
        if card.forgotten_at is None:
            return "–"
        at = date_format(timezone.localtime(card.forgotten_at), "DATETIME_FORMAT")
        asked = Reaction.objects.filter(topic="card.forgotten", key__startswith=f"{card.pk}:").order_by("-id").first()
        if asked is None:
            return format_html("{}. {}", at, gettext("No provider kept it."))
        told = gettext("Its provider has forgotten it too.")
        if asked.delivered_at is None:
            told = gettext("Its provider does not answer yet; it is asked until it does.")
        url = reverse("admin:payments_reaction_change", args=[asked.pk])
        return format_html('{}. <a href="{}">{}</a>', at, url, told)

    @admin.display(description=_("the rest of the wallet"))
    def others(self, card: CreditCard) -> Any:
        if card.user_id is None:
            return "–"
        entries = WalletEntry.objects.filter(user=card.user_id, source_type="credit_card").exclude(source_id=card.pk)
        rows = [
            (
                reverse("admin:payments_creditcard_change", args=[entry.source_id]),
                entry.source,
                entry.source.expiry,
                badge("completed", gettext("default")) if entry.is_default else "",
            )
            for entry in entries.select_related("credit_card")
        ]
        return format_html_join("", '<p><a href="{}">{}</a> {} {}</p>', rows) or "–"

    @admin.display(description=_("paid with it"))
    def paid_with_it(self, card: CreditCard) -> Any:
        payments = Payment.objects.filter(source_type="credit_card", source_id=card.pk).select_related("order")
        rows = [
            (
                reverse("admin:payments_payment_change", args=[each.pk]),
                each.number,
                each.order,
                each.get_state_display(),
            )
            for each in payments.order_by("-id")[:PAYMENTS_SHOWN]
        ]
        return format_html_join("", '<p><a href="{}">{}</a> · {} · {}</p>', rows) or "–"
