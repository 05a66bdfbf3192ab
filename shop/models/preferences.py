"""What a customer with an account prefers: the language that we write in, and which addresses come first."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from shop.models.address_book import SavedAddress


class Preferences(models.Model):
    """One row for who has chosen something. An address that is removed is preferred no more."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preferences")
    language = models.CharField(_("language"), max_length=16, blank=True)
    ship_to = models.OneToOneField(
        SavedAddress, models.SET_NULL, null=True, blank=True, related_name="ships_first", verbose_name=_("ship to")
    )
    bill_to = models.OneToOneField(
        SavedAddress, models.SET_NULL, null=True, blank=True, related_name="bills_first", verbose_name=_("bill to")
    )

    # Written to once when it was given up, in case it was not its owner who did that.
    former_email = models.EmailField(_("former e-mail"), blank=True)

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")

    def __str__(self) -> str:
        return f"{self.user}"
