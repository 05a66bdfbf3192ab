"""An amount given back, and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField


class RefundReason(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("refund reason")
        verbose_name_plural = _("refund reasons")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Refund(models.Model):
    """Has exactly one operation, from which its state is read; trying again is a new refund."""

    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="refunds")
    operation = models.OneToOneField("payments.Operation", models.PROTECT, related_name="refund")
    reason = models.ForeignKey(RefundReason, models.PROTECT, null=True, blank=True, related_name="refunds")
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("amount"))
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ("id",)
        constraints = (models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_amount_positive"),)

    def __str__(self) -> str:
        return f"{self.amount} {self.state}"

    @property
    def state(self) -> str:
        """The state of its operation."""
        return self.operation.state

    @property
    def reference(self) -> str:
        """The provider's name for it."""
        return self.operation.reference
