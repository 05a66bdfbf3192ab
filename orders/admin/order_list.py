"""The list of orders: what is owed, what can be sent, found in a moment among a million rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from orders.models import Order
from orders.models.indexes import TO_SHIP
from orders.models.states import PaymentState
from payments.admin.filters import ANY, YES_NO, ListFilters, choice
from payments.admin.keyset import KeysetList, SavedView
from payments.admin.search import LONGEST_TERM, Hits, begins, find_cards, same_email
from payments.display import money_text
from payments.models import Payment
from payments.templatetags.back_office import badge


class OrderFilters(ListFilters):
    main = ("state", "payment_state", "method", "currency", "age")
    more = ("shipped", "approved")
    amount_column = "total"
    exact: ClassVar[dict[str, str]] = {**ListFilters.exact, "payment_state": "payment_state"}

    state = choice(_("State"), [ANY, *Order.State.choices])
    payment_state = choice(_("Payment state"), [ANY, *Order.PaymentState.choices])
    shipped = choice(_("Shipped"), YES_NO)
    approved = choice(_("Approved"), YES_NO)

    def conditions(self) -> Iterator[Q]:
        yield from super().conditions()
        if "method" in self.chosen:
            payments = Payment._base_manager.filter(payment_method=self.chosen["method"])
            newest = payments.order_by("-created_at", "-id").values("created_at")[:1]
            # An order is older than its payments: what came after a method's last payment need not be looked at.
            yield Q(pk__in=payments.values("order"), created_at__lte=newest)
        for name in ("shipped", "approved"):
            if name in self.chosen:
                yield Q(**{f"{name}_at__isnull": self.chosen[name] == "no"})


def find_orders(term: str) -> Hits:
    hits = Hits()
    if not term or len(term) > LONGEST_TERM:
        return hits
    orders: QuerySet[Any] = Order._base_manager.all()
    payments: QuerySet[Any] = Payment._base_manager.all()
    if "@" in term:
        hits.pks.update(hits.take(orders.filter(same_email(term))))
    else:
        hits.pks.update(hits.take(orders.filter(begins("number", term))))
        hits.pks.update(hits.take(payments.filter(begins("number", term)), "order"))
    hits.pks.update(hits.take(payments.filter(response_code=term), "order"))
    card_ids = find_cards(term, hits)
    if card_ids:
        by_card = payments.filter(source_id__in=card_ids, source_type="credit_card")
        hits.pks.update(hits.take(by_card, "order"))
    return hits


def owed(state: str) -> Any:
    return lambda orders: orders.filter(payment_state=state)


class OrderList(KeysetList):
    views = (
        SavedView("balance_due", _("Balance due"), owed(PaymentState.BALANCE_DUE)),
        SavedView("credit_owed", _("Credit owed"), owed(PaymentState.CREDIT_OWED)),
        SavedView("failed", _("Payment failed"), owed(PaymentState.FAILED)),
        SavedView("to_ship", _("To ship"), lambda orders: orders.filter(TO_SHIP)),
    )
    filters: ClassVar[type[ListFilters]] = OrderFilters
    sorts = {"created_column": "created_at", "total_column": "total"}
    list_display: Any = (
        "number",
        "email",
        "state_column",
        "payment_state_column",
        "total_column",
        "paid_column",
        "shipped_column",
        "created_column",
    )
    list_display_links: Any = ("number",)
    search_fields: Any = ("=number",)  # The search itself is `find`; fields that complete what is typed ask for this.
    search_help_text: Any = _(
        "Number of an order or payment, or its beginning; e-mail; response code; last four digits of the card."
    )

    def find(self, term: str) -> Hits:
        return find_orders(term)

    @admin.display(description=_("state"))
    def state_column(self, order: Any) -> str:
        return badge(order.state, order.get_state_display())

    @admin.display(description=_("payment state"))
    def payment_state_column(self, order: Any) -> str:
        return badge(order.payment_state, order.get_payment_state_display()) if order.payment_state else "–"

    @admin.display(description=_("total"), ordering="total")
    def total_column(self, order: Any) -> str:
        return money_text(order.total)

    @admin.display(description=_("paid"))
    def paid_column(self, order: Any) -> str:
        return money_text(order.payment_total) if order.payment_total else "–"

    @admin.display(description=_("shipped"))
    def shipped_column(self, order: Any) -> str:
        return date_format(localtime(order.shipped_at), "SHORT_DATE_FORMAT") if order.shipped_at else "–"
