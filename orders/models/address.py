"""Where somebody lives, or where something goes."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.countries import COUNTRIES


class Address(models.Model):
    name = models.CharField(_("name"), max_length=255)
    address1 = models.CharField(_("street"), max_length=255, blank=True)
    address2 = models.CharField(_("street, second line"), max_length=255, blank=True)
    city = models.CharField(_("city"), max_length=255, blank=True)
    state = models.CharField(_("state or province"), max_length=255, blank=True)
    zip = models.CharField(_("postal code"), max_length=32, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True, help_text=_("ISO 3166 code"))
    phone = models.CharField(_("phone"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")

    def __str__(self) -> str:
        return ", ".join(part for part in (self.name, self.address1, self.city, self.country) if part)

    def clean(self) -> None:
        if self.country and self.country not in COUNTRIES:
            raise ValidationError({"country": _("This is not an ISO 3166 country code.")})

    def gateway_hash(self) -> dict[str, str]:
        """The address as gateways take it (Solidus's keys)."""
        return {
            "name": self.name,
            "address1": self.address1,
            "address2": self.address2,
            "city": self.city,
            "state": self.state,
            "zip": self.zip,
            "country": self.country,
            "phone": self.phone,
        }
