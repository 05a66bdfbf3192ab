"""What staff choose for an errand: how much, whether the rest stays, why."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from payments.admin.errands import Errand
from payments.models import RefundReason
from payments.models.claim import Draft
from payments.money import Money, exponent


class ErrandForm(forms.Form):
    """Only the fields that the errand has on this payment; an amount is in major units of its currency."""

    def __init__(self, errand: Errand, draft: Draft, most: Money | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.errand, self.most = errand, most
        currency = str(draft.payment.currency)
        capabilities = draft.payment.payment_method.capabilities
        if errand.takes_amount and most is not None:
            self.fields["amount"] = forms.DecimalField(
                label=_("Amount in %(currency)s") % {"currency": currency},
                min_value=Decimal(1).scaleb(-exponent(currency)),
                max_value=None if errand.name == "capture" and capabilities.over_capture else most.amount,
                decimal_places=exponent(currency),
                max_digits=15,
                initial=most.amount,
                localize=True,
            )
            self.fields["amount"].widget.attrs |= {"inputmode": "decimal", "autocomplete": "off"}
            if not (getattr(capabilities, f"partial_{errand.name}", True) or capabilities.over_capture):
                self.fields["amount"].disabled = True
                self.fields["amount"].help_text = _("This way to pay takes or gives back all of it, and no part.")
        if errand.name == "capture" and capabilities.multiple_captures:
            self.fields["keep_rest"] = forms.BooleanField(
                label=_("Keep the rest reserved, to capture it later"), required=False
            )
        if errand.name == "refund":
            self.fields["reason"] = forms.ModelChoiceField(
                label=_("Reason"),
                queryset=RefundReason.objects.filter(active=True),
                empty_label=_("Choose…"),
                error_messages={"required": _("Say why the money goes back.")},
            )
        if errand.name == "clear_review":
            self.fields["note"] = forms.CharField(
                label=_("What did you find?"),
                widget=forms.Textarea(attrs={"rows": 3}),
                max_length=2000,
                error_messages={"required": _("Say in a note what was found.")},
            )

    @property
    def amount(self) -> Decimal | None:
        """What was chosen, None where all of it is meant or no amount is chosen. Needs `is_valid()`."""
        chosen: Decimal | None = self.cleaned_data.get("amount")
        return None if self.most is not None and chosen == self.most.amount and not self._limited else chosen

    @property
    def _limited(self) -> bool:
        """A refund may be limited below what there is: then even the most is said outright."""
        return self.errand.name == "refund"

    @property
    def final(self) -> bool:
        return not self.cleaned_data.get("keep_rest", False)

    def chosen(self) -> dict[str, Any]:
        """The arguments of the verb."""
        match self.errand.name:
            case "capture":
                return {"amount": self.amount, "final": self.final}
            case "refund":
                return {"amount": self.amount, "reason": self.cleaned_data["reason"]}
            case "clear_review":
                return {"note": self.cleaned_data["note"]}
        return {}
