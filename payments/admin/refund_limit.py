"""How much of one payment a group may give back: on a page of its own, and within the group's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ModelAdmin, TabularInline, amount
from payments.errors import InvalidAmount
from payments.models import RefundLimit
from payments.money import LARGEST, quantize

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[RefundLimit]
else:  # Django's forms take no type parameters when they run.
    ModelForm = forms.ModelForm

admin.site.unregister(Group)


class RefundLimitForm(ModelForm):
    """A row's currency stays: a limit in another one is another row."""

    amount = forms.DecimalField(
        label=_("At most, of one payment"),
        min_value=0,
        max_value=LARGEST,
        help_text=_("0 allows no refund in this currency."),
    )

    class Meta:
        model = RefundLimit
        fields = ("group", "currency", "amount")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "amount" not in self.fields:
            return
        if self.instance.pk:
            self.initial["amount"] = self.instance.amount.amount
            self.fields["currency"].disabled = True

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("amount") is not None and cleaned.get("currency"):
            try:
                cleaned["amount"] = quantize(cleaned["amount"], cleaned["currency"])
            except InvalidAmount as error:
                self.add_error("amount", str(error))
        return cleaned


class RefundLimitInline(TabularInline):
    model = RefundLimit
    form = RefundLimitForm
    extra = 0


@admin.register(RefundLimit)
class RefundLimitAdmin(ModelAdmin):
    form = RefundLimitForm
    amount_text = amount("amount", _("at most, of one payment"))
    list_display = ("group", "currency", "amount_text")
    list_filter = ("group",)
    list_select_related = ("group",)
    show_full_result_count = False


@admin.register(Group)
class GroupWithLimitsAdmin(GroupAdmin):
    inlines = (RefundLimitInline,)
