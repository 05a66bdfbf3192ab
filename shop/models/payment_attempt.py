"""One try to pay in the storefront: by whom and with which card, so that too many refusals are noticed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PaymentAttempt(models.Model):
    """Written before the provider is asked. What became of it is read from its payment's operations.

    `fingerprint` stands for the card and is nothing from which one could be told; "" where no card was named.
    """

    class Limit(models.TextChoices):
        CARD = "card", _("the card")
        ORDER = "order", _("the order")
        ADDRESS = "ip", _("the IP address")

    payment = models.OneToOneField("payments.Payment", models.CASCADE, related_name="+", verbose_name=_("payment"))
    order = models.ForeignKey("orders.Order", models.CASCADE, related_name="+", verbose_name=_("order"))
    ip = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    fingerprint = models.CharField(_("card"), max_length=32, blank=True)
    # Refused before anybody was asked, and by which limit.
    stopped_by = models.CharField(_("stopped by"), max_length=5, blank=True, choices=Limit.choices)
    created_at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    # Staff have looked: it counts no longer.
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("lifted by"),
    )

    class Meta:
        verbose_name = _("payment attempt")
        verbose_name_plural = _("payment attempts")
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(stopped_by__in=["", "card", "order", "ip"]), name="payment_attempt_limit_known"
            ),
        )
        indexes = (
            models.Index(fields=["fingerprint", "-created_at"], name="attempt_of_card"),
            models.Index(fields=["ip", "-created_at"], name="attempt_of_ip"),
        )

    def __str__(self) -> str:
        return f"{self.payment}"
