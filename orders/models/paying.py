"""How an order is paid: adding payments, having them processed, and what its sums and payment state are."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Sum
from django_fsm import TransitionNotAllowed

from orders.models.states import PaymentState, State
from payments.actors import SYSTEM, Actor
from payments.errors import GatewayError
from payments.models import Operation, Payment, PaymentMethod
from payments.models.gathering import padded
from payments.models.prepared import Prepared
from payments.models.rows import together
from payments.models.states import DEAD
from payments.models.states import State as Paid
from payments.money import Money, as_money

if TYPE_CHECKING:
    pass

logger = logging.getLogger(__name__)

HOLDING = (Paid.PROCESSING, Paid.PENDING)


def _by_state_and_source(**orders: Any) -> Any:
    """Payments of each order by state and kind of source: how many, and what their amounts come to."""
    return (
        Payment._base_manager.filter(**orders)
        .order_by()
        .values("order", "state", "source_type")
        .annotate(
            count=Count("pk"), due=Sum("amount"), captured=Sum("captured_amount"), refunded=Sum("refunded_amount")
        )
        .values_list("order", "state", "source_type", "count", "due", "captured", "refunded")
    )


PAYMENT_SUMS = Prepared(lambda order: _by_state_and_source(order=order))
SUMS_OF_SEVERAL = Prepared(lambda *orders: _by_state_and_source(order__in=orders))
COUNTS = ("payments", "valid", "in_checkout", "processing")
AMOUNTS = ("captured", "refunded", "holding", "unsettled", "in_checkout_amount", "sourceless", "taken", "given")


class Paying(models.Model):
    class Meta:
        abstract = True

    def add_payment(
        self,
        method: PaymentMethod,
        source: Any = None,
        amount: Money | Decimal | str | int | None = None,
        *,
        by: Actor = SYSTEM,
    ) -> Payment:
        """A new payment in checkout, for `amount` (major units) or for what no payment covers yet.

        Older checkout payments become invalid. Raises InvalidAmount, TransitionNotAllowed once canceled, and
        GatewayError where the method's settings are wrong.
        """
        order: Any = self
        with together():
            locked = order._lock()
            if locked.state == State.CANCELED:
                raise TransitionNotAllowed(f"Order {locked.number} is canceled: it takes no payment.")
            sums = locked.payment_sums()
            if amount is None:
                amount = max(locked.total.amount - sums["secured"], Decimal(0))
            money, kept = as_money(amount, locked.currency), _kept(method, source)
            if sums["in_checkout"]:
                locked.invalidate_checkout_payments(by=by)
            payment: Payment = Payment.objects.create(
                order=order, payment_method=method, source=kept, amount=money, currency=locked.currency
            )
            if locked.completed_at:
                locked.payment_changed(by=by)
        order.absorb(locked)
        return payment

    def invalidate_checkout_payments(self, *, by: Actor) -> None:
        """Give up what this locked order has in checkout, except where a provider has been asked."""
        asked = Operation._base_manager.filter(payment=models.OuterRef("pk"), state__in=("open", "unknown"))
        older = Payment._base_manager.filter(~models.Exists(asked), order=self.pk, state=Paid.CHECKOUT)
        for payment in older:
            note = f"Payment {payment.number}: checkout → invalid"
            self.record("payment", note=note, by=by)  # type: ignore[attr-defined]
        older.update(state=Paid.INVALID)

    def process_payments(self, *, by: Actor = SYSTEM) -> None:
        """Purchase or authorize what is in checkout, until the total is covered. Raises the GatewayError."""
        self.ask_for_each(None, by=by)

    def authorize_payments(self, *, by: Actor = SYSTEM) -> None:
        """Authorize what is in checkout, until the total is covered. Raises the GatewayError."""
        self.ask_for_each(Operation.Kind.AUTHORIZE, by=by)

    def capture_payments(self, *, by: Actor = SYSTEM) -> None:
        """Purchase what is in checkout, until the total is covered. Raises the GatewayError."""
        self.ask_for_each(Operation.Kind.PURCHASE, by=by)

    def ask_for_each(self, kind: str | None, *, by: Actor) -> GatewayError | None:
        """The error, where the site lets checkout go on over it (Solidus's allow_checkout_on_gateway_error)."""
        order: Any = type(self)._base_manager.get(pk=self.pk)
        try:
            for payment in order.payments.filter(state=Paid.CHECKOUT).order_by("id"):
                if order.payment_total >= order.total:
                    break
                payment.collect(kind, by=by)
        except GatewayError as error:
            if not settings.PAYMENTS.get("ALLOW_CHECKOUT_ON_GATEWAY_ERROR", False):
                raise
            logger.warning("Order %s goes on over a gateway error: %s", order.number, error)
            return error
        finally:
            self.absorb(order)  # type: ignore[attr-defined]
        return None

    # What the payments come to

    @property
    def outstanding_balance(self) -> Money:
        """Total − paid; once canceled, minus what was paid (Solidus §e.2)."""
        order: Any = self
        if order.state == State.CANCELED:
            return -order.payment_total  # type: ignore[no-any-return]
        return order.total - order.payment_total  # type: ignore[no-any-return]

    @property
    def review_reason(self) -> str:
        """Why staff should look at this order's payments, or ""."""
        reasons = self.payments.exclude(review_reason="").values_list("review_reason", flat=True)  # type: ignore[attr-defined]
        return " ".join(dict.fromkeys(reasons))

    @property
    def is_risky(self) -> bool:
        """Whether any payment is risky or failed. Shown to staff; it blocks nothing."""
        return any(payment.is_risky for payment in self.payments.all())  # type: ignore[attr-defined]

    def payment_sums(self) -> dict[str, Any]:
        """One look at all payments: Decimals in major units, and counts.

        `paid`: captured − refunded, whatever the state. `secured`: held, taken or under way, less refunded.
        `settled`: the same without what no provider has settled; a method that needs no source counts, for
        nobody settles it before the goods leave. `was_settled`: before refunds, which may be heard of first.
        """
        return _sums_of(PAYMENT_SUMS(self.pk))

    def sourceless_since(self, moment: datetime) -> Decimal:
        """What was chosen after that moment to be paid without a source, and is still in checkout."""
        chosen = Payment._base_manager.filter(order=self.pk, state=Paid.CHECKOUT, source_type="", created_at__gt=moment)
        return chosen.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)

    @staticmethod
    def payments_changed(orders: Sequence[Any], *, by: Actor) -> None:
        """`payment_changed` of several locked orders, their sums read in one statement."""
        rows = defaultdict[int, list[Any]](list)
        for row in SUMS_OF_SEVERAL(*padded([order.pk for order in orders])):
            rows[row[0]].append(row)
        for order in orders:
            order.payment_changed(by=by, sums=_sums_of(rows[order.pk]))

    def payment_changed(self, *, by: Actor, note: str = "", sums: dict[str, Any] | None = None) -> None:
        """A payment of this locked order has changed: totals, payment state, and finishing what was placed.

        Database work only, in the caller's transaction; no gateway is ever asked from here.
        """
        order: Any = self
        if note:
            order.record("payment", note=note, by=by)
        sums = order.payment_sums() if sums is None else sums
        before = (order.payment_total, order.payment_state)
        order.payment_total = Money(sums["paid"], order.currency)
        if order.can_be_finished(sums):
            order.step_on()
            order.finish_now(sums, by=by)
            return
        if order.gave_up_waiting(sums):
            order.return_to_payment(by=by)
        order.payment_state = order.derive_payment_state(sums)
        if before != (order.payment_total, order.payment_state):
            order.write("payment_total", "payment_state")

    def derive_payment_state(self, sums: dict[str, Any]) -> str:
        """Solidus's algorithm (§e.1): empty until the order is complete."""
        order: Any = self
        if not order.completed_at:
            return ""
        balance = order.outstanding_balance.amount
        if sums["payments"] and not sums["valid"] and balance != 0:
            return PaymentState.FAILED
        if order.state == State.CANCELED and order.payment_total.amount == 0:
            return PaymentState.VOID
        if balance > 0:
            return PaymentState.BALANCE_DUE
        return PaymentState.CREDIT_OWED if balance < 0 else PaymentState.PAID


def _sums_of(rows: Iterable[Any]) -> dict[str, Any]:
    sums: dict[str, Any] = dict.fromkeys(COUNTS, 0) | dict.fromkeys(AMOUNTS, Decimal(0))
    for _order, state, source_type, *numbers in rows:
        for name, value in _counted_as(state, source_type, *numbers):
            sums[name] += value
    secured = sums["holding"] + sums["taken"] - sums["given"]
    return sums | {
        "paid": sums["captured"] - sums["refunded"],
        "secured": secured,
        "covered": secured + sums["in_checkout_amount"],
        "settled": secured - sums["unsettled"] + sums["sourceless"],
        "was_settled": secured + sums["given"] - sums["unsettled"] + sums["sourceless"],
    }


def _counted_as(
    state: str, source_type: str, count: int, due: Decimal, captured: Decimal, refunded: Decimal
) -> Iterator[tuple[str, Any]]:
    """Which of the sums payments of one state and kind of source go into, and with what."""
    yield from (("payments", count), ("captured", captured), ("refunded", refunded))
    if state not in DEAD:
        yield from (("valid", count), ("given", refunded))
    if state in HOLDING:
        yield "holding", due
    if state == Paid.PROCESSING:
        yield from (("processing", count), ("unsettled", due))
    if state == Paid.CHECKOUT:
        yield from (("in_checkout", count), ("in_checkout_amount", due))
        if not source_type:
            yield "sourceless", due
    if state == Paid.COMPLETED:
        yield "taken", captured


def _kept(method: PaymentMethod, source: Any) -> Any:
    """A source that is fit to be found again by another process: with a token in place of its number."""
    if getattr(source, "number", "") and not source.token:
        source.token = method.build_gateway().tokenize(source)
        if source.token:
            source.save(update_fields=["token"])
    return source
