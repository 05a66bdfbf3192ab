"""Invoices as pages, and their receivers of settings.REACTIONS: called after the fact, until they succeed."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_cache_control

from orders.models import Invoice, Order
from payments.models import Reaction
from payments.models.announcing import operation_of


def issue(reaction: Reaction) -> None:
    """Write what papers are missing: after `order.completed`, `order.canceled` and `order.resumed`."""
    Order.objects.get(number=reaction.key.partition(":")[0]).issue_invoice()


def credit(reaction: Reaction) -> None:
    """Write the credit note of a refund: after `payment.refunded`. An order without an invoice gets none."""
    order: Any = operation_of(reaction).payment.order
    if order.main_invoice is not None:
        order.issue_invoice()


def document(invoice: Invoice) -> dict[str, Any]:
    """What a page needs to show it."""
    lines = list(invoice.lines.all())
    invoice.hold_still()
    prefetch_related_objects([invoice], "children")
    return {
        "invoice": invoice,
        "order": invoice.order,
        "lines": [line for line in lines if line.counts],
        "told": [line for line in lines if not line.counts],
        "recipient": invoice.recipient.splitlines(),
        "issuer": invoice.issuer.splitlines(),
        "children": sorted(invoice.children.all(), key=lambda child: child.pk),
        "transactions": invoice.transactions,
    }


def invoice_page(request: HttpRequest, number: str, *, orders: QuerySet[Order], back: str = "") -> HttpResponse:
    """The paper of this number as a page to print, if it is of one of `orders`; Http404 else.

    Who may look is for the caller to say, who hands in the orders that this person may see. `back`: the address
    that the page leads back to.
    """
    papers = Invoice.objects.select_related("order", "parent").filter(order__in=orders)
    return printed(request, get_object_or_404(papers, number=number), back=back)


def printed(
    request: HttpRequest, invoice: Invoice, *, back: str = "", template: str = "orders/invoice.html"
) -> HttpResponse:
    """The page to print. `back`: as in `invoice_page`."""
    response = render(request, template, {**document(invoice), "back": back})
    patch_cache_control(response, private=True, no_store=True)
    return response
