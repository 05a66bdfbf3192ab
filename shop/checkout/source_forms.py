"""What the fragment of a payment method posts, checked and made into what is paid with: one form a kind of gateway."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.gateways.base import Gateway
from payments.models import PaymentMethod
from payments.models.credit_card import passes_check_digit

FACE = ("brand", "last_four", "month", "year", "name")
UNDATED = {"month": 12, "year": 2099}  # What a provider says has no date, an account for instance, does not expire.
EXPIRY = re.compile(r"^(\d{1,2})\s*/?\s*(\d{4}|\d{2})$")


class SourceForm(forms.Form):
    """Nothing is asked: the method needs no source (a check), or its page asks for everything."""

    def __init__(self, data: Any = None, *, method: PaymentMethod, **kwargs: Any) -> None:
        super().__init__(data, prefix=method.code, use_required_attribute=False, **kwargs)
        self.method = method

    def attributes(self) -> dict[str, Any] | None:
        """What the source is made of, as `create_payment` takes it; None where the method needs none."""
        return None


class HostedForm(SourceForm):
    save = forms.BooleanField(label=_("Keep this card for the next time"), required=False)

    def attributes(self) -> dict[str, Any]:
        return {"label": self.method.name[:64], "to_keep": self.cleaned_data["save"]}


class CardForm(SourceForm):
    """The one form for raw numbers, of the gateway that takes nothing but test numbers."""

    number = forms.CharField(label=_("Card number"), max_length=24)
    name = forms.CharField(label=_("Name on the card"), max_length=255)
    expiry = forms.CharField(label=_("Expiry date"), max_length=9)
    code = forms.CharField(label=_("Security code"), max_length=4, min_length=3)
    save = forms.BooleanField(label=_("Keep this card for the next time"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tokens = {"number": "cc-number", "name": "cc-name", "expiry": "cc-exp", "code": "cc-csc"}
        for name, token in tokens.items():
            self.fields[name].widget.attrs["autocomplete"] = token
        for name in ("number", "expiry", "code"):
            self.fields[name].widget.attrs["inputmode"] = "numeric"
        self.fields["expiry"].widget.attrs["placeholder"] = "MM / YY"

    def clean_number(self) -> str:
        digits = re.sub(r"[\s-]", "", self.cleaned_data["number"])
        if not digits.isascii() or not digits.isdecimal():
            raise forms.ValidationError(_("A card number has digits only."))
        if not passes_check_digit(digits):
            raise forms.ValidationError(_("This card number has a wrong digit. Look at it again."))
        return digits

    def clean_expiry(self) -> tuple[int, int]:
        found = EXPIRY.match(self.cleaned_data["expiry"].strip())
        if not found or not 1 <= int(found[1]) <= 12:
            raise forms.ValidationError(_("Give month and year as on the card, such as 04 / 29."))
        month, year = int(found[1]), int(found[2])
        year += 2000 if year < 100 else 0
        today = timezone.localdate()
        if (year, month) < (today.year, today.month):
            raise forms.ValidationError(_("This card has expired. Take another one."))
        if year > today.year + 50:
            raise forms.ValidationError(_("Give month and year as on the card, such as 04 / 29."))
        return month, year

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not code.isascii() or not code.isdecimal():
            raise forms.ValidationError(_("The security code has three or four digits."))
        return code

    def attributes(self) -> dict[str, Any]:
        said = self.cleaned_data
        month, year = said["expiry"]
        return {
            "number": said["number"],
            "verification_value": said["code"],
            "month": month,
            "year": year,
            "name": said["name"],
            "to_keep": said["save"],
        }


class TokenForm(SourceForm):
    """What a provider's own fields leave us: a token in the place of a card. Without one, its page is the way.

    `customer/token` is how gateways write a card that is kept. It may be anybody's: only the wallet brings such a one.
    """

    token = forms.CharField(max_length=255, required=False, widget=forms.HiddenInput)
    save = forms.BooleanField(label=_("Keep this card for the next time"), required=False)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if "/" in said.get("token", ""):
            raise forms.ValidationError(_("This card cannot be taken. Enter it anew."))
        if not said.get("token") and not self.method.capabilities.hosted_page:
            raise forms.ValidationError(
                _(
                    "The fields of the card were not filled in, or could not be loaded. Nothing was charged: "
                    "try again, or choose another way to pay."
                )
            )
        return said

    def attributes(self) -> dict[str, Any]:
        """Raises PaymentDeclined and GatewayUnavailable where the provider does not say what the token stands for."""
        token, to_keep = self.cleaned_data["token"], self.cleaned_data["save"]
        if not token:
            return {"label": self.method.name[:64], "to_keep": to_keep}
        told = self.method.build_gateway().describe(token)
        known = {name: told[name] for name in FACE if told.get(name)}
        return {**UNDATED, **known, "token": token, "to_keep": to_keep}


def form_class(adapter: Gateway, *, has_script: bool) -> type[SourceForm]:
    """`has_script`: whether its fragment is told anything, and so may post a token."""
    if adapter.takes_card_numbers:
        return CardForm
    if not adapter.source_required:
        return SourceForm
    if has_script:
        return TokenForm
    return HostedForm
