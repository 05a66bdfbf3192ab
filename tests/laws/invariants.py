"""The laws as questions about rows, with formulas of their own: nothing here is taken from the code under test."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from orders.models import Order
from payments.models import Operation, Payment
from tests.laws.provider import Books, Request

UNANSWERED = ("open", "unknown")
UNSETTLED = (*UNANSWERED, "waiting")
ATTEMPTS = ("authorize", "purchase")


def minor(money: object) -> int:
    return int(Decimal(getattr(money, "amount", money)) * 100)  # type: ignore[arg-type]


def order_id(payment: Payment) -> str:
    return f"{payment.order.number}-{payment.number}"


def story(payment: Payment, books: Books) -> str:
    """What a failed law shows: the payment, its operations, and the provider's side."""
    ours = [
        f"  {each.kind} {each.state} {each.amount.amount} key={each.idempotency_key} code={each.authorization} "
        f"ref={each.reference} attempt={each.attempt_id} reason={each.reason}"
        for each in payment.operations.order_by("sequence")
    ]
    theirs = [f"  {each}" for each in books.requests if each.order_id == order_id(payment)]
    accounts = [f"  {code}: {each}" for code, each in books.accounts.items() if each.order_id == order_id(payment)]
    return "\n".join([f"{payment.state} {sums_in(payment)} {payment.review_reason}", *ours, *theirs, *accounts])


# One payment by itself


def of_a_payment(payment: Payment) -> None:
    operations = list(payment.operations.all())
    assert sums_of(operations) == sums_in(payment), story(payment, Books())
    assert len([each for each in operations if each.state in UNANSWERED]) <= 1
    assert len({each.sequence for each in operations}) == len(operations)
    keys = [each.idempotency_key for each in operations if each.idempotency_key]
    assert len(set(keys)) == len(keys)
    authorized, captured, refunded = sums_in(payment)
    assert refunded <= captured <= authorized or payment.review_reason
    state_fits(payment, operations)


def sums_in(payment: Payment) -> tuple[int, int, int]:
    return minor(payment.authorized_amount), minor(payment.captured_amount), minor(payment.refunded_amount)


def sums_of(operations: list[Operation]) -> tuple[int, int, int]:
    """By the provider's code: every attempt has one of its own here, so no chain of attempts need be followed."""
    by_code: dict[str, list[Operation]] = defaultdict(list)
    codes = {each.pk: each.authorization for each in operations}
    for each in operations:
        if each.state == "succeeded":
            by_code[each.authorization or codes.get(each.attempt_id, "")].append(each)
    total = [0, 0, 0]
    for group in by_code.values():
        of_kind = {kind: sum(minor(each.amount) for each in group if each.kind == kind) for kind in Operation.Kind}
        sale = of_kind["purchase"] > 0
        gone = any(
            each.kind == "void" and (sale if not each.asked else each.state_before == "completed") for each in group
        )
        captured = 0 if gone else of_kind["purchase"] + of_kind["capture"]
        attempted = of_kind["authorize"] + of_kind["purchase"]
        total[0] += attempted if attempted else of_kind["capture"]
        total[1] += captured
        total[2] += of_kind["refund"]
    return max(total[0], total[1]), total[1], total[2]


def state_fits(payment: Payment, operations: list[Operation]) -> None:
    """What each state says about the operations, whatever path led there."""
    kinds = {(each.kind, each.state) for each in operations}
    unsettled = {kind for kind, state in kinds if state in UNSETTLED}
    captured = minor(payment.captured_amount)
    match payment.state:
        case "checkout" | "invalid":
            assert captured == 0
            assert not unsettled & {"authorize", "purchase", "capture"}
        case "processing":
            assert unsettled
        case "pending":
            assert ("authorize", "succeeded") in kinds
            assert "capture" not in unsettled
        case "completed":
            assert captured > 0
        case "failed":
            assert captured == 0
            assert not unsettled & {"purchase", "capture"}
        case "void":
            assert captured == 0
    if "capture" in unsettled:
        assert payment.state == "processing"


# An order


def of_an_order(order: Order, books: Books, *, charged_again: bool) -> None:
    payments = list(order.payments.all())
    assert minor(order.payment_total) == sum(minor(p.captured_amount) - minor(p.refunded_amount) for p in payments)
    unsettled = [
        operation
        for payment in payments
        for operation in payment.operations.all()
        if operation.kind in ATTEMPTS
        and (operation.state in UNANSWERED or (operation.state == "waiting" and payment.state == "processing"))
        and not is_let_go(operation, payment)
    ]
    assert len(unsettled) <= 1, "two attempts at once may take the money twice"
    if not charged_again and not any(payment.review_reason for payment in payments):
        taken = sum(a.captured - a.refunded for payment in payments for a in books.of(order_id(payment)))
        assert taken <= minor(order.total), "more was taken than the order costs"


def is_let_go(attempt: Operation, payment: Payment) -> bool:
    """What waited and was called off takes nothing any more; if it does, that is heard of as any other news."""
    voids = [each for each in payment.operations.all() if each.kind == "void" and each.state == "succeeded"]
    return any(attempt.pk == each.attempt_id or attempt.authorization == each.authorization for each in voids)


# Ours beside the provider's


def books_explain(payment: Payment, books: Books) -> None:
    """What differs is explained by what is unknown, what waits, and what has not been told yet."""
    accounts = books.of(order_id(payment))
    _, captured, refunded = sums_in(payment)
    unsettled = [each for each in payment.operations.all() if each.state in UNSETTLED]
    unheard = [each for each in books.requests if not each.heard and each.order_id == order_id(payment)]

    def open_amount(*kinds: str) -> int:
        ours = sum(minor(each.amount) for each in unsettled if each.kind in kinds)
        return ours + sum(each.amount for each in unheard if each.kind in kinds)

    theirs = sum(account.captured for account in accounts)
    let_go = any(each.kind == "void" for each in [*unsettled, *unheard])
    assert theirs <= captured + open_amount("purchase", "capture"), story(payment, books)
    assert captured <= theirs or let_go or is_shown_to_staff(payment), story(payment, books)
    given = sum(account.refunded for account in accounts)
    assert refunded <= given <= refunded + open_amount("refund"), story(payment, books)


def books_are_equal(payment: Payment, books: Books) -> None:
    """Everything has been told and recovered: equal to the minor unit, but for what is left to staff."""
    left = list(payment.operations.filter(state__in=UNSETTLED))
    if left:
        for each in left:
            assert each.reason and is_short(each, books.by_key(each.idempotency_key)), story(payment, books)
        return
    accounts = books.of(order_id(payment))
    ledger = payment.read_ledger()
    held = minor(sum((ledger.held_of(each) for each in ledger.attempts), Decimal(0)))
    theirs = [sum(getattr(account, name) for account in accounts) for name in ("held", "captured", "refunded")]
    assert [held, *sums_in(payment)[1:]] == theirs or is_shown_to_staff(payment), story(payment, books)


def is_shown_to_staff(payment: Payment) -> bool:
    """A sale that we voided while it waited and that came through: only the provider's page says which was last."""
    done = set(payment.operations.filter(state="succeeded").values_list("kind", flat=True))
    return bool(payment.review_reason) and {"purchase", "void"} <= done


def is_short(operation: Operation, request: Request | None) -> bool:
    """The provider did something else than it was asked: that only staff can decide."""
    return request is not None and request.amount != minor(operation.amount)
