"""The list of payments: what is waiting for whom, found in a moment among a million rows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from payments.admin.bulk import BulkActions
from payments.admin.filters import PaymentFilters, answered, operations_among
from payments.admin.keyset import VIEW_VAR, KeysetList, SavedView, Sort, moment_text
from payments.admin.search import Hits, find_payments
from payments.display import NO_BREAK_SPACE, money_text
from payments.models.operation import UNANSWERED
from payments.models.states import State
from payments.templatetags.back_office import badge


def to_capture(payments: QuerySet[Any]) -> QuerySet[Any]:
    return payments.filter(state=State.PENDING)


def ending(payments: QuerySet[Any]) -> QuerySet[Any]:
    """Held, with an end that is known."""
    return payments.filter(state=State.PENDING, capture_by__isnull=False)


def unknown(payments: QuerySet[Any]) -> QuerySet[Any]:
    return payments.filter(pk__in=operations_among(UNANSWERED))


def to_review(payments: QuerySet[Any]) -> QuerySet[Any]:
    return payments.filter(~Q(review_reason=""))


def failed_today(payments: QuerySet[Any]) -> QuerySet[Any]:
    today = timezone.localdate()
    return payments.filter(answered("declined", ("authorize", "purchase", "capture"), today, None), state=State.FAILED)


STATES = dict(State.choices)


class PaymentList(BulkActions, KeysetList):
    views = (
        SavedView("to_capture", _("To capture"), to_capture, Sort("created_at", descending=False)),
        SavedView("ending", _("Hold ends"), ending, Sort("capture_by", descending=False)),
        SavedView("unknown", _("Unknown"), unknown),
        SavedView("review", _("Needs review"), to_review),
        SavedView("failed_today", _("Failed today"), failed_today),
    )
    filters = PaymentFilters
    sorts = {"created_column": "created_at", "amount_column": "amount"}
    list_display: Any = (
        "number",
        "order",
        "state_column",
        "amount_column",
        "captured_column",
        "refunded_column",
        "paid_with_column",
        "created_column",
    )
    list_display_links: Any = ("number",)
    list_select_related: Any = ("order", "payment_method", "credit_card")
    search_fields: Any = ("=number",)  # The search itself is `find`; fields that complete what is typed ask for this.
    search_help_text: Any = _(
        "Number of a payment or order, or its beginning; e-mail; response code; last four digits of the card."
    )

    def find(self, term: str) -> Hits:
        return find_payments(term)

    @admin.display(description=_("state"))
    def state_column(self, payment: Any) -> str:
        state = badge(payment.state, STATES[payment.state])
        if not payment.review_reason:
            return state
        # What is to be reviewed is told in full on the payment's page; here it is a mark beside the state.
        return format_html("{} {}", state, badge("review", _("review")))

    @admin.display(description=_("amount"), ordering="amount")
    def amount_column(self, payment: Any) -> str:
        return money_text(payment.amount)

    @admin.display(description=_("captured"))
    def captured_column(self, payment: Any) -> str:
        return money_text(payment.captured_amount) if payment.captured_amount else "–"

    @admin.display(description=_("refunded"))
    def refunded_column(self, payment: Any) -> str:
        return money_text(payment.refunded_amount) if payment.refunded_amount else "–"

    @admin.display(description=_("hold ends"))
    def ends_column(self, payment: Any) -> str:
        if payment.state != State.PENDING or payment.capture_by is None:
            return "–"
        return moment_text(payment.capture_by)

    @admin.display(description=_("paid with"))
    def paid_with_column(self, payment: Any) -> str:
        """The card is read with the row; a source of another kind would cost a statement for each."""
        card = payment.credit_card if payment.source_type == "credit_card" else None
        if card is None:
            return str(payment.payment_method)
        return f"{payment.payment_method} {card.display_number.replace(' ', NO_BREAK_SPACE)}"

    def _checkbox(self, payment: Any) -> str:
        """As Django's, without a template for each row: those took a fifth of the page's time."""
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">'
        return format_html(box, ACTION_CHECKBOX_NAME, payment.pk, _("Select payment %s") % payment.number)

    action_checkbox: Any = admin.display(description="")(_checkbox)  # Named as the admin knows it.

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        columns = tuple(self.list_display)
        if request.GET.get(VIEW_VAR) == "ending" or request.GET.keys() & {"ends_from", "ends_to"}:
            columns = (*columns, "ends_column")
        return ("action_checkbox", *columns) if self.offered_in_bulk(request) else columns
