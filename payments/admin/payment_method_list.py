"""The list of payment methods: in the order in which they are offered, with what staff want to see of each."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.admin.payment_method_form import capture_choices
from payments.admin.readonly import ModelAdmin
from payments.models import PaymentMethod
from payments.templatetags.back_office import badge


class RemovedFilter(admin.SimpleListFilter):
    title = _("removed")
    parameter_name = "removed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("Removed")), ("all", gettext("All"))]

    def choices(self, changelist: Any) -> Any:
        """The usual choices, with a better name for the first: removed ones are left out unless asked for."""
        first, *others = super().choices(changelist)
        return [{**first, "display": gettext("Not removed")}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PaymentMethod]) -> QuerySet[PaymentMethod]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class PaymentMethodList(ModelAdmin):
    list_display = ("name", "code", "gateway", "mode", "capture_in_short", "offered", "state_of_settings", "place")
    list_filter = (RemovedFilter, "gateway")
    search_fields = ("name", "code")
    search_help_text = _("name or code")
    sortable_by = ()
    show_full_result_count = False
    actions = None
    show_facets = admin.ShowFacets.NEVER

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Where the whole list is shown, each row learns its neighbours: the buttons that move it depend on them."""
        changelist = super().get_changelist_instance(request)
        rows: list[Any] = list(changelist.result_list)
        whole = not changelist.params and not changelist.query and self.has_change_permission(request)
        for index, row in enumerate(rows):
            row.may_move = (whole and index > 0, whole and index < len(rows) - 1)
        changelist.result_list = rows
        return changelist

    @admin.display(description=_("mode"))
    def mode(self, method: PaymentMethod) -> Any:
        return badge("due", gettext("test")) if method.test_mode else badge("pending", gettext("live"))

    @admin.display(description=_("capture"))
    def capture(self, method: PaymentMethod) -> str:
        return dict(capture_choices())[{None: "unknown", True: "true", False: "false"}[method.auto_capture]]

    @admin.display(description=_("capture"))
    def capture_in_short(self, method: PaymentMethod) -> str:
        text = gettext("at once") if method.effective_auto_capture else gettext("later")
        return gettext("%(when)s (site default)") % {"when": text} if method.auto_capture is None else text

    @admin.display(description=_("offered to"))
    def offered(self, method: PaymentMethod) -> Any:
        if method.deleted_at:
            return badge("failing", gettext("removed"))
        if not method.active:
            return badge("none", gettext("switched off"))
        who = [gettext("customers")] if method.available_to_users else []
        who += [gettext("staff")] if method.available_to_staff else []
        return badge("succeeded", ", ".join(who)) if who else badge("none", gettext("nobody"))

    @admin.display(description=_("settings"))
    def state_of_settings(self, method: PaymentMethod) -> Any:
        problems = [line for lines in method.config_problems().values() for line in lines]
        if not problems:
            return badge("succeeded", gettext("complete"))
        return format_html("{}<br>{}", badge("failing", gettext("to be mended")), " ".join(problems))

    @admin.display(description=_("order"))
    def place(self, method: Any) -> Any:
        up, down = method.may_move
        return format_html(
            "{} {}",
            _mover(method, "up", "↑", gettext("Move %(name)s up"), may=up),
            _mover(method, "down", "↓", gettext("Move %(name)s down"), may=down),
        )


def _mover(method: PaymentMethod, way: str, arrow: str, label: str, *, may: bool) -> Any:
    """A button of the list's own form that posts to another address.

    The empty element before it is where the browser goes on afterwards: the next Tab reaches the button again.
    """
    target = format_html('<span id="{}-{}"></span>', way, method.pk)
    if not may:
        return target
    return format_html(
        '{}<button class="button small" formaction="{}" formmethod="post" aria-label="{}">{}</button>',
        target,
        reverse(f"admin:payments_paymentmethod_{way}", args=[method.pk]),
        label % {"name": method},
        arrow,
    )
