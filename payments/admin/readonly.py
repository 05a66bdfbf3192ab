"""What staff may look at and not touch: money rows change through verbs alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from payments.display import money_text

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:  # Django's admin classes take no type parameters when they run.
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline


class Untouched:
    """Nothing is added, changed or deleted, whatever the permissions; looking needs the `view` permission."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(Untouched, ModelAdmin):
    """Needs `fields` or `fieldsets`; they may name anything that can be shown: a column, or a method of the class."""

    show_full_result_count = False
    list_per_page = 50
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return flatten_fieldsets(self.get_fieldsets(request, obj))


class ReadOnlyInline(Untouched, TabularInline):
    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return flatten_fieldsets(self.get_fieldsets(request, obj))


def amount(name: str, label: Any) -> Callable[[Any, Any], str]:
    """A method that shows the amount `name` with its currency's own decimals."""

    def show(_self: Any, record: Any) -> str:
        return money_text(getattr(record, name))

    return admin.display(description=label)(show)


class PaymentAmounts:
    """A payment's amounts, for the lists and forms that show payments."""

    amount_text = amount("amount", _("amount"))
    authorized_text = amount("authorized_amount", _("authorized"))
    captured_text = amount("captured_amount", _("captured"))
    refunded_text = amount("refunded_amount", _("refunded"))


class WithActor:
    @admin.display(description=_("by"))
    def by(self, record: Any) -> str:
        return str(record.actor)
