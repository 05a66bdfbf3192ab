"""What somebody buys: lines, adjustments, totals as values, and how far checkout has come."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.adjustment import Adjustment
from orders.models.changing import Changing
from orders.models.completing import Completing
from orders.models.event import OrderEvent
from orders.models.handling import Handling
from orders.models.indexes import LIST_INDEXES
from orders.models.invoicing import Invoicing
from orders.models.line_item import LineItem
from orders.models.paying import Paying
from orders.models.states import PaymentState, State, States
from payments.actors import SYSTEM, Actor
from payments.errors import InvalidAmount
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.models.prepared import Prepared
from payments.models.protected import SafeRefresh
from payments.models.rows import PlainRow, insert_row, together, update_row
from payments.money import Money, as_money, quantize, to_minor

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from orders.models.invoice import Invoice
    from payments.models import Payment

# Written by verbs only, never by a caller's edit: safe to show on an order that somebody holds.
SETTLED = (
    "state",
    "payment_state",
    "payment_total",
    "placed_at",
    "completed_at",
    "canceled_at",
    "shipped_at",
    "tracking",
    "approved_at",
)
TOTALS = (
    "item_total",
    "shipment_total",
    "additional_tax_total",
    "included_tax_total",
    "promo_total",
    "total",
    "payment_total",
)


def draw_number() -> str:
    return f"R{secrets.randbelow(10**9):09d}"


class OrderManager(models.Manager.from_queryset(AmountQuerySet)):  # type: ignore[misc]
    def create(self, **kwargs: Any) -> Order:
        """Create with a number of its own, drawn again if somebody has it; a given number is kept."""
        if kwargs.get("number"):
            return super().create(**kwargs)  # type: ignore[no-any-return]
        order: Order = self.model(**kwargs)
        for _attempt in range(20):
            order.number = draw_number()
            if insert_row(order, unless_taken="number"):
                return order
        raise IntegrityError("No free order number was found in twenty draws.")


class Order(Changing, Completing, Paying, Handling, Invoicing, States, SafeRefresh, PlainRow):
    """Amounts share one currency; every total is a sum of rows, written by `recalculate`."""

    State = State
    PaymentState = PaymentState

    number = models.CharField(_("number"), max_length=32, unique=True, default=draw_number)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="orders")
    email = models.EmailField(_("e-mail"), blank=True)
    currency = SharedCurrencyField(_("currency"), default="USD")
    bill_address = models.ForeignKey(
        "orders.Address",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("bill address"),
    )
    ship_address = models.ForeignKey(
        "orders.Address",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("ship address"),
    )
    last_ip_address = models.GenericIPAddressField(_("last IP address"), null=True, blank=True)
    item_total = AmountField(_("items"), default=Decimal(0))
    shipment_total = AmountField(_("shipping"), default=Decimal(0))
    additional_tax_total = AmountField(_("tax on top"), default=Decimal(0))
    included_tax_total = AmountField(_("tax included"), default=Decimal(0))
    promo_total = AmountField(_("promotions"), default=Decimal(0))
    total = AmountField(_("total"), default=Decimal(0))
    payment_total = AmountField(_("paid"), default=Decimal(0))
    payment_state = models.CharField(_("payment state"), max_length=16, blank=True, choices=PaymentState.choices)
    placed_at = models.DateTimeField(_("placed at"), null=True, blank=True, editable=False)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True, editable=False)
    canceled_at = models.DateTimeField(_("canceled at"), null=True, blank=True, editable=False)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True, editable=False)
    tracking = models.CharField(_("tracking"), max_length=255, blank=True, editable=False)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects: ClassVar[Any] = OrderManager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ("-id",)
        permissions = (
            ("complete_order", _("Can complete orders")),
            ("cancel_order", _("Can cancel orders")),
            ("resume_order", _("Can resume orders")),
            ("ship_order", _("Can mark orders as shipped")),
            ("approve_order", _("Can approve risky orders")),
            ("note_order", _("Can write notes on orders")),
            ("resend_order", _("Can send the confirmation of an order again")),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in State]), name="order_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(payment_state__in=["", *[state.value for state in PaymentState]]),
                name="order_payment_state_known",
            ),
        )
        indexes = LIST_INDEXES

    if TYPE_CHECKING:
        line_items: RelatedManager[LineItem]
        adjustments: RelatedManager[Adjustment]
        payments: RelatedManager[Payment]
        events: RelatedManager[OrderEvent]
        invoices: RelatedManager[Invoice]

    def __str__(self) -> str:
        return self.number

    # Lines and adjustments

    def add_line(
        self, name: str, *, unit_price: Money | Decimal | str | int, quantity: int = 1, sku: str = ""
    ) -> LineItem:
        """Add goods as sold, `unit_price` in major units. Raises InvalidAmount; the totals follow at once."""
        price = as_money(unit_price, self.currency)
        if price.amount < 0:
            raise InvalidAmount("A price is not negative: use a promotion to take something off.")
        if type(quantity) is not int or quantity < 1:
            raise ValueError(f"A quantity is a whole number from 1 on, not {quantity!r}.")
        line = LineItem(order=self, name=name, unit_price=price, quantity=quantity, sku=sku, currency=self.currency)
        self._recalculate(payments=False, new=line)
        return line

    def add_adjustment(self, kind: str, amount: Money | Decimal | str | int, label: str) -> Adjustment:
        """Add shipping, tax, included_tax or a promotion (≤ 0), in major units. Raises InvalidAmount, ValueError."""
        if kind not in Adjustment.Kind.values:
            raise ValueError(f"“{kind}” is no kind of adjustment: {', '.join(Adjustment.Kind.values)}.")
        money = as_money(amount, self.currency)
        if money.amount > 0 if kind == Adjustment.Kind.PROMOTION else money.amount < 0:
            raise InvalidAmount(f"{money.amount} has the wrong sign for {kind}.")
        with transaction.atomic():
            adjustment: Adjustment = self.adjustments.create(
                kind=kind, amount=money, label=label, currency=self.currency
            )
            self._recalculate(payments=False)
        return adjustment

    def recalculate(self, *, by: Actor = SYSTEM) -> None:
        """Compute every total and the payment state from the rows, under the order's lock."""
        self._recalculate(payments=True, by=by)

    def _recalculate(self, *, payments: bool, new: LineItem | None = None, by: Actor = SYSTEM) -> None:
        """Before completion a line concerns no payment: those need not be summed again. `new` is written here."""
        with together():
            order = self._lock()
            order._read_totals(new)
            before = order.payment_state
            if payments or order.completed_at:
                sums = order.payment_sums()
                order.payment_total = Money(sums["paid"], order.currency)
                order.payment_state = order.derive_payment_state(sums)
            if new is not None:
                insert_row(new)
            order.write(*TOTALS, "payment_state")
            if before != order.payment_state:
                order.record("payment_state", before=before, after=order.payment_state, by=by)
        self.absorb(order)
        for name in TOTALS:
            self.__dict__[name] = order.__dict__[name]

    def _read_totals(self, new: LineItem | None) -> None:
        """What the lines, a new one included, and the adjustments come to, in one statement."""
        kinds = Adjustment.Kind
        item, *adjusted = (Decimal(value or 0) for value in TOTALS_OF_ROWS(self.pk)[0])
        item += new.total.amount if new else 0
        by_kind = dict(zip(kinds.values, adjusted, strict=True))
        self.item_total = item
        self.shipment_total = by_kind[kinds.SHIPPING]
        self.additional_tax_total = by_kind[kinds.TAX]
        self.included_tax_total = by_kind[kinds.INCLUDED_TAX]
        self.promo_total = by_kind[kinds.PROMOTION]
        total = item + by_kind[kinds.SHIPPING] + by_kind[kinds.TAX] + by_kind[kinds.PROMOTION]
        self.total = quantize(total, self.currency)

    def timeline(self) -> list[Any]:
        """Everything that happened, oldest first: the order's events and its payments' operations."""
        happened: list[Any] = [*self.events.select_related("user")]
        for payment in self.payments.all():
            happened += payment.operations.select_related("user", "payment")
        return sorted(happened, key=lambda each: each.created_at)

    @property
    def payment_required(self) -> bool:
        return bool(self.total.amount > 0)

    @property
    def is_guest(self) -> bool:
        return self.user_id is None

    def lines_for_gateway(self) -> list[dict[str, Any]]:
        """The lines as plain data, amounts in whole minor units."""
        return [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price": to_minor(line.unit_price),
                "total": to_minor(line.total),
            }
            for line in self.line_items.all()
        ]

    # Behind the verbs

    def _lock(self) -> Order:
        """This order as the database has it, held against everybody else who would lock it."""
        found: list[Order] = LOCK(self.pk)
        if not found:
            raise type(self).DoesNotExist(f"Order {self.pk} is gone.")
        return found[0]

    def write(self, *fields: str) -> None:
        """Write these columns as values with one UPDATE."""
        update_row(self, *fields)

    def absorb(self, order: Order) -> None:
        """Show here what a verb wrote on a locked copy, and leave the caller's own edits alone."""
        for name in SETTLED:
            self.__dict__[name] = order.__dict__[name]

    def record(self, name: str, *, before: str = "", after: str = "", note: str = "", by: Actor) -> None:
        """Append to the timeline."""
        OrderEvent.objects.create(
            order_id=self.pk, name=name, before=before, after=after, note=note, origin=by.origin, user=by.user
        )


def _totals_of_rows(pk: int) -> Any:
    """What the lines come to, and the adjustments by kind, as one row of scalar sub-selects."""
    decimal = models.DecimalField(max_digits=19, decimal_places=4)
    price = models.F("unit_price") * models.F("quantity")
    lines = LineItem._base_manager.filter(order=models.OuterRef("pk")).values("order")
    rows = Adjustment._base_manager.filter(order=models.OuterRef("pk")).values("order")
    sums: list[Any] = [lines.annotate(sum=models.Sum(price, output_field=decimal)).values("sum")]
    for kind in Adjustment.Kind.values:
        by_kind = rows.filter(kind=kind).annotate(sum=models.Sum("amount", output_field=decimal))
        sums.append(by_kind.values("sum"))
    return Order._base_manager.filter(pk=pk).values_list(*[models.Subquery(each) for each in sums])


LOCK = Prepared(lambda pk: Order._base_manager.select_for_update(no_key=True).filter(pk=pk))
TOTALS_OF_ROWS = Prepared(_totals_of_rows)
