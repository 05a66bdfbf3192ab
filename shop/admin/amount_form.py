"""Forms for rows that have a currency and amounts in it: each amount has that currency's decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings

from payments.admin.readonly import TabularInline
from payments.errors import InvalidAmount
from payments.models.amount import AmountField
from payments.money import LARGEST, quantize

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:  # Django's forms take no type parameters when they run.
    ModelForm = forms.ModelForm


class AmountForm(ModelForm):
    """The currencies are the shop's. A row's currency stays: prices in another one are another row."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.amounts = [each for each in self._meta.model._meta.fields if isinstance(each, AmountField)]
        for each in self.amounts:
            if each.name in self.fields:
                self.fields[each.name] = forms.DecimalField(
                    label=each.verbose_name,
                    help_text=each.help_text,
                    required=not each.has_default(),
                    min_value=0,
                    max_value=LARGEST,
                )
                if self.instance.pk:
                    self.initial[each.name] = getattr(self.instance, each.name).amount
        currency: Any = self.fields.get("currency")
        if currency is not None:
            known = list(dict.fromkeys([*settings.SHOP["CURRENCIES"], *self._kept()]))
            currency.choices = [(code, code) for code in known]
            currency.disabled = bool(self.instance.pk)

    def _kept(self) -> list[str]:
        return [str(self.instance.currency)] if self.instance.pk else []

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for each in self.amounts:
            if each.name not in cleaned or not cleaned.get("currency"):
                continue
            try:
                cleaned[each.name] = quantize(cleaned[each.name] or Decimal(0), cleaned["currency"])
            except InvalidAmount as error:
                self.add_error(each.name, str(error))
        return cleaned


class AmountInline(TabularInline):
    form = AmountForm
    extra = 0
