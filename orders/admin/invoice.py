"""Invoices and credit notes for staff: the list, each with its sums and what belongs to it, and a page to print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
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

from orders.admin.order_list import find_orders
from orders.invoices import printed
from orders.models import Invoice, Order
from payments.admin.filters import ANY, ListFilters, choice, day, window
from payments.admin.keyset import KeysetChangeList, KeysetList, Sort
from payments.admin.readonly import ReadOnlyAdmin, amount
from payments.admin.search import LONGEST_TERM, Hits, begins
from payments.display import money_text
from payments.templatetags.back_office import badge


class InvoiceFilters(ListFilters):
    main = ("type", "currency")
    ranges = (("issued", _("Issued")),)

    type = choice(_("Type"), [ANY, *Invoice.Type.choices])
    issued_from = day(_("from"))
    issued_to = day(_("to"))
    method = age = amount_from = amount_to = created_from = created_to = None  # type: ignore[assignment]

    def conditions(self) -> Iterator[Q]:
        if "currency" in self.chosen:
            yield Q(currency=self.chosen["currency"])
        if "type" in self.chosen:
            yield Q(total__lt=0) if self.chosen["type"] == Invoice.Type.CREDIT_NOTE else Q(total__gte=0)
        yield window("issued_at", self.chosen.get("issued_from"), self.chosen.get("issued_to"))


class InvoiceChangeList(KeysetChangeList):
    def _chosen_sort(self, sorts: dict[str, str]) -> Sort:
        chosen = super()._chosen_sort(sorts)
        return chosen if chosen.field in sorts.values() else Sort("issued_at")


@admin.register(Invoice)
class InvoiceAdmin(KeysetList, ReadOnlyAdmin):
    filters = InvoiceFilters
    sorts = {"issued_column": "issued_at"}
    list_display = ("number", "type_column", "order_column", "recipient_column", "total_column", "issued_column")
    list_select_related = ("order",)  # type: ignore[misc]  # Two bases declare it.
    search_fields = ("=number",)
    search_help_text = _("Number of the invoice or its beginning; number of an order or payment; e-mail.")
    change_form_template = "admin/orders/invoice/change_form.html"
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("number", "type_column", "order_column", "parent_column", "issued_column", "reference")}),
        (
            _("What it comes to"),
            {"fields": ("total_text", "sold", "invoiced_text", "moved_text", "balance_text", "state")},
        ),
        (_("What belongs to it"), {"fields": ("papers", "transactions_done")}),
        (_("What it says"), {"fields": ("recipient_text", "issuer_text")}),
    )
    total_text = amount("total", _("total"))
    invoiced_text = amount("invoiced_balance", _("invoiced, with what is under it"))
    moved_text = amount("transactions_balance", _("taken, less given back"))
    balance_text = amount("balance", _("balance"))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return InvoiceChangeList

    def find(self, term: str) -> Hits:
        hits = Hits()
        papers: QuerySet[Any] = Invoice._base_manager.all()
        if term and len(term) <= LONGEST_TERM:
            hits.pks.update(hits.take(papers.filter(begins("number", term))))
        orders = find_orders(term)
        hits.is_capped = hits.is_capped or orders.is_capped
        if orders.pks:
            hits.pks.update(hits.take(papers.filter(order__in=orders.pks)))
        return hits

    # Columns

    @admin.display(description=_("type"))
    def type_column(self, invoice: Invoice) -> Any:
        return badge("waiting" if invoice.is_credit_note else "none", invoice.title)

    @admin.display(description=_("order"))
    def order_column(self, invoice: Invoice) -> Any:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:orders_order_change", args=[invoice.order_id]), invoice.order.number
        )

    @admin.display(description=_("recipient"))
    def recipient_column(self, invoice: Invoice) -> str:
        return (invoice.recipient.splitlines() or ["–"])[0]

    @admin.display(description=_("total"))
    def total_column(self, invoice: Invoice) -> str:
        return money_text(invoice.total)

    @admin.display(description=_("issued"), ordering="issued_at")
    def issued_column(self, invoice: Invoice) -> str:
        return date_format(timezone.localtime(invoice.issued_at), "SHORT_DATETIME_FORMAT")

    # Its page

    @admin.display(description=_("belongs to"))
    def parent_column(self, invoice: Invoice) -> Any:
        return link_to(invoice.parent) if invoice.parent else "–"

    @admin.display(description=_("state"))
    def state(self, invoice: Invoice) -> Any:
        return badge(TONES[invoice.state], invoice.get_state_display())

    @admin.display(description=_("lines"))
    def sold(self, invoice: Invoice) -> Any:
        lines = ((line.text, money_text(line.total)) for line in invoice.lines.all() if line.counts)
        return format_html_join("", "<p>{}: {}</p>", lines)

    @admin.display(description=_("papers under it"))
    def papers(self, invoice: Invoice) -> Any:
        children = ((link_to(child), money_text(child.total)) for child in invoice.children.order_by("id"))
        return format_html_join("", "<p>{}: {}</p>", children) or "–"

    @admin.display(description=_("transactions"))
    def transactions_done(self, invoice: Invoice) -> Any:
        done = ((each.payment.number, each) for each in invoice.transactions)
        return format_html_join("", "<p>{}: {}</p>", done) or "–"

    @admin.display(description=_("recipient"))
    def recipient_text(self, invoice: Invoice) -> Any:
        return format_html_join("", "{}<br>", ((line,) for line in invoice.recipient.splitlines())) or "–"

    @admin.display(description=_("issued by"))
    def issuer_text(self, invoice: Invoice) -> Any:
        return format_html_join("", "{}<br>", ((line,) for line in invoice.issuer.splitlines()))

    # Printing

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.print_view)
        issue = self.admin_site.admin_view(self.issue_view)
        return [
            path("<int:pk>/print/", view, name="orders_invoice_print"),
            path("issue/<int:order>/", issue, name="orders_invoice_issue"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def issue_view(self, request: HttpRequest, order: int) -> HttpResponse:
        """For an order that is older than its shop's invoices; others have theirs by themselves."""
        if not request.user.has_perms(("orders.view_invoice", "orders.add_invoice")):
            raise PermissionDenied
        found = get_object_or_404(Order, pk=order, completed_at__isnull=False)
        try:
            invoice = found.issue_invoice()
        except ValueError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, gettext("%(invoice)s is issued.") % {"invoice": invoice}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order]))

    def print_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        invoice = get_object_or_404(Invoice.objects.select_related("order", "parent"), pk=pk)
        back = reverse("admin:orders_invoice_change", args=[pk])
        return printed(request, invoice, back=back, template="admin/orders/invoice/print.html")


TONES: dict[str, str] = {
    Invoice.State.UNPAID: "due",
    Invoice.State.PARTLY_PAID: "due",
    Invoice.State.PAID: "paid",
    Invoice.State.REFUNDED: "none",
}


def link_to(invoice: Invoice) -> Any:
    return format_html('<a href="{}">{}</a>', reverse("admin:orders_invoice_change", args=[invoice.pk]), invoice)
