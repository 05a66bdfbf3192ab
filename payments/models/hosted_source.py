"""What a customer pays with on the provider's own page: nothing of it is ours to know."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class HostedSource(models.Model):
    """A payment source without a token: whoever is charged by it is sent to the provider's page first."""

    label = models.CharField(_("shown as"), max_length=64, blank=True)  # Such as "Card" or "iDEAL".
    to_keep = models.BooleanField(_("the customer asked to keep it"), default=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("hosted source")
        verbose_name_plural = _("hosted sources")
        ordering = ("id",)

    def __str__(self) -> str:
        return self.label or gettext("the provider's page")

    @property
    def is_hosted(self) -> bool:
        return True

    @property
    def token(self) -> str:
        """None to charge by; a gateway makes a page instead."""
        return ""
