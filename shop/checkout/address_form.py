"""What is asked at the first step: e-mail, where the goods go, and whom the bill is for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from orders.countries import COUNTRIES
from orders.models import Address, Order
from shop.checkout.countries import WITH_REGION, WITHOUT_POSTAL_CODE, CountrySelect
from shop.checkout.regions import code_of
from shop.models import SavedAddress
from shop.models.address_book import PARTS

NEW = "new"


class AddressForm(forms.Form):
    """One address. Optional where a saved one was chosen in its place: then nothing here is looked at."""

    name = forms.CharField(label=_("Full name"), max_length=255)
    address1 = forms.CharField(label=_("Street and number"), max_length=255)
    address2 = forms.CharField(label=_("Flat, floor or company"), max_length=255, required=False)
    zip = forms.CharField(label=_("Postal code"), max_length=32, required=False)
    city = forms.CharField(label=_("City"), max_length=255)
    state = forms.CharField(label=_("State or province"), max_length=255, required=False)
    country = forms.CharField(label=_("Country"), max_length=2, widget=CountrySelect)
    phone = forms.CharField(label=_("Phone"), max_length=64, required=False)

    TOKENS = {
        "name": "name",
        "address1": "address-line1",
        "address2": "address-line2",
        "zip": "postal-code",
        "city": "address-level2",
        "state": "address-level1",
        "country": "country",
        "phone": "tel",
    }

    def __init__(self, data: Any = None, *, section: str, **kwargs: Any) -> None:
        super().__init__(data, prefix=section, use_required_attribute=False, **kwargs)
        fields: Any = self.fields
        for name, token in self.TOKENS.items():
            fields[name].widget.attrs["autocomplete"] = f"{section} {token}"
        fields["phone"].widget.input_type = "tel"

    def unasked(self) -> AddressForm:
        """The same with what was typed, where another address was taken: nothing in it is looked at or found wrong."""
        typed = {name: self.data.get(self.add_prefix(name), "") for name in self.fields}
        return AddressForm(section=str(self.prefix), initial=typed)

    def clean_country(self) -> str:
        code: str = self.cleaned_data["country"]
        if code not in COUNTRIES:
            raise forms.ValidationError(_("Choose a country from the list."))
        return code

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        country = found.get("country")
        if country and not found.get("zip") and country not in WITHOUT_POSTAL_CODE:
            self.add_error("zip", _("This country’s post needs a postal code."))
        if country in WITH_REGION and not found.get("state"):
            self.add_error("state", _("This country’s post needs a state or province."))
        elif country and found.get("state"):
            code = code_of(country, found["state"])
            if code is None:
                self.add_error("state", _("We do not know this state or province. Its short form will do, such as NY."))
            else:
                found["state"] = code
        return found


class CheckoutAddressForm(forms.Form):
    """The whole first page: who it is, the two addresses, and which of the kept ones are taken instead."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    same = forms.BooleanField(label=_("The bill goes to the same address"), required=False)

    def __init__(self, data: Any = None, *, order: Order, saved: list[SavedAddress]) -> None:
        email = order.email or getattr(order.user, "email", "") or ""
        default = saved[0].address if saved else None
        billed = order.bill_address or next((each.address for each in saved if hasattr(each, "bills_first")), None)
        same = billed is None or _parts(billed) == _parts(order.ship_address or default)
        super().__init__(data, initial={"email": email, "same": same}, use_required_attribute=False)
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.saved = {str(each.pk): each for each in saved}
        self.shipping = AddressForm(data, section="shipping", initial=_parts(order.ship_address or default))
        self.billing = AddressForm(data, section="billing", initial=_parts(billed))
        self.chosen = (data.get("saved") if data else "") or NEW
        if data is None and saved and order.ship_address is None:
            self.chosen = str(saved[0].pk)

    @property
    def kept(self) -> SavedAddress | None:
        return self.saved.get(self.chosen)

    def is_valid(self) -> bool:
        valid = super().is_valid()
        if self.kept is None:
            valid = self.shipping.is_valid() and valid
        else:
            self.shipping = self.shipping.unasked()
        if not self.cleaned_data.get("same"):
            valid = self.billing.is_valid() and valid
        else:
            self.billing = self.billing.unasked()
        return valid

    def addresses(self) -> tuple[Address, Address]:
        """Where it goes and whom it is billed to, not saved yet; one and the same where that was said."""
        shipping = Address(**_parts(self.kept.address)) if self.kept else Address(**self.shipping.cleaned_data)
        return shipping, shipping if self.cleaned_data["same"] else Address(**self.billing.cleaned_data)


def _parts(address: Address | None) -> dict[str, str]:
    return {name: getattr(address, name) for name in PARTS} if address else {}
