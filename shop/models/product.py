"""What can be bought, and what it costs in each currency."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.validators import FileExtensionValidator
from django.db import models
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from payments.display import money_text
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.money import Money, shown

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

NO_PICTURE = "shop/products/none.svg"
FEW = 5
RASTER = ("avif", "jpeg", "jpg", "png", "webp")  # A vector drawing that somebody uploads could carry a script.


class ProductQuerySet(AmountQuerySet):
    def priced(self, currency: str) -> ProductQuerySet:
        """On offer in this currency, each with its `price`, in one statement."""
        in_currency = models.FilteredRelation("prices", condition=models.Q(prices__currency=currency))
        found = self.filter(active=True).annotate(in_currency=in_currency, price_amount=models.F("in_currency__amount"))
        found = found.annotate(price_currency=models.Value(currency, output_field=models.CharField()))
        priced: ProductQuerySet = found.filter(price_amount__isnull=False).select_related("category")
        return priced

    def containing(self, words: str) -> ProductQuerySet:
        """Whose name, description, category or SKU has every one of the words."""
        found: ProductQuerySet = self
        for word in words.split():
            found = found.filter(
                models.Q(name__icontains=word)
                | models.Q(description__icontains=word)
                | models.Q(category__name__icontains=word)
                | models.Q(sku__iexact=word)
            )
        return found


class Product(models.Model):
    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("slug"), unique=True, max_length=100, help_text=_("the last part of its address"))
    sku = models.CharField(
        _("SKU"), unique=True, max_length=64, help_text=_("by which a line of an order names it; leave it alone")
    )
    category = models.ForeignKey("shop.Category", models.PROTECT, related_name="products", verbose_name=_("category"))
    description = models.TextField(_("description"), blank=True)
    picture = models.FileField(
        _("picture"), upload_to="products/", blank=True, validators=[FileExtensionValidator(RASTER)]
    )
    drawing = models.CharField(
        _("drawing"), max_length=200, blank=True, help_text=_("a static file, shown where no picture was uploaded")
    )
    stock = models.PositiveIntegerField(
        _("stock"), null=True, blank=True, help_text=_("how many can still be sold; empty: unlimited")
    )
    active = models.BooleanField(_("active"), default=True, help_text=_("on offer in the shop"))
    position = models.PositiveIntegerField(_("position"), default=0)

    objects: ClassVar[Any] = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ("position", "id")
        indexes = (models.Index(fields=["position", "id"], name="product_position"),)

    if TYPE_CHECKING:
        prices: RelatedManager[ProductPrice]
        price_amount: Decimal  # Where it was found by `priced`.
        price_currency: str

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("product", args=[self.slug])

    @property
    def price(self) -> Money:
        """In the currency that it was found for."""
        return Money(shown(Decimal(self.price_amount), self.price_currency), self.price_currency)

    @property
    def picture_url(self) -> str:
        return self.picture.url if self.picture else static(self.drawing or NO_PICTURE)

    @property
    def is_sold_out(self) -> bool:
        return self.stock == 0

    @property
    def has_few_left(self) -> bool:
        return self.stock is not None and 0 < self.stock <= FEW


class ProductPrice(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="prices", verbose_name=_("product"))
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("price"))

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ("currency",)
        constraints = (
            models.UniqueConstraint(fields=["product", "currency"], name="product_price_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="product_price_not_negative"),
        )

    def __str__(self) -> str:
        return money_text(self.amount)
