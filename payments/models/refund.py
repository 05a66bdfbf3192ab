"""An amount given back, and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.display import money_text
from payments.money import Money


class RefundReason(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("refund reason")
        verbose_name_plural = _("refund reasons")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class RefundManager(models.Manager["Refund"]):
    def get_queryset(self) -> models.QuerySet[Refund]:
        """With its operation, which is what a refund is read from."""
        return super().get_queryset().select_related("operation")


class Refund(models.Model):
    """Has exactly one operation, from which its amount and state are read; trying again is a new refund."""

    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="refunds")
    operation = models.OneToOneField("payments.Operation", models.PROTECT, related_name="refund")
    reason = models.ForeignKey(RefundReason, models.PROTECT, null=True, blank=True, related_name="refunds")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects: ClassVar[Any] = RefundManager()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{money_text(self.amount)} {self.state}"

    @property
    def amount(self) -> Money:
        return self.operation.amount  # type: ignore[no-any-return]

    @property
    def state(self) -> str:
        """The state of its operation."""
        return self.operation.state

    @property
    def reference(self) -> str:
        """The provider's name for it."""
        return self.operation.reference
