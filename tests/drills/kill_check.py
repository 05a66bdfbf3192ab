"""The auditor: holds our database against the provider's books and names every difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from orders.models import Order
from payments.models import Operation, Payment, Reaction, Refund
from payments.money import Money, to_minor
from tests.drills.kill_books import WAITING, Account, Books, Line, accounts_of, overdrawn

BECAME = {"approved": "succeeded", "declined": "declined", **dict.fromkeys(WAITING, "waiting")}


class Audit:
    """One look at an order and at the books. `undecided` operations are those that no evidence can decide."""

    def __init__(self, order: Order, books: Books, *, decidable: bool) -> None:
        self.order: Order = Order.objects.get(pk=order.pk)
        self.payments: list[Payment] = list(Payment.objects.filter(order=order).select_related("payment_method"))
        self.operations: dict[int, list[Operation]] = {payment.pk: [] for payment in self.payments}
        for operation in Operation.objects.filter(payment__order=order).order_by("sequence"):
            self.operations[operation.payment_id].append(operation)
        self.lines = books.lines()
        self.accounts = accounts_of(self.lines)
        self.undecided = [each for each in self._all() if each.state == "unknown" and each.reason and not decidable]

    def _all(self) -> list[Operation]:
        return [operation for found in self.operations.values() for operation in found]

    @property
    def sums(self) -> tuple[int, int]:
        """What the provider holds for the order, and what it took and did not give back."""
        return sums_of(self.accounts.values())

    @property
    def waiting(self) -> list[Line]:
        """What the provider has not said its last word about."""
        return [line for line in self.lines if line.outcome in WAITING]

    @property
    def attempts_under_way(self) -> list[Line]:
        """Those that may still charge the customer: what was let go cannot."""
        gone = {each.authorization for each in self.accounts.values() if each.voided}
        return [
            line for line in self.waiting if line.kind in ("authorize", "purchase") and line.authorization not in gone
        ]

    def differences(self) -> Iterator[str]:
        yield from self._deeds()
        yield from self._open()
        yield from overdrawn(self.lines)
        for payment in self.payments:
            yield from self._sums(payment)
            yield from self._state(payment)
        yield from self._refunds()
        yield from self._order()

    # One by one

    def _deeds(self) -> Iterator[str]:
        """Every request that the provider took is one operation of ours, once, and ended as it did."""
        ours = {operation.idempotency_key: operation for operation in self._all()}
        for key, times in Counter(line.key for line in self.lines).items():
            if times > 1:
                yield f"{key} was done {times} times"
        for line in self.lines:
            operation = ours.pop(line.key, None)
            if operation is None:
                yield f"the provider did {line.kind} {line.key}, of which we know nothing"
            elif operation in self.undecided:
                continue
            elif operation.state != BECAME[line.outcome]:
                yield f"{line.key} is {operation.state}; the provider says {line.outcome}"
            elif operation.kind != line.kind or (line.kind != "void" and to_minor(operation.amount) != line.amount):
                yield f"{line.key} is {operation}; the provider says {line.kind} of {line.amount}"
        for key, operation in ours.items():
            if operation.state != "canceled" and operation not in self.undecided:
                yield f"{key} is {operation.state}; the provider was never asked"

    def _open(self) -> Iterator[str]:
        for operation in self._all():
            if operation.state in ("open", "unknown") and operation not in self.undecided:
                yield f"{operation.idempotency_key} is left {operation.state}: {operation.reason or operation.message}"

    def _known(self, payment: Payment) -> list[Line]:
        """The books of this payment, without what we rightly say that we do not know."""
        unknown = {operation.idempotency_key for operation in self.undecided}
        mine = f"{self.order.number}-{payment.number}"
        return [line for line in self.lines if line.order_id == mine and line.key not in unknown]

    def _sums(self, payment: Payment) -> Iterator[str]:
        accounts = accounts_of(self._known(payment))
        theirs = {code: (each.held, each.captured, each.refunded) for code, each in accounts.items() if _has_any(each)}
        ledger = payment.ledger_of(self.operations[payment.pk])
        ours = {}
        for attempt in ledger.holders:
            found = (ledger.held_of(attempt), ledger.captured_of(attempt), ledger.refunded_of(attempt))
            if any(found):
                code = attempt.authorization if attempt else ""
                ours[code] = tuple(to_minor(Money(each, payment.currency)) for each in found)
        if ours != theirs:
            yield f"{payment.number} holds, took and gave back {ours}; the provider {theirs}"
        for name in ("authorized", "captured", "refunded"):
            written = to_minor(getattr(payment, f"{name}_amount"))
            total = sum(getattr(each, name) for each in accounts.values())
            if written != total:
                yield f"{payment.number}.{name}_amount is {written}; the provider says {total}"

    def _state(self, payment: Payment) -> Iterator[str]:
        unknown = [each for each in self.undecided if each.payment_id == payment.pk]
        if any(each.kind in ("authorize", "purchase", "capture") for each in unknown):
            implied: tuple[str, ...] = ("processing",)
        elif any(each.state_before == "processing" for each in unknown):
            implied = ("processing",)
        else:
            implied = implied_states(self._known(payment), asked=bool(self.operations[payment.pk]))
        if payment.state not in implied:
            yield f"{payment.number} is {payment.state}; the books imply {' or '.join(implied)}"
        if payment.review_reason:
            yield f"{payment.number} is flagged: {payment.review_reason}"

    def _refunds(self) -> Iterator[str]:
        operations = {each.pk: each.amount for each in self._all() if each.kind == "refund"}
        found = Refund.objects.filter(payment__in=self.payments)
        refunds = {each.operation_id: each.amount for each in found}
        if operations != refunds:
            yield f"there are refunds {refunds} for the operations {operations}"

    def _order(self) -> Iterator[str]:
        under_way = sum(line.amount for line in self.attempts_under_way)
        if sum(self.sums) + under_way > to_minor(self.order.total):
            yield f"the provider holds, took or is asked for {self.sums} + {under_way} for {self.order.total}"
        known = [line for payment in self.payments for line in self._known(payment)]
        paid = sum(each.captured - each.refunded for each in accounts_of(known).values())
        if to_minor(self.order.payment_total) != paid:
            yield f"payment_total is {self.order.payment_total}; the provider says {paid}"
        state = self.order.derive_payment_state(self.order.payment_sums())
        if self.order.payment_state != state:
            yield f"the order is {self.order.payment_state}; its rows say {state}"
        queued = Reaction.objects.filter(topic="order.completed", key=self.order.number).count()
        if queued != bool(self.order.completed_at):
            yield f"{queued} reactions to the completion of an order that is {self.order.state}"


def sums_of(accounts: Iterable[Account]) -> tuple[int, int]:
    found = list(accounts)
    return sum(each.held for each in found), sum(each.captured - each.refunded for each in found)


def _has_any(account: Account) -> bool:
    return bool(account.held or account.captured or account.refunded)


def implied_states(lines: Sequence[Line], *, asked: bool) -> tuple[str, ...]:
    """What state one payment must have, judged by the provider's books alone."""
    attempts = [line for line in lines if line.kind in ("authorize", "purchase")]
    if not attempts:
        return ("failed",) if asked else ("checkout", "invalid", "void")
    accounts = accounts_of(lines)
    latest = attempts[-1]
    account = accounts.get(latest.authorization) or Account("", "")
    captures = [line for line in lines if line.kind == "capture"]
    voids = [line for line in lines if line.kind == "void" and line.outcome in WAITING]
    if any(line.outcome in WAITING for line in captures) or (latest.outcome in WAITING and not account.voided):
        return ("processing",)
    refused = any(line.outcome == "declined" for line in captures)
    if account.held:
        state = "failed" if refused and not account.captured else "pending"
        return (state, "processing") if voids else (state,)
    if any(each.captured for each in accounts.values()):
        return ("completed",)
    if account.voided:
        return ("failed",) if refused else ("void",)
    return ("failed",)
