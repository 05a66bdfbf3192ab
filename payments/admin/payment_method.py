"""Payment methods: what the shop offers, checked against the gateway before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.admin.readonly import ModelAdmin
from payments.models import PaymentMethod

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[PaymentMethod]
else:  # Django's forms take no type parameters when they run.
    ModelForm = forms.ModelForm


class PaymentMethodForm(ModelForm):
    gateway = forms.ChoiceField(label=_("Gateway"), choices=lambda: [(key, key) for key in settings.PAYMENT_GATEWAYS])

    class Meta:
        model = PaymentMethod
        fields = "__all__"
        help_texts = {
            "config": _("A JSON object. Of a secret, the name under which settings or environment hold it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.payments.exists():
            gateway = self.fields["gateway"]
            gateway.disabled = True
            gateway.help_text = _("Payments were made through it, so it stays: make another payment method instead.")


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ModelAdmin):
    form = PaymentMethodForm
    list_display = ("name", "code", "gateway", "auto_capture", "active", "available_to_users", "available_to_staff")
    list_filter = ("gateway", "active")
    search_fields = ("name", "code")
    prepopulated_fields = {"code": ("name",)}
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("name", "code", "description", "position")}),
        (_("Gateway"), {"fields": ("gateway", "config", "test_mode", "auto_capture")}),
        (_("Offered"), {"fields": ("active", "available_to_users", "available_to_staff", "deleted_at")}),
    )
    readonly_fields = ("deleted_at",)

    def has_delete_permission(self, request: HttpRequest, obj: PaymentMethod | None = None) -> bool:
        """Old payments keep their method: it is switched off, not deleted."""
        return False
