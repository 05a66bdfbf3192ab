"""What a country, or a region of it, asks of a sale."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.countries import COUNTRIES


class TaxRate(models.Model):
    """All rates that fit an address apply, the country's and the region's.

    For goods of a category that has a rate of its own, that one takes the place of the general one of its area.
    """

    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166 code"))
    region = models.CharField(
        _("state or province"),
        max_length=64,
        blank=True,
        help_text=_("as in addresses, such as CO; empty: all of them"),
    )
    category = models.ForeignKey(
        "shop.Category", models.CASCADE, null=True, blank=True, related_name="tax_rates", verbose_name=_("category")
    )
    rate = models.DecimalField(_("rate"), max_digits=7, decimal_places=6, help_text=_("0.19 is 19 %"))
    included = models.BooleanField(_("included in the prices"), default=False, help_text=_("or else added on top"))
    on_shipping = models.BooleanField(_("also on shipping"), default=False)
    label = models.CharField(_("label"), max_length=100, help_text=_("as customers read it"))

    class Meta:
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        ordering = ("country", "region", "label", "id")
        constraints = (
            models.CheckConstraint(condition=models.Q(rate__gte=0, rate__lt=1), name="tax_rate_is_a_share"),
            models.UniqueConstraint(
                fields=["country", "region", "label"], condition=models.Q(category=None), name="tax_rate_once"
            ),
            models.UniqueConstraint(
                fields=["country", "region", "label", "category"], name="tax_rate_once_for_a_category"
            ),
        )

    def __str__(self) -> str:
        return f"{self.label} ({self.country}{f'-{self.region}' if self.region else ''})"

    def clean(self) -> None:
        if self.country not in COUNTRIES:
            raise ValidationError({"country": _("This is not an ISO 3166 country code.")})
