"""A card as we may keep it: a provider's token, and what is printed on receipts."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

BRANDS = (
    (re.compile(r"^4\d{12}(\d{3}){0,2}$"), "visa"),
    (re.compile(r"^(5[1-5]\d{4}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d\d)\d{10}$"), "master"),
    (re.compile(r"^3[47]\d{13}$"), "american_express"),
    (re.compile(r"^(6011|65\d{2}|64[4-9]\d)\d{12}$"), "discover"),
    (re.compile(r"^3(0[0-5]|[68]\d)\d{11}$"), "diners_club"),
    (re.compile(r"^35(2[89]|[3-8]\d)\d{12}$"), "jcb"),
)


class CreditCard(models.Model):
    """A payment source. `number` and `verification_value` live in memory only and are never stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    address = models.ForeignKey("orders.Address", models.SET_NULL, null=True, blank=True, related_name="+")
    token = models.CharField(_("token"), max_length=255, blank=True)
    brand = models.CharField(_("brand"), max_length=32, blank=True)
    last_four = models.CharField(_("last four digits"), max_length=4, blank=True)
    month = models.PositiveSmallIntegerField(
        _("expiry month"), validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    year = models.PositiveSmallIntegerField(
        _("expiry year"), validators=[MinValueValidator(2000), MaxValueValidator(2199)]
    )
    name = models.CharField(_("name on the card"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("credit card")
        verbose_name_plural = _("credit cards")
        ordering = ("id",)
        indexes = (models.Index(fields=["last_four", "-id"], name="credit_card_last_four"),)

    def __str__(self) -> str:
        return f"{self.brand or _('card')} {self.display_number}"

    def __getstate__(self) -> dict[str, Any]:
        """Pickles and copies (a cache, a task queue) leave the number and the code behind."""
        kept = super().__getstate__()
        return {name: value for name, value in kept.items() if name not in ("_number", "_verification_value")}

    def clean(self) -> None:
        if self.number and not passes_check_digit(self.number):
            raise ValidationError({"number": _("This card number has a wrong digit.")})

    @property
    def number(self) -> str:
        """The raw number, in memory only: "" on a card read from the database. Only `bogus` takes it."""
        return str(self.__dict__.get("_number", ""))

    @number.setter
    def number(self, value: Any) -> None:
        digits = re.sub(r"\D", "", value) if isinstance(value, str) else ""
        self.__dict__["_number"] = digits
        self.last_four = digits[-4:]
        self.brand = next((brand for pattern, brand in BRANDS if pattern.match(digits)), "")

    @property
    def verification_value(self) -> str:
        """The security code, in memory only."""
        return str(self.__dict__.get("_verification_value", ""))

    @verification_value.setter
    def verification_value(self, value: Any) -> None:
        self.__dict__["_verification_value"] = re.sub(r"\s", "", str(value or ""))

    @property
    def display_number(self) -> str:
        return f"•••• {self.last_four}" if self.last_four else "••••"


def passes_check_digit(number: str) -> bool:
    """Luhn's rule (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
