"""What became of a file: its lines by outcome, its orders and their money by currency, as the database has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orders.import_fields import BadLine
from orders.import_lines import OrderData
from orders.importing import WAYS, Outcome
from orders.models import Order
from payments.models import Payment
from payments.models.states import State as Paid
from payments.money import Money, from_minor, to_minor

# What the money of a payment is, in the order in which it is shown.
AUTHORIZED = "authorized"
CAPTURED = "captured"
DECLINED = "declined"
AWAITING_CHECK = "awaiting_check"
UNKNOWN = "unknown"  # No answer, or the provider will say later.
NOT_ASKED = "not_asked"
VOID = "void"
REFUNDED = "refunded"
ALWAYS_SHOWN = (AUTHORIZED, CAPTURED, DECLINED, AWAITING_CHECK)
KINDS = (*ALWAYS_SHOWN, UNKNOWN, NOT_ASKED, VOID, REFUNDED)
INCOMPLETE = "incomplete"


@dataclass
class CurrencySums:
    currency: str
    orders: int = 0
    payment_states: Counter[str] = field(default_factory=Counter)
    payments: Counter[str] = field(default_factory=Counter)
    amounts: dict[str, Money] = field(default_factory=dict)

    def add(self, kind: str, amount: Money) -> None:
        self.payments[kind] += 1
        self.amounts[kind] = self.amount(kind) + amount

    def amount(self, kind: str) -> Money:
        return self.amounts.get(kind, from_minor(0, self.currency))

    @property
    def kinds(self) -> list[str]:
        """What there is to show: the four that every import asks about, and others that occur."""
        return [kind for kind in KINDS if kind in ALWAYS_SHOWN or kind in self.amounts]


@dataclass
class Summary:
    """Counts lines as they are read; an order that the file has twice is counted once among the orders."""

    lines: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    bad: list[tuple[int, BadLine]] = field(default_factory=list)
    order_ids: dict[int, None] = field(default_factory=dict)
    foreseen: dict[str, OrderData] = field(default_factory=dict)

    def by_currency(self) -> dict[str, CurrencySums]:
        """The orders of this file, whichever run brought them, and the new ones of a dry run as they should go."""
        sums: dict[str, CurrencySums] = {}
        for order in self._orders():
            _add_order(sums.setdefault(order.currency, CurrencySums(order.currency)), order)
        for data in self.foreseen.values():
            _add_foreseen(sums.setdefault(data.currency, CurrencySums(data.currency)), data)
        return dict(sorted(sums.items()))

    def _orders(self) -> Iterator[Order]:
        ids = list(self.order_ids)
        for start in range(0, len(ids), 500):  # SQLite takes a limited number of parameters.
            chunk = Order.objects.filter(pk__in=ids[start : start + 500])
            yield from chunk.prefetch_related("payments__payment_method")

    def as_json(self) -> dict[str, Any]:
        outcomes = {outcome.name.lower(): self.outcomes[outcome] for outcome in Outcome}
        errors = [{"line": line, "field": bad.field, "message": bad.message} for line, bad in self.bad]
        currencies = {code: _currency_as_json(sums) for code, sums in self.by_currency().items()}
        return {
            "lines": self.lines,
            **outcomes,
            "bad": len(errors),
            "errors": errors,
            "currencies": currencies,
        }


def _add_order(sums: CurrencySums, order: Order) -> None:
    sums.orders += 1
    sums.payment_states[order.payment_state or INCOMPLETE] += 1
    for payment in order.payments.all():
        for kind, amount in _money_of(payment):
            sums.add(kind, amount)


def _money_of(payment: Payment) -> Iterator[tuple[str, Money]]:
    if payment.captured_amount:
        yield CAPTURED, payment.captured_amount
    if payment.refunded_amount:
        yield REFUNDED, payment.refunded_amount
    match payment.state:
        case Paid.PENDING:
            yield AUTHORIZED, payment.uncaptured_amount
        case Paid.FAILED:
            yield DECLINED, payment.amount
        case Paid.PROCESSING:
            yield UNKNOWN, payment.amount
        case Paid.CHECKOUT:
            yield NOT_ASKED if payment.payment_method.source_required else AWAITING_CHECK, payment.amount
        case Paid.VOID | Paid.INVALID:
            yield VOID, payment.amount


def _add_foreseen(sums: CurrencySums, data: OrderData) -> None:
    """Nobody knows before a card is asked whether it is declined."""
    sums.orders += 1
    way, total = WAYS[data.method], data.totals["total"]
    kind = {None: AWAITING_CHECK, False: AUTHORIZED, True: CAPTURED}[way.auto_capture]
    sums.payment_states["paid" if kind == CAPTURED or not total else "balance_due"] += 1
    if total:
        sums.add(kind, total)


def _currency_as_json(sums: CurrencySums) -> dict[str, Any]:
    return {
        "orders": sums.orders,
        "payment_states": dict(sorted(sums.payment_states.items())),
        **{
            kind: {
                "payments": sums.payments[kind],
                "amount": str(sums.amount(kind).amount),
                "amount_minor": to_minor(sums.amount(kind)),
            }
            for kind in sums.kinds
        },
    }
