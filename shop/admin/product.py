"""Products with their prices. A new number of goods in stock is applied as a difference: sales go on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ModelAdmin
from payments.display import money_text
from shop.admin.amount_form import AmountInline
from shop.models import Product, ProductPrice

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Product]
else:  # Django's forms take no type parameters when they run.
    ModelForm = forms.ModelForm


class ProductForm(ModelForm):
    """Carries along how many were in stock when the page was opened."""

    class Meta:
        model = Product
        fields = ("name", "slug", "sku", "category", "description", "picture", "drawing", "stock", "active", "position")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "stock" in self.fields:
            self.fields["stock"].show_hidden_initial = True

    def stock_now(self) -> int | None:
        """What was typed, less what was sold since the page was opened, in the transaction of the admin's page."""
        typed: int | None = self.cleaned_data["stock"]
        seen = self.fields["stock"].clean(self.data.get(self.add_initial_prefix("stock")) or None)
        there: int | None = Product.objects.select_for_update(no_key=True).get(pk=self.instance.pk).stock
        if typed is None or seen is None or there is None:
            return typed
        return max(typed + there - int(seen), 0)


class PriceInline(AmountInline):
    model = ProductPrice
    fields = ("currency", "amount")


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    form = ProductForm
    list_display = ("name", "stock_text", "active", "position", "prices_text", "category", "sku")
    list_editable = ("active", "position")
    list_filter = ("active", "category")
    list_select_related = ("category",)
    search_fields = ("name", "sku")
    search_help_text = _("name or SKU")
    fields = (
        "name",
        "slug",
        "sku",
        "category",
        "description",
        "picture",
        "drawing",
        "shown",
        "stock",
        "active",
        "position",
    )
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("category",)
    inlines = (PriceInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        products: QuerySet[Any] = super().get_queryset(request).prefetch_related("prices")
        return products

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        """Orders name a product by its SKU."""
        return ("shown", "sku") if obj else ("shown",)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Product | None = None) -> dict[str, Any]:
        return {} if obj else super().get_prepopulated_fields(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        """What was ever held for an order is taken off the shop by making it inactive."""
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or not obj.stock_holds.exists())

    def save_model(self, request: HttpRequest, obj: Product, form: Any, change: bool) -> None:
        if change and "stock" in form.changed_data:
            obj.stock = form.stock_now()
        super().save_model(request, obj, form, change)

    @admin.display(description=_("prices"))
    def prices_text(self, product: Product) -> str:
        return " · ".join(money_text(each.amount) for each in product.prices.all()) or "–"

    @admin.display(description=_("stock"), ordering="stock")
    def stock_text(self, product: Product) -> str:
        return "∞" if product.stock is None else str(product.stock)

    @admin.display(description=_("as shown"))
    def shown(self, product: Product) -> str:
        if not product.pk:
            return "–"
        return format_html('<img src="{}" alt="" width="160" height="160">', product.picture_url)
