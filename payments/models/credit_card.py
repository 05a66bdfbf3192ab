"""A card as we may keep it: a provider's token, and what is printed on receipts."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

BRANDS = (
    (re.compile(r"^4\d{12}(\d{3}){0,2}$"), "visa"),
    (re.compile(r"^(5[1-5]\d{4}|2(22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d\d)\d{10}$"), "master"),
    (re.compile(r"^3[47]\d{13}$"), "american_express"),
    (re.compile(r"^(6011|65\d{2}|64[4-9]\d)\d{12}$"), "discover"),
    (re.compile(r"^3(0[0-5]|[68]\d)\d{11}$"), "diners_club"),
    (re.compile(r"^35(2[89]|[3-8]\d)\d{12}$"), "jcb"),
)
# What providers and forms call them, as we do.
ALIASES = {"mastercard": "master", "maestro": "master", "amex": "american_express", "dinersclub": "diners_club"}
# "04 / 15", "04/2015", "4/15" and, without a slash, "0415" and "042015".
EXPIRY = re.compile(r"^\s*(\d{1,2})\s*/\s*(\d{4}|\d{2})\s*$|^\s*(\d{2})(\d{4}|\d{2})\s*$")


class BrandDescriptor(DeferredAttribute):
    """One word for a brand, whoever named it; unnamed, it is read from the number."""

    def __set__(self, card: CreditCard, value: Any) -> None:
        name = str(value or "")
        plain = re.sub(r"[\s_-]", "", name.lower())
        card.__dict__[self.field.attname] = ALIASES.get(plain, name) or brand_of(card.number)


class BrandField(models.CharField):  # type: ignore[type-arg]
    descriptor_class = BrandDescriptor

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs  # In the database it is nothing else.


class CreditCard(models.Model):
    """A payment source. `number` and `verification_value` live in memory only and are never stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    address = models.ForeignKey("orders.Address", models.SET_NULL, null=True, blank=True, related_name="+")
    token = models.CharField(_("token"), max_length=255, blank=True)
    # Whose provider keeps the token for us until it is asked to forget it; None: nobody keeps it beyond the payment.
    payment_method = models.ForeignKey(
        "payments.PaymentMethod",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("kept by the provider of"),
    )
    brand = BrandField(_("brand"), max_length=32, blank=True)
    last_four = models.CharField(_("last four digits"), max_length=4, blank=True)
    month = models.PositiveSmallIntegerField(
        _("expiry month"), validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    year = models.PositiveSmallIntegerField(
        _("expiry year"), validators=[MinValueValidator(2000), MaxValueValidator(2199)]
    )
    name = models.CharField(_("name on the card"), max_length=255, blank=True)
    to_keep = models.BooleanField(_("the customer asked to keep it"), default=False)
    forgotten_at = models.DateTimeField(_("forgotten at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("credit card")
        verbose_name_plural = _("credit cards")
        ordering = ("id",)
        permissions = (("forget_creditcard", _("Can have saved cards forgotten")),)
        constraints = (
            models.UniqueConstraint(
                fields=["payment_method", "token"], condition=~models.Q(token=""), name="credit_card_kept_once"
            ),
        )
        indexes = (models.Index(fields=["last_four", "-id"], name="credit_card_last_four"),)

    def __str__(self) -> str:
        return f"{self.brand or _('card')} {self.display_number}"

    def __getstate__(self) -> dict[str, Any]:
        """Pickles and copies (a cache, a task queue) leave the number and the code behind."""
        kept = super().__getstate__()
        return {name: value for name, value in kept.items() if name not in ("_number", "_verification_value")}

    def clean(self) -> None:
        """A new card without a token has a number, a code and a name. A kept one is not asked for them again."""
        wrong: dict[str, Any] = {}
        if self._state.adding and not self.token:
            missing = [name for name in ("number", "verification_value", "name") if not getattr(self, name)]
            wrong = dict.fromkeys(missing, _("This field is required."))
            if self.has_expired:
                wrong["year"] = _("This card has expired.")
        if self.number and not passes_check_digit(self.number):
            wrong["number"] = _("This card number has a wrong digit.")
        if wrong:
            raise ValidationError(wrong)

    # In memory only

    @property
    def number(self) -> str:
        """The raw number, in memory only: "" on a card read from the database. Only `bogus` takes it."""
        return str(self.__dict__.get("_number", ""))

    @number.setter
    def number(self, value: Any) -> None:
        digits = re.sub(r"\D", "", value) if isinstance(value, str) else ""
        self.__dict__["_number"] = digits
        self.last_four = digits[-4:]
        self.brand = brand_of(digits)

    @property
    def verification_value(self) -> str:
        """The security code, in memory only."""
        return str(self.__dict__.get("_verification_value", ""))

    @verification_value.setter
    def verification_value(self, value: Any) -> None:
        self.__dict__["_verification_value"] = re.sub(r"\s", "", str(value or ""))

    # Other ways to say what is stored

    @property
    def expiry(self) -> str:
        """ "04/2030"; assigned, it may be written in the ways that people write it. What is no date empties it."""
        return f"{self.month:02}/{self.year}" if self.month and self.year else ""

    @expiry.setter
    def expiry(self, value: Any) -> None:
        found = EXPIRY.match(str(value or ""))
        month, year = (found[1] or found[3], found[2] or found[4]) if found else (None, None)
        self.month = int(month) if month else None  # type: ignore[assignment]  # Refused when it is saved.
        self.year = int(year if len(year) == 4 else f"20{year}") if year else None  # type: ignore[assignment]

    @property
    def has_expired(self) -> bool:
        """Whether its last month is over; a card without a date is not known to be."""
        date: Any = (self.year, self.month)  # Whatever was assigned: it may not have been checked yet.
        today = timezone.localdate()
        return all(isinstance(each, int) for each in date) and date < (today.year, today.month)

    @property
    def first_name(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def last_name(self) -> str:
        return self.name.partition(" ")[2].strip()

    @property
    def display_number(self) -> str:
        return f"•••• {self.last_four}" if self.last_four else "••••"

    @property
    def is_reusable(self) -> bool:
        """Whether it can be charged again without being typed again."""
        return bool(self.token) and self.forgotten_at is None


def brand_of(number: str) -> str:
    return next((brand for pattern, brand in BRANDS if pattern.match(number)), "")


def passes_check_digit(number: str) -> bool:
    """Luhn's rule (ISO/IEC 7812-1, annex B)."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
