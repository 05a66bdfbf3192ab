"""What a customer has chosen for an order in the storefront, beside its goods."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Basket(models.Model):
    """An order with a basket came from the storefront; while it is open and the basket active, it is a cart."""

    order = models.OneToOneField("orders.Order", models.CASCADE, related_name="basket", verbose_name=_("order"))
    active = models.BooleanField(_("active"), default=True, help_text=_("the cart that its customer sees"))
    shipping_method = models.ForeignKey(
        "shop.ShippingMethod",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("shipping method"),
    )
    promotion = models.ForeignKey(
        "shop.Promotion", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("promotion")
    )
    language = models.CharField(_("language"), max_length=16, blank=True, help_text=_("in which letters are written"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("basket")
        verbose_name_plural = _("baskets")

    def __str__(self) -> str:
        return f"{self.order}"
