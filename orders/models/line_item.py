"""What is bought, as sold: no key into the shop, so that an old order never changes with the catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.models.rows import PlainRow
from payments.money import Money


class LineItem(PlainRow):
    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="line_items")
    sku = models.CharField(_("SKU"), max_length=64, blank=True)
    name = models.CharField(_("name"), max_length=255)
    currency = SharedCurrencyField(_("currency"), default="USD")
    unit_price = AmountField(_("unit price"), default=Decimal(0))
    quantity = models.PositiveIntegerField(_("quantity"), default=1)

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("line item")
        verbose_name_plural = _("line items")
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="line_item_quantity_positive"),
            models.CheckConstraint(condition=models.Q(unit_price__gte=0), name="line_item_price_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.quantity} × {self.name}"

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity  # type: ignore[no-any-return]
