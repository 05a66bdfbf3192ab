"""How goods travel, and what that costs where."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.countries import COUNTRIES
from payments.display import money_text
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class ShippingMethod(models.Model):
    name = models.CharField(_("name"), max_length=100)
    code = models.SlugField(_("code"), unique=True)
    description = models.CharField(_("description"), max_length=200, blank=True, help_text=_("how long it takes"))
    active = models.BooleanField(_("active"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("shipping method")
        verbose_name_plural = _("shipping methods")
        ordering = ("position", "id")

    if TYPE_CHECKING:
        rates: RelatedManager[ShippingRate]

    def __str__(self) -> str:
        return self.name


class ShippingRate(models.Model):
    """A rate for a country comes before the one for everywhere. Where there is none, the method is not on offer."""

    method = models.ForeignKey(ShippingMethod, models.CASCADE, related_name="rates", verbose_name=_("shipping method"))
    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("ISO 3166 code; empty: everywhere else")
    )
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("price"))
    free_from = AmountField(
        _("free from"), default=Decimal(0), help_text=_("from so much in goods it costs nothing; 0: never")
    )

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("shipping rate")
        verbose_name_plural = _("shipping rates")
        ordering = ("country", "currency")
        constraints = (
            models.UniqueConstraint(fields=["method", "country", "currency"], name="shipping_rate_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, free_from__gte=0), name="shipping_rate_not_negative"
            ),
        )

    def __str__(self) -> str:
        return f"{self.country or _('everywhere else')}: {money_text(self.amount)}"

    def clean(self) -> None:
        if self.country and self.country not in COUNTRIES:
            raise ValidationError({"country": _("This is not an ISO 3166 country code.")})
