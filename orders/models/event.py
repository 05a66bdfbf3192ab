"""What happened to an order beside its payments, and who did it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.actors import Actor, Origin


class OrderEvent(models.Model):
    """Append-only, with its actor: a change of `state`, a recalculated `payment_state`, a payment closed unasked.

    What an operation does to a payment and its order is in the journal of operations.
    """

    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="events")
    name = models.CharField(_("what"), max_length=32)
    before = models.CharField(_("before"), max_length=32, blank=True)
    after = models.CharField(_("after"), max_length=32, blank=True)
    note = models.TextField(_("note"), blank=True)
    origin = models.CharField(
        _("origin"),
        max_length=16,
        choices=[(each.value, each.value) for each in Origin],
        default=Origin.SYSTEM,
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.name}: {self.before or '–'} → {self.after}" if self.after else self.note or self.name

    @property
    def actor(self) -> Actor:
        return Actor(self.origin, self.user)
