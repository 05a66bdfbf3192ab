"""A stateful machine: several orders and payments, random verbs, faults, facts and recoveries, the laws after each."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import time_machine
from django.utils import timezone
from django_fsm import TransitionNotAllowed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orders.errors import CannotComplete
from orders.models import Order
from payments.actors import Actor
from payments.errors import GatewayError, InvalidAmount
from payments.models import Operation, Payment
from tests.factories import make_method, make_order, make_payment
from tests.laws import invariants
from tests.laws.provider import FAULTS, BookKeeping, Books, Crash, Request
from tests.laws.sandbox import undone

REFUSALS = (GatewayError, TransitionNotAllowed, InvalidAmount, CannotComplete, Crash)
WEBHOOK = Actor("webhook")
ATTEMPTS = ("authorize", "purchase", "process")
OVER = ("failed", "void", "invalid")
INDEX = st.integers(0, 99)
# Most often the newest, and mostly without a fault: so one payment lives through much.
PICK = st.sampled_from([*[0] * 12, *[1] * 4, *range(2, 8)])
FAULT = st.sampled_from([*[""] * 14, *FAULTS])
OPENING = st.sampled_from([*ATTEMPTS, *ATTEMPTS, ""])
SELDOM = st.sampled_from([False, False, False, True])  # What ends a life is not done at every chance.


class Shop(RuleBasedStateMachine):
    """What is drawn by INDEX is one of those there are; instances are kept, so that most are stale when used.

    PICK draws a payment: the newest living first, those that are over last.
    """

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.around.enter_context(undone())
        self.clock = self.around.enter_context(time_machine.travel(timezone.now(), tick=False))
        self.books = BookKeeping.books = Books()
        self.orders: list[Order] = []
        self.payments: list[Payment] = []
        self.failed = False
        self.charged_again: set[int] = set()  # Orders whose settled payments we charged once more, on purpose.

    def teardown(self) -> None:
        try:
            if self.payments and not self.failed:
                self.settle_everything()
            self.counts.update(shops=1, operations=Operation.objects.count())
        finally:
            self.around.close()

    # Orders and payments

    @initialize(automatic=st.booleans(), verb=OPENING, fault=FAULT)
    def open_shop(self, automatic: bool, verb: str, fault: str) -> None:
        self.method = make_method(gateway="bookkeeping", auto_capture=automatic)
        self.begin("100.00", verb, fault)

    @precondition(lambda self: len(self.orders) < 2)
    @rule(total=st.sampled_from(["100.00", "0.03"]), verb=OPENING, fault=FAULT)
    def order_more(self, total: str, verb: str, fault: str) -> None:
        self.begin(total, verb, fault)

    def begin(self, total: str, verb: str, fault: str) -> None:
        self.orders.append(make_order(total))
        self.pay(self.orders[-1], verb, fault)

    @precondition(lambda self: len(self.payments) < 6)
    @rule(index=INDEX, verb=OPENING, fault=FAULT, sure=SELDOM)
    def pay_anew(self, index: int, verb: str, fault: str, sure: bool) -> None:
        order = self.orders[index % len(self.orders)]
        if sure or not order.payments.exclude(state__in=OVER).exists():
            with suppress(TransitionNotAllowed):
                self.pay(order, verb, fault)

    def pay(self, order: Order, verb: str, fault: str) -> None:
        self.payments.append(make_payment(order=order, method=self.method))
        if verb:
            self.ask(self.payments[-1], verb, fault)

    @rule(index=INDEX, fault=FAULT)
    def complete(self, index: int, fault: str) -> None:
        self.books.fault = fault
        with suppress(*REFUSALS):
            self.orders[index % len(self.orders)].complete()

    @rule(index=INDEX, fault=FAULT, sure=SELDOM)
    def call_off(self, index: int, fault: str, sure: bool) -> None:
        self.books.fault = fault
        with suppress(*REFUSALS):
            if sure:
                self.orders[index % len(self.orders)].cancel()

    # Verbs

    @rule(index=PICK, verb=st.sampled_from(ATTEMPTS), fault=FAULT)
    def attempt(self, index: int, verb: str, fault: str) -> None:
        payment = self.pick(index)
        if Payment.objects.get(pk=payment.pk).state in ("pending", "completed"):
            self.charged_again.add(payment.order_id)
        self.ask(payment, verb, fault)

    @rule(index=PICK, share=st.sampled_from([None, 5, 4, 3, 2, 1]), final=SELDOM, fault=FAULT)
    def capture(self, index: int, share: int | None, final: bool, fault: str) -> None:
        payment = self.pick(index)
        self.ask(payment, "capture", fault, part(payment.amount.amount, share), final=final)

    @rule(index=PICK, share=st.sampled_from([None, 3, 2, 1]), fault=FAULT)
    def refund(self, index: int, share: int | None, fault: str) -> None:
        payment = self.pick(index)
        self.ask(payment, "refund", fault, part(payment.amount.amount, share))

    @rule(index=PICK, verb=st.sampled_from(["void_transaction", "cancel"]), fault=FAULT, sure=SELDOM)
    def undo(self, index: int, verb: str, fault: str, sure: bool) -> None:
        payment = self.pick(index)
        if not sure:
            return
        for request in self.tellable():
            if request.kind == "void" and not request.heard and request.order_id == invariants.order_id(payment):
                self.tell(request, with_key=False)  # Or a lost void of ours would be taken for it.
        self.ask(payment, verb, fault)

    def pick(self, index: int) -> Payment:
        over = set(Payment.objects.filter(state__in=OVER).values_list("pk", flat=True))
        found = sorted(self.payments, key=lambda payment: (payment.pk in over, -payment.pk))
        return found[index % len(found)]

    def ask(self, payment: Payment, verb: str, fault: str, *args: Any, **kwargs: Any) -> None:
        self.books.fault = fault
        with suppress(*REFUSALS):
            getattr(payment, verb)(*args, **kwargs)

    # The provider's side

    @precondition(lambda self: self.books.accounts)
    @rule(index=INDEX, kind=st.sampled_from(["capture", "refund", "void"]), share=st.sampled_from([3, 2, 1]))
    def happens_outside(self, index: int, kind: str, share: int) -> None:
        """Somebody acts in the provider's dashboard, or a hold expires."""
        code = sorted(self.books.accounts)[index % len(self.books.accounts)]
        account = self.books.accounts[code]
        if not account.authorized or (kind == "void" and self.is_voided_by_us(account.order_id)):
            return
        amount = 0 if kind == "void" else max(account.authorized // share, 1)
        self.books.settle(self.books.enter(Request(kind, code, account.order_id, amount)))

    @precondition(lambda self: self.waiting())
    @rule(index=INDEX, willing=st.booleans())
    def comes_through(self, index: int, willing: bool) -> None:
        """What waited is done, or is not."""
        found = self.waiting()
        self.books.settle(found[index % len(found)], willing=willing)

    @precondition(lambda self: self.tellable())
    @rule(index=INDEX, with_key=st.booleans(), times=st.integers(1, 2))
    def is_told(self, index: int, with_key: bool, times: int) -> None:
        """A webhook: late, early, again, in any order."""
        found = self.tellable()
        request = found[index % len(found)]
        for _ in range(times):
            self.tell(request, with_key=with_key)

    @rule(index=PICK)
    def recover(self, index: int) -> None:
        self.pick(index).recover()

    @rule(minutes=st.sampled_from([1, 3, 20, 60 * 30]))
    def time_passes(self, minutes: int) -> None:
        self.clock.shift(timedelta(minutes=minutes))

    @rule()
    def settle_everything(self) -> None:
        """The provider ends what waits and tells everything, and all is recovered: now the books are equal."""
        for request in self.waiting():
            self.books.settle(request)
        for request in self.tellable():
            self.tell(request, with_key=False)
        self.clock.shift(timedelta(hours=1))
        for payment in self.payments:
            payment.recover()
        self.failed = True  # Unless what follows holds.
        for payment in Payment.objects.all():
            invariants.books_are_equal(payment, self.books)
        self.failed = False

    def is_voided_by_us(self, order_id: str) -> bool:
        """A void of ours is under way: one from outside could not be told from it, but by a key that it has not."""
        unsettled = Operation.objects.filter(kind="void", state__in=["open", "unknown", "waiting"])
        return unsettled.filter(payment__number=order_id.partition("-")[2]).exists()

    def waiting(self) -> list[Request]:
        return [request for request in self.books.requests if request.outcome is None]

    def tellable(self) -> list[Request]:
        return [request for request in self.books.requests if request.outcome is not None]

    def tell(self, request: Request, *, with_key: bool) -> None:
        payment = Payment.objects.get(number=request.order_id.partition("-")[2])
        payment.apply(request.fact(with_key=with_key), by=WEBHOOK)
        request.heard = True

    # The laws

    @invariant()
    def the_laws_hold(self) -> None:
        self.counts["steps"] += 1
        self.failed = True
        for payment in Payment.objects.select_related("payment_method", "order").prefetch_related("operations"):
            invariants.of_a_payment(payment)
            invariants.books_explain(payment, self.books)
        for order in Order.objects.prefetch_related("payments__operations"):
            invariants.of_an_order(order, self.books, charged_again=order.pk in self.charged_again)
        self.failed = False


def part(amount: Decimal, share: int | None) -> Decimal | None:
    """A share of the amount in whole cents, at least one."""
    if share is None:
        return None
    return max((amount / share).quantize(Decimal("0.01")), Decimal("0.01"))
