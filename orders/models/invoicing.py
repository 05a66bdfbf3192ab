"""How an order comes to its papers: written after the fact, from its rows, as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.models.address import Address
from orders.models.adjustment import Adjustment
from orders.models.invoice import Invoice
from payments.models import Operation
from payments.money import Money

Line = dict[str, Any]
ADDRESS_FIELDS = ("name", "address1", "address2", "city", "state", "zip", "country", "phone")


class Invoicing(models.Model):
    class Meta:
        abstract = True

    @property
    def main_invoice(self) -> Invoice | None:
        """Its proforma invoice, if it has been issued."""
        found: Invoice | None = self.invoices.main().first()  # type: ignore[attr-defined]
        return found

    def issue_invoice(self) -> Invoice:
        """Its proforma invoice, issued if it is not yet; and under it whatever paper is missing by now.

        That is: the difference, where the total has changed since; a credit note for each refund that gave back what
        was invoiced; and, of a canceled order, one for what will not be paid. Safe to repeat and beside others.
        Raises ValueError for an order without lines. Papers are in the shop's language, whoever asks for them.
        """
        with transaction.atomic(), override(settings.LANGUAGE_CODE):
            order: Any = self._lock()  # type: ignore[attr-defined]
            invoice: Invoice | None = order.main_invoice
            if invoice is None:
                if not order.line_items.exists():
                    raise ValueError(
                        _("Order %(number)s has no lines: there is nothing to invoice.") % {"number": order.number}
                    )
                sold = list(lines_of(order))
                invoice = Invoice.objects.create(order=order, total=order.total, lines=sold, follows_total=True)
            bring_up_to_date(order, invoice)
        return invoice

    def bill_to(self, given: Mapping[str, str]) -> None:
        """Take the address to bill, by our names of its parts or by Joanie's: first_name, last_name, address, postcode.

        Nothing to do where it is the order's already.
        """
        wanted = address_parts(given)
        order: Any = self
        known: Address | None = order.bill_address
        if not any(wanted.values()) or (known and known.gateway_hash() == wanted):
            return
        order.bill_address = Address.objects.create(**wanted)
        order.save(update_fields=["bill_address"])


def bring_up_to_date(order: Any, invoice: Invoice) -> None:
    """Issue under this held order's invoice what is missing. Once it is all there, nothing follows."""
    if order.state == order.State.CANCELED:
        credit_refunds(order, invoice)
        change, text = min(invoice.balance, Money(0, order.currency)), _("Order canceled")
    else:
        papers = [invoice, *invoice.children.filter(follows_total=True)]
        change, text = order.total - sum(paper.total for paper in papers), _("Change of the order")
    change = max(change, -invoice.invoiced_balance)
    if change.amount:
        line = {"text": text, "total": change}
        Invoice.objects.create(order=order, parent=invoice, total=change, lines=[line], follows_total=True)
    credit_refunds(order, invoice)


def credit_refunds(order: Any, invoice: Invoice) -> None:
    """One credit note for each refund that has none, as far as it gave back what was invoiced.

    What was paid beyond the invoice is given back without one: it was never on a paper.
    """
    credited_already = set(invoice.children.exclude(operation=None).values_list("operation", flat=True))
    for refund in invoice.transactions:
        if refund.kind != Operation.Kind.REFUND or refund.pk in credited_already:
            continue
        left = invoice.invoiced_balance - invoice.transactions_balance
        total = min(refund.amount, left)
        if total.amount <= 0:
            return
        text = _("Refund of payment %(number)s") % {"number": refund.payment.number}
        Invoice.objects.create(
            order=order,
            parent=invoice,
            operation=refund,
            total=-total,
            reference=refund.reference,
            lines=[{"text": text, "total": -total}],
        )


def lines_of(order: Any) -> Iterator[Line]:
    """What is on the invoice: the goods, and what was added to them."""
    for line in order.line_items.all():
        yield {
            "text": line.name,
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "total": line.total,
        }
    for each in order.adjustments.all():
        yield {
            "text": each.label or str(each.get_kind_display()),
            "total": each.amount,
            "counts": each.kind != Adjustment.Kind.INCLUDED_TAX,
        }


def address_parts(given: Mapping[str, str]) -> dict[str, str]:
    said = {name: str(value or "").strip() for name, value in given.items()}
    said.setdefault("name", f"{said.get('first_name', '')} {said.get('last_name', '')}".strip())
    said.setdefault("address1", said.get("address", ""))
    said.setdefault("zip", said.get("postcode", ""))
    return {name: said.get(name, "") for name in ADDRESS_FIELDS}
