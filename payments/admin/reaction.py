"""The outbox: what had to happen after a fact, what still fails, and trying again at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from payments.admin.readonly import ReadOnlyAdmin
from payments.models import Reaction
from payments.templatetags.back_office import badge

FAILING, UNDER_WAY, DUE, DELIVERED = "failing", "under_way", "due", "delivered"
NAMES = {FAILING: _("failing"), UNDER_WAY: _("under way"), DUE: _("due"), DELIVERED: _("delivered")}


def state_of(reaction: Reaction) -> str:
    if reaction.delivered_at:
        return DELIVERED
    if reaction.last_error:
        return FAILING
    return DUE if reaction.next_attempt_at <= timezone.now() else UNDER_WAY


def in_state(state: str) -> Q:
    """The rows of which `state_of` says so."""
    due = Q(next_attempt_at__lte=timezone.now())
    waiting = Q(delivered_at=None, last_error="")
    conditions = {
        DELIVERED: Q(delivered_at__isnull=False),
        FAILING: Q(delivered_at=None) & ~Q(last_error=""),
        DUE: waiting & due,
        UNDER_WAY: waiting & ~due,
    }
    return conditions[state]


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(NAMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reaction]) -> QuerySet[Reaction]:
        return queryset.filter(in_state(self.value() or "")) if self.value() in NAMES else queryset


class TopicFilter(admin.SimpleListFilter):
    title = _("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(topic, topic) for topic in settings.REACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Reaction]) -> QuerySet[Reaction]:
        return queryset.filter(topic=self.value()) if self.value() else queryset


@admin.register(Reaction)
class ReactionAdmin(ReadOnlyAdmin):
    list_display = ("key", "topic", "state", "attempts", "last_error", "when")
    list_filter = (StateFilter, TopicFilter)
    ordering = ("-id",)
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("=key",)
    search_help_text = _("key, in full: an order's number, for instance")
    fields = ("topic", "key", "state", "receivers", "attempts", "next_attempt", "created_at", "delivered_at")
    actions = ("try_again",)  # type: ignore[assignment]
    change_form_template = "admin/payments/reaction/change_form.html"

    @admin.display(description=_("state"))
    def state(self, reaction: Reaction) -> Any:
        state = state_of(reaction)
        return badge(state, NAMES[state])

    @admin.display(description=_("next attempt"))
    def next_attempt(self, reaction: Reaction) -> str:
        if reaction.delivered_at:
            return "–"
        return date_format(timezone.localtime(reaction.next_attempt_at), "DATETIME_FORMAT")

    @admin.display(description=_("delivered, or tried next"))
    def when(self, reaction: Reaction) -> Any:
        return reaction.delivered_at or reaction.next_attempt_at

    @admin.display(description=_("receivers"))
    def receivers(self, reaction: Reaction) -> Any:
        """Each with what became of it; of those that failed the kind of error, as it is kept."""
        errors = dict(part.split(": ", 1) for part in reaction.last_error.split("; ") if ": " in part)
        rows = []
        for receiver in reaction.receivers:
            tone, text = ("succeeded", gettext("done")) if receiver in reaction.done else ("none", gettext("not yet"))
            if receiver in errors:
                tone, text = "failing", gettext("failed: %(error)s") % {"error": errors[receiver]}
            rows.append((receiver, badge(tone, text)))
        return format_html_join("", "<p><code>{}</code> {}</p>", rows) or "–"

    # Trying again

    def has_deliver_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("payments.change_reaction"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("<int:pk>/try/", view, name="payments_reaction_try"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        reaction = self.get_object(request, object_id)
        may = reaction is not None and reaction.delivered_at is None and self.has_deliver_permission(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_try": may})

    @method_decorator(require_POST)
    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_deliver_permission(request):
            raise PermissionDenied
        reaction = get_object_or_404(Reaction, pk=pk)
        self.message_user(request, *_try(reaction))
        return HttpResponseRedirect(reverse("admin:payments_reaction_change", args=[pk]))

    @admin.action(description=_("Try again now"), permissions=["deliver"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Reaction]) -> None:
        for reaction in queryset.filter(delivered_at=None):
            self.message_user(request, *_try(reaction))


def _try(reaction: Reaction) -> tuple[str, int]:
    """Try now, and say in words what became of it."""
    delivered = reaction.try_now()
    reaction.refresh_from_db()
    names = {"reaction": reaction, "errors": reaction.last_error}
    if delivered:
        return gettext("%(reaction)s: delivered.") % names, messages.SUCCESS
    if reaction.delivered_at:
        return gettext("%(reaction)s: was delivered already, nobody was called.") % names, messages.INFO
    if reaction.last_error:
        return gettext("%(reaction)s: failed again (%(errors)s).") % names, messages.ERROR
    return gettext("%(reaction)s: somebody is delivering it just now, nobody was called.") % names, messages.WARNING
