"""The wallet's rows: what a customer has asked us to keep, to pay with again. `payments.wallet` is its door."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.deletion import CASCADE
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.models.credit_card import CreditCard
from payments.models.sourced import Sourced


def with_its_card(collector: Any, field: Any, entries: Any, using: str) -> None:
    """A card that is deleted takes its entries along; a source of another kind has ids of its own."""
    CASCADE(collector, field, entries.filter(source_type="credit_card"), using)


class WalletEntry(Sourced):
    """One kept source of one user. At most one is the default, which the database holds to."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="wallet_entries")
    payment_method = models.ForeignKey(
        "payments.PaymentMethod", models.PROTECT, null=True, blank=True, related_name="wallet_entries"
    )
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    # A join for reading the card together with its entry; no column of its own.
    credit_card = models.ForeignObject(
        CreditCard,
        with_its_card,
        from_fields=["source_id"],
        to_fields=["id"],
        null=True,
        editable=False,
        related_name="wallet_entries",
    )

    class Meta:
        verbose_name = _("wallet entry")
        verbose_name_plural = _("wallet entries")
        ordering = ("-is_default", "-created_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["user", "source_type", "source_id"], name="wallet_entry_once"),
            models.UniqueConstraint(fields=["user"], condition=models.Q(is_default=True), name="wallet_one_default"),
            models.CheckConstraint(
                condition=~models.Q(source_type="") & models.Q(source_id__isnull=False), name="wallet_entry_has_source"
            ),
        )
        indexes = (models.Index(fields=["source_id", "source_type"], name="wallet_entry_source"),)

    def __str__(self) -> str:
        return str(self.source)

    def clean(self) -> None:
        """Raises ValidationError for a source that cannot be charged again, or that is somebody else's."""
        source = self.source
        if source is None or not getattr(source, "is_reusable", False):
            raise ValidationError({"source_id": _("This cannot be used for another payment.")})
        if source.user_id is not None and source.user_id != self.user_id:
            raise ValidationError({"source_id": _("This belongs to somebody else.")})
