"""Payment methods: what the shop offers, in which order, checked against the gateway before it is kept."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from payments.admin.gateway_abilities import abilities_of
from payments.admin.payment_method_form import SETTING, WITHOUT, config_fields_of, form_for, is_used, secret_badge
from payments.admin.payment_method_list import PaymentMethodList
from payments.gateways.registry import gateway_class
from payments.models import PaymentMethod

PAGES = "admin:payments_paymentmethod"


@admin.register(PaymentMethod)
class PaymentMethodAdmin(PaymentMethodList):
    prepopulated_fields = {"code": ("name",)}
    readonly_fields = ("capture", "settings_shown")
    change_form_template = "admin/payments/paymentmethod/change_form.html"

    def has_delete_permission(self, request: HttpRequest, obj: PaymentMethod | None = None) -> bool:
        """Old payments keep their method: it is removed from the offer, not deleted."""
        return False

    # The form

    def _gateway_key(self, request: HttpRequest, obj: PaymentMethod | None) -> str:
        """The gateway that the form is for: the one just chosen, unless payments bind the method to its own."""
        if obj is not None and is_used(obj):
            return obj.gateway
        chosen = request.POST if request.method == "POST" else request.GET
        return chosen.get("gateway") or (obj.gateway if obj else "")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and is_used(obj):
            choose_url = ""
        else:
            choose_url = _page("gateway", obj) if obj else reverse(f"{PAGES}_add")
        form = form_for(self._gateway_key(request, obj), choose_url=choose_url)
        return super().get_form(request, obj, change, **{**kwargs, "form": form})

    def get_fieldsets(self, request: HttpRequest, obj: PaymentMethod | None = None) -> Any:
        """Those who may only look see the settings as text; so does everybody where their meaning is not known."""
        may_change = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        key = self._gateway_key(request, obj)
        typed = may_change and (obj is None or key in settings.PAYMENT_GATEWAYS)
        names = ["gateway", "test_mode", "auto_capture" if may_change else "capture"]
        for field in config_fields_of(key) if typed else ():
            names.append(SETTING + field.name)
            if field.secret and not field.required and obj and obj.gateway == key and obj.config.get(field.name):
                names.append(WITHOUT + field.name)
        return (
            (None, {"fields": ("name", "code", "description")}),
            (_("Gateway"), {"fields": names if typed else [*names, "settings_shown"]}),
            (_("Offered"), {"fields": ("active", "available_to_users", "available_to_staff")}),
        )

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else self.prepopulated_fields

    def save_model(self, request: HttpRequest, obj: PaymentMethod, form: Any, change: bool) -> None:
        if not change:
            last = PaymentMethod.objects.order_by("-position").values_list("position", flat=True).first()
            obj.position = (last or 0) + 1  # A new one comes last.
        super().save_model(request, obj, form, change)

    @admin.display(description=_("settings"))
    def settings_shown(self, method: PaymentMethod) -> Any:
        config = method.config if isinstance(method.config, dict) else {}
        fields = config_fields_of(method.gateway)
        if not fields:  # Nobody knows which of them are secret, so none is written out.
            return ", ".join(sorted(config)) or "–"
        rows = []
        for field in fields:
            value = config.get(field.name)
            shown = "–" if value is None or value == "" else value
            rows.append((field.label, shown, secret_badge(str(value)) if field.secret and value else ""))
        return format_html_join("", "<p>{}: {} {}</p>", rows)

    # The pages

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """First the gateway, then the form with its settings."""
        adding = object_id is None and request.method == "GET" and self.has_add_permission(request)
        if adding and request.GET.get("gateway") not in settings.PAYMENT_GATEWAYS:
            return self._choose(request, None)
        method = self.get_object(request, object_id) if object_id else None
        key = self._gateway_key(request, method)
        registered = key in settings.PAYMENT_GATEWAYS
        context = {
            "method": method,
            "is_registered": registered,
            "abilities": abilities_of(gateway_class(key), _config_of(method, key)) if registered else [],
        }
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def get_urls(self) -> list[URLPattern]:
        views = {
            "gateway": self.choose_view,
            "up": self.up_view,
            "down": self.down_view,
            "remove": self.remove_view,
            "bring_back": self.bring_back_view,
        }
        ours = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"payments_paymentmethod_{name}")
            for name, view in views.items()
        ]
        return ours + super().get_urls()

    def choose_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._choose(request, self._changeable(request, pk))

    def _choose(self, request: HttpRequest, method: PaymentMethod | None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Choose a gateway"),
            "opts": self.opts,
            "method": method,
            "target": _page("change", method) if method else reverse(f"{PAGES}_add"),
            "gateways": [(key, abilities_of(gateway_class(key))) for key in settings.PAYMENT_GATEWAYS],
        }
        return TemplateResponse(request, "admin/payments/paymentmethod/choose_gateway.html", context)

    @method_decorator(require_POST)
    def up_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._move(request, pk, "up", -1)

    @method_decorator(require_POST)
    def down_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._move(request, pk, "down", 1)

    def _move(self, request: HttpRequest, pk: int, button: str, places: int) -> HttpResponse:
        method = self._changeable(request, pk)
        if method.move(places):
            self.log_change(request, method, [{"changed": {"fields": [gettext("position")]}}])
        # The browser goes on where the button was, for those who use the keyboard.
        return HttpResponseRedirect(f"{reverse(f'{PAGES}_changelist')}#{button}-{pk}")

    @method_decorator(require_POST)
    def remove_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        method = self._changeable(request, pk)
        method.soft_delete()
        self.log_change(request, method, gettext("Removed from the offer."))
        text = gettext("“%(name)s” is removed: nobody is offered it. Its payments go on, and it can be brought back.")
        return self._back(request, method, text)

    @method_decorator(require_POST)
    def bring_back_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        method = self._changeable(request, pk)
        method.bring_back()
        self.log_change(request, method, gettext("Brought back."))
        text = gettext("“%(name)s” is back. It is switched off still: tick “Active” to offer it again.")
        return self._back(request, method, text)

    def _back(self, request: HttpRequest, method: PaymentMethod, text: str) -> HttpResponse:
        self.message_user(request, text % {"name": method}, messages.SUCCESS)
        return HttpResponseRedirect(_page("change", method))

    def _changeable(self, request: HttpRequest, pk: int) -> PaymentMethod:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(PaymentMethod, pk=pk)


def _page(name: str, method: PaymentMethod) -> str:
    return reverse(f"{PAGES}_{name}", args=[method.pk])


def _config_of(method: PaymentMethod | None, key: str) -> dict[str, Any] | None:
    """The settings that say what this method can do; None for a new one, or one that gets another gateway."""
    known = method is not None and method.gateway == key and isinstance(method.config, dict)
    return method.config if method is not None and known else None
