"""What staff fill in for an order's errands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.creating import offered_sources
from orders.models import Order
from payments.errors import InvalidAmount
from payments.models import CreditCard, PaymentMethod
from payments.models.credit_card import passes_check_digit
from payments.money import Money, as_money

NEW_CARD = "new"


class NoteForm(forms.Form):
    note = forms.CharField(label=_("Note"), widget=forms.Textarea(attrs={"rows": 4}), max_length=2000)


class ApproveForm(forms.Form):
    note = forms.CharField(
        label=_("What did you look at?"), widget=forms.Textarea(attrs={"rows": 3}), max_length=2000, required=False
    )


class CancelForm(forms.Form):
    reason = forms.CharField(label=_("Why is it canceled?"), max_length=200, required=False)


class ShipForm(forms.Form):
    at = forms.DateTimeField(
        label=_("Shipped at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    tracking = forms.CharField(label=_("Tracking number or link"), max_length=255, required=False)

    def clean_at(self) -> datetime:
        at: datetime = self.cleaned_data["at"]
        if at > timezone.now():
            raise forms.ValidationError(_("The date of shipping is still to come."))
        return at


class PaymentForm(forms.Form):
    """Method, source and amount. Card numbers are asked for only where nothing but test numbers are taken."""

    method = forms.ModelChoiceField(label=_("Method"), queryset=PaymentMethod.objects.none(), empty_label=None)
    source = forms.ChoiceField(label=_("Paid with"), required=False)
    number = forms.CharField(label=_("Card number"), required=False, max_length=32)
    month = forms.IntegerField(label=_("Expiry month"), required=False, min_value=1, max_value=12)
    year = forms.IntegerField(label=_("Expiry year"), required=False, min_value=2000, max_value=2199)
    verification_value = forms.CharField(
        label=_("Security code"), required=False, max_length=4, validators=[RegexValidator(r"^\d{3,4}$")]
    )
    name = forms.CharField(label=_("Name on the card"), required=False, max_length=255)
    amount = forms.CharField(label=_("Amount"), max_length=20)

    def __init__(self, order: Order, outstanding: Money, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = order
        methods = PaymentMethod.objects.available_to_staff().order_by("position", "id")
        field: Any = self.fields["method"]
        self.earlier = {str(card.pk): card for card in offered_sources(order, by_staff=True)}
        keeper = next((card.payment_method_id for card in self.earlier.values()), None)
        field.queryset, field.initial = methods, methods.filter(pk=keeper).first() or methods.first()
        takes_numbers = any(method.gateway_class.takes_card_numbers for method in methods)
        choices = [(key, f"{card}, {card.expiry}") for key, card in self.earlier.items()]
        if takes_numbers:
            choices.append((NEW_CARD, str(_("Another card"))))
        else:
            for name in ("number", "month", "year", "verification_value", "name"):
                del self.fields[name]
        self.fields["source"].choices = choices or [("", _("none"))]  # type: ignore[attr-defined]
        self.fields["source"].initial = choices[0][0] if choices else ""
        self.fields["amount"].label = _("Amount in %(currency)s") % {"currency": order.currency}
        self.fields["amount"].initial = str(outstanding.amount)

    def clean_amount(self) -> Money:
        try:
            amount = as_money(self.cleaned_data["amount"].strip(), self.order.currency)
        except (InvalidAmount, ValueError, ArithmeticError) as error:
            raise forms.ValidationError(str(error) or _("This is not an amount.")) from error
        if amount.amount <= 0:
            raise forms.ValidationError(_("The amount has to be more than nothing."))
        return amount

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        method: PaymentMethod | None = cleaned.get("method")
        if method is None or not method.source_required:
            return cleaned
        source = cleaned.get("source")
        if source == NEW_CARD:
            if not method.gateway_class.takes_card_numbers:
                self.add_error("source", _("%(method)s takes no card number here.") % {"method": method})
            else:
                self._check_card(cleaned)
        elif source not in self.earlier:
            self.add_error("source", _("There is nothing to pay with yet."))
        elif self.earlier[source].payment_method_id not in (None, method.pk):
            self.add_error(
                "source", _("This card is kept for %(kept)s.") % {"kept": self.earlier[source].payment_method}
            )
        elif not method.supports(self.earlier[source]):
            self.add_error("source", _("%(method)s does not take this card.") % {"method": method})
        return cleaned

    def _check_card(self, cleaned: dict[str, Any]) -> None:
        needed = _("This is needed for a new card.")
        for name in ("number", "month", "year", "name"):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, needed)
        number = "".join(filter(str.isdigit, cleaned.get("number") or ""))
        if number and number != "1" and not passes_check_digit(number):
            self.add_error("number", _("This card number has a wrong digit."))
        month, year = cleaned.get("month"), cleaned.get("year")
        today = timezone.localdate()
        if month and year and (year, month) < (today.year, today.month):
            self.add_error("year", _("This card has expired."))

    def build_source(self) -> CreditCard | None:
        """The source to pay with; a new card is kept without its number."""
        if not self.cleaned_data["method"].source_required:
            return None
        chosen = self.cleaned_data["source"]
        if chosen != NEW_CARD:
            return self.earlier[chosen]
        known = {name: self.cleaned_data[name] for name in ("number", "month", "year", "name", "verification_value")}
        return CreditCard.objects.create(**known, address=self.order.bill_address)
