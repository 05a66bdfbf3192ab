"""The papers of an order: one proforma invoice, and under it credit notes for what is given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.display import money_text
from payments.models import Operation, Payment
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.money import Money, as_money, from_minor

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class InvoiceSeries(models.Model):
    """The numbers of a year. Its row is held until the paper that takes the next one is committed, so none is lost."""

    year = models.PositiveSmallIntegerField(_("year"), primary_key=True)
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("invoice series")
        verbose_name_plural = _("invoice series")

    def __str__(self) -> str:
        return str(self.year)

    @classmethod
    def draw(cls) -> tuple[str, Any]:
        """The next number and the moment it is given, in the caller's transaction: numbers follow the clock."""
        year = timezone.localdate().year
        InvoiceSeries.objects.bulk_create([InvoiceSeries(year=year)], ignore_conflicts=True)
        series = cls.objects.select_for_update().get(pk=year)
        now = timezone.now()
        if timezone.localtime(now).year != year:  # It was waited for into the new year.
            return cls.draw()
        series.last += 1
        series.save(update_fields=["last"])
        return f"{year}-{series.last:06d}", now


class InvoiceQuerySet(AmountQuerySet):
    def main(self) -> InvoiceQuerySet:
        """The proforma invoices; the others stand under them."""
        return self.filter(parent=None)


class InvoiceManager(models.Manager.from_queryset(InvoiceQuerySet)):  # type: ignore[misc]
    def create(self, *, lines: Iterable[Mapping[str, Any]] = (), **facts: Any) -> Invoice:
        """Issue a paper: checked, numbered, and with its lines. Raises ValidationError.

        Whom it is for and who issues it are taken from its parent, its order and the settings where they are not
        given. Whoever may meet another that issues holds the order.
        """
        with transaction.atomic():
            if not isinstance(facts.get("total"), Money):
                facts["currency"] = str(facts["order"].currency)
                facts["total"] = as_money(facts.get("total", 0), facts["currency"])
            invoice = self.model(**facts)
            invoice.fill_in()
            invoice.clean()
            invoice.number, invoice.issued_at = InvoiceSeries.draw()
            invoice.save(force_insert=True)
            written = [dict(line) for line in lines] or [{"text": str(invoice.title), "total": invoice.total}]
            InvoiceLine.objects.bulk_create(
                InvoiceLine(**{"invoice": invoice, "currency": str(invoice.currency), "position": position} | line)
                for position, line in enumerate(written, start=1)
            )
        return invoice  # type: ignore[no-any-return]


class Invoice(models.Model):
    """Issued once, never changed. A credit note is one below zero; sums and transactions are read, not kept."""

    class Type(models.TextChoices):
        INVOICE = "invoice", _("invoice")
        CREDIT_NOTE = "credit_note", _("credit note")

    class State(models.TextChoices):
        UNPAID = "unpaid", _("unpaid")
        PARTLY_PAID = "partly_paid", _("partly paid")
        PAID = "paid", _("paid")
        REFUNDED = "refunded", _("refunded")

    number = models.CharField(_("number"), max_length=16, unique=True, editable=False)
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="invoices", verbose_name=_("order"))
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("belongs to")
    )
    operation = models.OneToOneField(
        "payments.Operation", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("refund")
    )
    currency = SharedCurrencyField(_("currency"), default="USD")
    total = AmountField(_("total"), default=Decimal(0))
    reference = models.CharField(_("reference"), max_length=255, blank=True)  # Of a credit note, the provider's.
    # Those that do come to the order's total; the others give back what was paid of it.
    follows_total = models.BooleanField(_("follows the order's total"), default=False)
    recipient = models.TextField(_("recipient"), blank=True)
    issuer = models.TextField(_("issued by"), blank=True)
    issued_at = models.DateTimeField(_("issued at"), default=timezone.now)

    objects: ClassVar[Any] = InvoiceManager()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        ordering = ("-issued_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(parent=None), name="invoice_one_main_per_order"
            ),
            models.CheckConstraint(
                condition=models.Q(total__gte=0) | models.Q(parent__isnull=False), name="invoice_credit_has_parent"
            ),
            models.CheckConstraint(
                condition=models.Q(operation=None) | models.Q(total__lt=0), name="invoice_of_refund_is_credit"
            ),
        )
        indexes = (models.Index(fields=["-issued_at", "-id"], name="invoice_newest"),)

    if TYPE_CHECKING:
        children: RelatedManager[Invoice]
        lines: RelatedManager[InvoiceLine]

    def __str__(self) -> str:
        return f"{self.title} {self.number}"

    @property
    def type(self) -> str:
        return self.Type.CREDIT_NOTE if self.total.amount < 0 else self.Type.INVOICE

    @property
    def is_credit_note(self) -> bool:
        return self.type == self.Type.CREDIT_NOTE

    @property
    def title(self) -> Any:
        """What stands at its head."""
        if self.is_credit_note:
            return _("Credit note")
        return _("Proforma invoice") if self.parent_id is None else _("Supplementary invoice")

    def fill_in(self) -> None:
        """Freeze what a paper says of people, where it was not told."""
        if self.parent is None:
            self.reference = self.reference or self.order.number
        else:
            self.recipient = self.recipient or self.parent.recipient
            self.issuer = self.issuer or self.parent.issuer
        self.recipient = self.recipient or recipient_of(self.order)
        self.issuer = self.issuer or settings.INVOICES["ISSUER"]

    def clean(self) -> None:
        """The rules that a row alone cannot show. Raises ValidationError."""
        if str(self.currency) != str(self.order.currency):
            raise ValidationError({"currency": _("An invoice is in the currency of its order.")})
        if self.parent is None:
            if self.is_credit_note:
                raise ValidationError({"total": _("A credit note stands under an invoice.")})
            return
        if self.parent.parent_id is not None:
            raise ValidationError({"parent": _("What stands under an invoice has nothing under itself.")})
        if self.parent.order_id != self.order_id:
            raise ValidationError({"parent": _("That invoice is of another order.")})
        left = self.parent.invoiced_balance
        if self.is_credit_note and -self.total > left:
            raise ValidationError({"total": _("No more than %(left)s is left to credit.") % {"left": money_text(left)}})

    # What it comes to

    @property
    def transactions(self) -> list[Operation]:
        """The money that moved, oldest first: of a credit note its refund, of the invoice all of its order's."""
        if "_moved" in self.__dict__:
            return list(self.__dict__["_moved"])
        if self.parent_id is not None:
            return [self.operation] if self.operation and self.operation.state == "succeeded" else []
        found: list[Operation] = []
        payments = Payment._base_manager.filter(order=self.order_id).select_related("payment_method")
        for payment in payments.order_by("id").prefetch_related("operations"):
            found += payment.ledger_of(list(payment.operations.all())).moved
        return sorted(found, key=lambda each: (each.answered_at or each.created_at, each.pk))

    def hold_still(self) -> None:
        """For a page that tells it in many ways: from now on what moved is what it is now, read once."""
        self.__dict__["_moved"] = self.transactions

    @property
    def transactions_balance(self) -> Money:
        """What was taken less what was given back, for this paper and those under it."""
        balance = from_minor(0, str(self.currency))
        for each in self.transactions:
            balance += -each.amount if each.kind == Operation.Kind.REFUND else each.amount
        return balance

    @property
    def invoiced_balance(self) -> Money:
        """Its total and those of the papers under it."""
        balance = self.total
        for child in self.children.all():
            balance += child.total
        return balance  # type: ignore[no-any-return]

    @property
    def balance(self) -> Money:
        """Below zero: so much is still to be paid. Above: so much more was paid than is invoiced."""
        return self.transactions_balance - self.invoiced_balance

    @property
    def state(self) -> str:
        paid, invoiced = self.transactions_balance, self.invoiced_balance
        if paid < invoiced:
            return self.State.PARTLY_PAID if paid.amount > 0 else self.State.UNPAID
        given_back = self.total.amount != 0 and paid.amount == invoiced.amount == 0
        return self.State.REFUNDED if given_back else self.State.PAID

    def get_state_display(self) -> str:
        return str(self.State(self.state).label)


class InvoiceLine(models.Model):
    """What a paper is made out for, as it was called and priced then. It keeps the paper from being deleted."""

    invoice = models.ForeignKey(Invoice, models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField(_("position"))
    text = models.CharField(_("text"), max_length=255)
    sku = models.CharField(_("SKU"), max_length=64, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"), null=True, blank=True)
    currency = SharedCurrencyField(_("currency"), default="USD")
    unit_price = AmountField(_("unit price"), null=True, blank=True)
    total = AmountField(_("total"), default=Decimal(0))
    counts = models.BooleanField(_("part of the total"), default=True)  # Tax inside the prices is told only.

    objects: ClassVar[Any] = AmountQuerySet.as_manager()

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        ordering = ("invoice_id", "position")
        constraints = (models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position"),)

    def __str__(self) -> str:
        return f"{self.text} {money_text(self.total)}"


def recipient_of(order: Any) -> str:
    """Whom an order's papers are made out to, line by line as on an envelope."""
    address = order.bill_address or order.ship_address
    if address is None:
        return str(order.email)
    region = f", {address.state}" if address.state else ""
    lines = (address.name, address.address1, address.address2, f"{address.zip} {address.city}{region}", address.country)
    return "\n".join(line.strip() for line in lines if line.strip())
