"""A code that takes something off: a share of the goods, or an amount in each currency."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models.fields.related_descriptors import RelatedManager


class Promotion(models.Model):
    code = models.CharField(_("code"), max_length=40, unique=True, help_text=_("capital letters and digits"))
    label = models.CharField(_("label"), max_length=100, help_text=_("as customers read it"))
    percent = models.DecimalField(
        _("percent"), max_digits=5, decimal_places=2, null=True, blank=True, help_text=_("empty: an amount, see below")
    )
    starts_at = models.DateTimeField(_("valid from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(percent=None) | models.Q(percent__gt=0, percent__lte=100),
                name="promotion_percent_is_a_share",
            ),
        )

    if TYPE_CHECKING:
        terms: RelatedManager[PromotionTerms]

    def __str__(self) -> str:
        return self.code

    def clean(self) -> None:
        self.code = normal(self.code)
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValidationError({"ends_at": _("It ends before it begins.")})

    def is_valid(self, at: datetime | None = None) -> bool:
        """Whether it can be used at that moment, now if None."""
        at = at or timezone.now()
        begun = self.starts_at is None or self.starts_at <= at
        return self.active and begun and (self.ends_at is None or at < self.ends_at)


class PromotionTerms(models.Model):
    """In one currency: from what value of goods it holds, and what it takes off, unless that is a percentage."""

    promotion = models.ForeignKey(Promotion, models.CASCADE, related_name="terms", verbose_name=_("promotion"))
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("takes off"), default=Decimal(0), help_text=_("not looked at for a percentage"))
    minimum = AmountField(_("from"), default=Decimal(0), help_text=_("so much in goods; 0: any"))

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("terms in a currency")
        verbose_name_plural = _("terms by currency")
        ordering = ("currency",)
        constraints = (
            models.UniqueConstraint(fields=["promotion", "currency"], name="promotion_terms_once"),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0, minimum__gte=0), name="promotion_terms_not_negative"
            ),
        )

    def __str__(self) -> str:
        return str(self.currency)


def normal(code: str) -> str:
    """A code as it is kept, however it was typed."""
    return "".join(code.split()).upper()
