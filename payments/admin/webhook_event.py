"""The inbox for staff: what providers told us, what became of it, why not, and using it once more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, F, Func, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from payments import inbox
from payments.actors import Actor, Origin
from payments.admin.filters import ANY, ListFilters, choice, day, window
from payments.admin.keyset import KeysetChangeList, KeysetList, SavedView, Sort
from payments.admin.readonly import ReadOnlyAdmin
from payments.admin.search import Hits, find_payments
from payments.models import PaymentMethod, WebhookEvent
from payments.models.webhook_event import STUCK
from payments.templatetags.back_office import badge

State = WebhookEvent.State
TONES: dict[str, str] = {
    State.RECEIVED: "due",
    State.APPLIED: "succeeded",
    State.IGNORED: "none",
    State.UNMATCHED: "unknown",
    State.FAILED: "failing",
    State.DEAD: "failed",
}


def stuck(events: QuerySet[Any]) -> QuerySet[Any]:
    """Written into the statement: given as parameters, SQLite would not see that a small index has them all."""
    words = ", ".join(f"'{state.value}'" for state in STUCK)
    return events.filter(Func(F("state"), template=f"%(expressions)s IN ({words})", output_field=BooleanField()))


class EventFilters(ListFilters):
    main = ("state", "method")
    ranges = (("received", _("Received")),)
    exact: ClassVar[dict[str, str]] = {"state": "state", "method": "payment_method"}

    state = choice(_("State"), [ANY, *State.choices])
    received_from = day(_("from"))
    received_to = day(_("to"))
    currency = age = amount_from = amount_to = created_from = created_to = None  # type: ignore[assignment]

    def conditions(self) -> Iterator[Q]:
        for name, column in self.exact.items():
            if name in self.chosen:
                yield Q(**{column: self.chosen[name]})
        yield window("received_at", self.chosen.get("received_from"), self.chosen.get("received_to"))


class EventChangeList(KeysetChangeList):
    def _chosen_sort(self, sorts: dict[str, str]) -> Sort:
        chosen = super()._chosen_sort(sorts)
        return chosen if chosen.field in sorts.values() else Sort("received_at")


@admin.register(WebhookEvent)
class WebhookEventAdmin(KeysetList, ReadOnlyAdmin):
    views = (SavedView("stuck", _("Not used"), stuck),)
    filters = EventFilters
    sorts = {"received_column": "received_at"}
    list_display = ("dedupe_key", "type", "method_column", "state_column", "payment_column", "received_column")
    list_select_related = ("payment_method", "payment")  # type: ignore[misc]  # Two bases declare it.
    search_fields = ("=dedupe_key",)
    search_help_text = _("The provider's id of the event; number of a payment or order; e-mail; response code.")
    change_form_template = "admin/payments/webhookevent/change_form.html"
    shown: ClassVar[tuple[str, ...]] = (
        *("payment_method", "dedupe_key", "type", "state_column", "why", "payment_column", "operations_done"),
        *("verified_by", "received_at", "applied_at", "tries", "next_try"),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return EventChangeList

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What a provider said in full is for those alone who may see it."""
        payloads = ("said", "understood") if request.user.has_perm("payments.see_payloads_payment") else ()
        return (*self.shown, *payloads)

    def find(self, term: str) -> Hits:
        hits = Hits()
        methods = list(PaymentMethod._base_manager.values_list("pk", flat=True))
        events: QuerySet[Any] = WebhookEvent._base_manager.all()
        if len(term) <= inbox.LONGEST_KEY:
            hits.pks.update(hits.take(events.filter(payment_method__in=methods, dedupe_key=term)))
        payments = find_payments(term)
        hits.is_capped = hits.is_capped or payments.is_capped
        if payments.pks:
            hits.pks.update(hits.take(events.filter(payment__in=payments.pks)))
        return hits

    # Columns

    @admin.display(description=_("received"), ordering="received_at")
    def received_column(self, event: WebhookEvent) -> str:
        return date_format(timezone.localtime(event.received_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=_("payment method"))
    def method_column(self, event: WebhookEvent) -> str:
        return str(event.payment_method)

    @admin.display(description=_("state"))
    def state_column(self, event: WebhookEvent) -> Any:
        return badge(TONES[event.state], State(event.state).label)

    @admin.display(description=_("payment"))
    def payment_column(self, event: WebhookEvent) -> Any:
        if event.payment is None:
            return "–"
        url = reverse("admin:payments_payment_change", args=[event.payment_id])
        return format_html('<a href="{}">{}</a>', url, event.payment.number)

    @admin.display(description=_("why"))
    def why(self, event: WebhookEvent) -> str:
        return event.last_error or "–"

    @admin.display(description=_("what it settled"))
    def operations_done(self, event: WebhookEvent) -> Any:
        return format_html_join("", "<p>{}</p>", ((each,) for each in event.operations.order_by("pk"))) or "–"

    @admin.display(description=_("tried again at"))
    def next_try(self, event: WebhookEvent) -> str:
        if event.next_try_at is None:
            return "–"
        return date_format(timezone.localtime(event.next_try_at), "DATETIME_FORMAT")

    @admin.display(description=_("what the provider said, as far as it is kept"))
    def said(self, event: WebhookEvent) -> Any:
        return format_html("<pre>{}</pre>", json.dumps(event.payload, indent=2, ensure_ascii=False))

    @admin.display(description=_("what we understood"))
    def understood(self, event: WebhookEvent) -> Any:
        """Without the page or the secret that lets a customer go on."""
        facts = [{name: value for name, value in fact.items() if name != "next_action"} for fact in event.facts]
        return format_html("<pre>{}</pre>", json.dumps(facts, indent=2, ensure_ascii=False))

    # Replaying

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay_view)
        return [path("<int:pk>/replay/", view, name="payments_webhookevent_replay"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        may = {"may_replay": request.user.has_perm("payments.recover_payment")}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **may})

    @method_decorator(require_POST)
    def replay_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        user: Any = request.user
        if not (user.has_perm("payments.recover_payment") and self.has_view_permission(request)):
            raise PermissionDenied
        event = get_object_or_404(WebhookEvent.objects.select_related("payment_method"), pk=pk)
        before = event.state
        after = inbox.replay(event, by=Actor(Origin.WEBHOOK, user))
        names = {"event": event, "why": event.last_error}
        if after == before == State.APPLIED:
            self.message_user(request, gettext("%(event)s: was applied already, nothing has changed.") % names)
        elif after in STUCK:
            text = gettext("%(event)s: could not be used (%(why)s).") % names
            self.message_user(request, text, messages.ERROR)
        else:
            self.message_user(request, gettext("%(event)s: done.") % names, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:payments_webhookevent_change", args=[pk]))
