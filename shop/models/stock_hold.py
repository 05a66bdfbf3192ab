"""Goods that were taken off the shelf for an order: held while it is paid, then sold, or put back."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class StockHold(models.Model):
    """`Product.stock` is less by every held and sold one; `short` was sold when the shelf was empty."""

    class State(models.TextChoices):
        HELD = "held", _("held")
        SOLD = "sold", _("sold")
        RELEASED = "released", _("put back")
        RETURNED = "returned", _("returned")
        SHORT = "short", _("sold, but not there")

    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="stock_holds", verbose_name=_("order"))
    product = models.ForeignKey("shop.Product", models.PROTECT, related_name="stock_holds", verbose_name=_("product"))
    quantity = models.PositiveIntegerField(_("quantity"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.HELD)
    expires_at = models.DateTimeField(_("held until"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("stock hold")
        verbose_name_plural = _("stock holds")
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["order", "product"], name="stock_hold_once"),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="stock_hold_quantity_positive"),
            models.CheckConstraint(
                condition=models.Q(state__in=["held", "sold", "released", "returned", "short"]),
                name="stock_hold_state_known",
            ),
        )
        indexes = (models.Index(fields=["expires_at"], condition=models.Q(state="held"), name="stock_hold_due"),)

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product}"
