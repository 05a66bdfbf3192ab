"""The form of a payment method: one typed field for each setting that its gateway declares."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.errors import GatewayError
from payments.gateways.base import ConfigField
from payments.gateways.registry import gateway_class
from payments.models import PaymentMethod
from payments.models.payment_method import find_secret, setting_problem
from payments.templatetags.back_office import badge

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[PaymentMethod]
else:  # Django's forms take no type parameters when they run.
    ModelForm = forms.ModelForm

SETTING = "config_"
WITHOUT = "without_"


class ChosenGateway(forms.Widget):
    """The gateway as text: another one has other settings, so it is chosen on a page of its own."""

    choose_url = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        link: Any = ""
        if self.choose_url:
            link = format_html(' <a href="{}">{}</a>', self.choose_url, gettext("Choose another gateway"))
        return format_html(
            '<span><input type="hidden" name="{}" value="{}"><strong>{}</strong>{}</span>',
            name,
            value or "",
            value or "–",
            link,
        )

    def id_for_label(self, id_: str | None) -> str:
        return ""


class SecretName(forms.TextInput):
    """The name of a secret, with the names that are known, and whether there is a secret of that name."""

    kept = ""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """What leads to no secret is not written into the page: it may be the secret itself, pasted here."""
        shown = value if value == self.kept or find_secret(str(value or "")) else ""
        attrs = {**(attrs or {}), "list": f"{name}_names", "autocomplete": "off", "spellcheck": "false"}
        return super().get_context(name, shown, attrs)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        options = format_html_join("", '<option value="{}"></option>', ((each,) for each in known_secrets()))
        state = secret_badge(self.kept) if self.kept else ""
        typed = super().render(name, value, attrs, renderer)
        return format_html('{} {}<datalist id="{}_names">{}</datalist>', typed, state, name, options)


class PaymentMethodForm(ModelForm):
    """Made for one gateway by `form_for`, with a field for each of its settings."""

    gateway_key = ""
    choose_url = ""
    config_fields: tuple[ConfigField, ...] = ()

    gateway = forms.ChoiceField(label=_("Gateway"), widget=ChosenGateway)
    auto_capture = forms.NullBooleanField(label=_("Capture"), widget=forms.NullBooleanSelect)

    class Meta:
        model = PaymentMethod
        fields = ("name", "code", "description", "test_mode", "active", "available_to_users", "available_to_staff")
        help_texts = {
            "code": _("A short unique word for files, addresses and commands."),
            "test_mode": _("Ticked: the provider's test system, no real money. Not ticked: live."),
            "active": _("Not ticked: offered to nobody. Payments that were made with it go on."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = self.instance.gateway
        self.is_unregistered = bool(kept) and self.gateway_key == kept and kept not in settings.PAYMENT_GATEWAYS
        capture: Any = self.fields["auto_capture"]
        capture.widget.choices = capture_choices()
        gateway: Any = self.fields["gateway"]
        gateway.choices = [
            (key, key) for key in (*settings.PAYMENT_GATEWAYS, *([kept] if self.is_unregistered else ()))
        ]
        gateway.widget.choose_url = self.choose_url
        self.initial["gateway"] = self.gateway_key
        if is_used(self.instance):
            gateway.disabled = True
            gateway.help_text = _("Payments were made through it, so it stays: make another payment method instead.")
        self.kept = self.instance.config if kept == self.gateway_key and isinstance(self.instance.config, dict) else {}
        for field in self.config_fields:
            self._fill(field)

    def _fill(self, field: ConfigField) -> None:
        value = self.kept.get(field.name)
        self.initial[SETTING + field.name] = value
        widget: Any = self.fields[SETTING + field.name].widget
        if isinstance(widget, SecretName):
            widget.kept = str(value or "")
            if not value or field.required:
                self.fields.pop(WITHOUT + field.name, None)

    def clean(self) -> dict[str, Any]:
        """Put the settings together; what is wrong with one is said at its field."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.is_unregistered:
            if cleaned.get("active"):
                self.add_error("active", _("Its gateway is not registered, so it cannot be offered."))
            return cleaned
        config: dict[str, Any] = {}
        for field in self.config_fields:
            value = cleaned.get(SETTING + field.name)
            if field.secret and not value and not cleaned.get(WITHOUT + field.name):
                value = self.kept.get(field.name)  # Left blank: the name that was there.
            if value is not None and value != "":
                config[field.name] = value
            problem = setting_problem(field, config)
            if problem and SETTING + field.name not in self.errors:
                self.add_error(SETTING + field.name, problem)
        self.instance.config = config
        return cleaned

    def _update_errors(self, errors: ValidationError) -> None:
        """The model complains about `config` as a whole, which was said setting by setting already."""
        told = getattr(errors, "error_dict", None)
        if told is not None:
            told.pop("config", None)
            if self.is_unregistered:
                told.pop("gateway", None)
        if told is None or told:
            super()._update_errors(errors)  # type: ignore[misc]


def form_for(key: str, *, choose_url: str = "") -> type[PaymentMethodForm]:
    """The form with a field for each setting of the gateway registered under `key`, and a link to choose another."""
    config_fields = config_fields_of(key)
    fields: dict[str, Any] = {}
    for field in config_fields:
        fields[SETTING + field.name] = form_field(field)
        if field.secret:
            fields[WITHOUT + field.name] = forms.BooleanField(
                label=gettext("%(label)s: use none") % {"label": field.label}, required=False
            )
    facts = {"gateway_key": key, "choose_url": choose_url, "config_fields": config_fields, "__module__": __name__}
    return type("PaymentMethodForm", (PaymentMethodForm,), {**facts, **fields})


def config_fields_of(key: str) -> tuple[ConfigField, ...]:
    """The settings that this gateway declares; none where it is not registered."""
    try:
        return gateway_class(key).config_fields
    except GatewayError:
        return ()


def form_field(field: ConfigField) -> forms.Field:
    facts: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": field.required}
    if field.secret:
        help_text = _("The name under which settings or environment hold it, never the secret itself.")
        facts |= {"help_text": format_lazy("{} {}", field.help, help_text), "required": False}
        return forms.CharField(widget=SecretName, **facts)
    if field.type is bool:
        return forms.BooleanField(**facts | {"required": False})
    kinds: dict[type, type[forms.Field]] = {str: forms.CharField, int: forms.IntegerField}
    return kinds.get(field.type, forms.JSONField)(**facts)


def is_used(method: PaymentMethod) -> bool:
    return bool(method.pk) and method.payments.exists()


def known_secrets() -> list[str]:
    """Names only. Of the environment, those that say they are about payments: the rest is nobody's business here."""
    kept: Mapping[str, str] = getattr(settings, "PAYMENT_SECRETS", {})
    starts = ("PAYMENT_", *(f"{key.upper()}_" for key in settings.PAYMENT_GATEWAYS))
    return sorted({*kept, *(name for name in os.environ if name.startswith(starts))})


def secret_badge(name: str) -> Any:
    """Whether there is a secret of that name; never the secret."""
    if find_secret(name) is None:
        return badge("failing", gettext("missing"))
    return badge("succeeded", gettext("present"))


def capture_choices() -> list[tuple[str, str]]:
    at_once, hold = gettext("take the money at once"), gettext("hold it, take it later")
    default = at_once if settings.PAYMENTS.get("AUTO_CAPTURE") else hold
    return [
        ("unknown", gettext("Site default: %(default)s") % {"default": default}),
        ("true", gettext("Yes: %(what)s") % {"what": at_once}),
        ("false", gettext("No: %(what)s") % {"what": hold}),
    ]
