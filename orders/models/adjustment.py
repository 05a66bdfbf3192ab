"""What is added to the goods: shipping, tax, promotions. A row with a label each, so that totals are sums."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.display import money_text
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField


class Adjustment(models.Model):
    class Kind(models.TextChoices):
        SHIPPING = "shipping", _("shipping")
        TAX = "tax", _("tax, on top")
        INCLUDED_TAX = "included_tax", _("tax, included in the prices")
        PROMOTION = "promotion", _("promotion")

    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="adjustments")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    label = models.CharField(_("label"), max_length=255)
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("amount"))

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind="promotion", amount__lte=0)
                | models.Q(kind__in=["shipping", "tax", "included_tax"], amount__gte=0),
                name="adjustment_sign_fits_kind",
            ),
        )

    def __str__(self) -> str:
        return f"{self.label} {money_text(self.amount)}"
