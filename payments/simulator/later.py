"""What happens by itself or by hand, not by a call: expiry, late answers, bounces, disputes, things done outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.simulator import charges, hosted, refunds
from payments.simulator.answers import out_of_turn
from payments.simulator.books import ATTEMPTS, Books

UNDECIDED = ("requires_action", "processing")
REFUNDED = "SELECT * FROM actions WHERE payment = ? AND kind = 'refund' AND status = 'succeeded' ORDER BY seq DESC"


def is_due(books: Books) -> bool:
    return books.store.one("SELECT 1 FROM timers WHERE at <= ?", books.now()) is not None


def run_due(books: Books) -> None:
    """Do everything whose time has come, in order."""
    while row := books.store.one("SELECT * FROM timers WHERE at <= ? ORDER BY at, seq LIMIT 1", books.now()):
        with books.store.transaction():
            if books.store.run("DELETE FROM timers WHERE seq = ?", row["seq"]):
                do_later(books, row["deed"], row["target"])


def do_later(books: Books, deed: str, target: str) -> None:
    deed, _, reason = deed.partition(":")
    if deed == "expire":
        if books.totals(target).capturable:
            expire(books, target, origin="clock")
    elif deed == "expire_session":
        hosted.end(books, target, "expired", "session_expired")
    elif deed == "dispute":
        if books.totals(target).refundable and not refunds.disputed(books, target):
            refunds.open_dispute(books, books.payment(target), origin="clock")
    elif deed == "pay_refund" and books.action(target)["status"] == "processing":
        refunds.pay_refund(books, target)
    elif deed == "fail_refund" and books.action(target)["status"] in ("processing", "succeeded"):
        refunds.fail_refund(books, target)
    elif deed == "approve" and books.action(target)["status"] == "processing":
        charges.approve(books, target)
    elif deed == "decline" and books.action(target)["status"] == "processing":
        charges.decline(books, target, reason)


def expire(books: Books, payment: str, *, origin: str) -> str:
    """The hold ends as if it had been voided."""
    held = books.totals(payment).capturable
    if not held:
        raise out_of_turn("Nothing is held.")
    action = books.act(payment, "void", held, "succeeded", reason="expired", origin=origin)
    books.release_rest(books.payment(payment), action)
    books.tell(action)
    return action


def capture_outside(books: Books, payment: str, amount: int | None) -> None:
    charges.make_capture(books, books.payment(payment), amount, final=amount is None, origin="outside")


def refund_outside(books: Books, payment: str, amount: int | None) -> None:
    refunds.make_refund(books, books.payment(payment), amount, origin="outside")


def void_outside(books: Books, payment: str, amount: int | None) -> None:
    charges.make_void(books, books.payment(payment), origin="outside")


def expire_now(books: Books, payment: str, amount: int | None) -> None:
    expire(books, payment, origin="outside")


def open_dispute(books: Books, payment: str, amount: int | None) -> None:
    refunds.open_dispute(books, books.payment(payment), origin="outside")


def win_dispute(books: Books, payment: str, amount: int | None) -> None:
    refunds.close_dispute(books, books.payment(payment), "won")


def lose_dispute(books: Books, payment: str, amount: int | None) -> None:
    refunds.close_dispute(books, books.payment(payment), "lost")


def succeed_late(books: Books, payment: str, amount: int | None) -> None:
    """What waits succeeds; an attempt that was declined or given up turns out to have succeeded after all."""
    row = undecided(books, payment)
    if row is None:
        row = books.attempt(payment)
        if row["kind"] not in ATTEMPTS or row["status"] not in ("declined", "canceled"):
            raise out_of_turn("Nothing waits for an answer.")
    books.store.run("DELETE FROM timers WHERE target = ?", row["id"])
    if row["kind"] == "refund":
        refunds.pay_refund(books, row["id"])
    else:
        books.store.run("UPDATE sessions SET status = 'complete' WHERE payment = ?", payment)
        charges.approve(books, row["id"])


def decline_late(books: Books, payment: str, amount: int | None) -> None:
    """What waits is declined."""
    row = undecided(books, payment)
    if row is None:
        raise out_of_turn("Nothing waits for an answer.")
    books.store.run("DELETE FROM timers WHERE target = ?", row["id"])
    if row["kind"] == "refund":
        refunds.fail_refund(books, row["id"])
    else:
        books.store.run("UPDATE sessions SET status = 'canceled' WHERE payment = ? AND status = 'open'", payment)
        charges.decline(books, row["id"], "generic_decline")


def fail_refund(books: Books, payment: str, amount: int | None) -> None:
    """The newest refund that succeeded comes back."""
    row = books.store.one(REFUNDED, payment)
    if row is None:
        raise out_of_turn("No refund has succeeded.")
    refunds.fail_refund(books, row["id"])


def undecided(books: Books, payment: str) -> Any:
    sql = "SELECT * FROM actions WHERE payment = ? AND status IN (?, ?) ORDER BY seq DESC LIMIT 1"
    return books.store.one(sql, payment, *UNDECIDED)


def possible(books: Books, payment: str) -> list[str]:
    """The deeds that can be done to a payment now."""
    totals, attempt, waits = books.totals(payment), books.attempt(payment), undecided(books, payment)
    disputed = refunds.disputed(books, payment)
    given_up = attempt["kind"] in ATTEMPTS and attempt["status"] in ("declined", "canceled")
    can = {
        "capture": totals.capturable > 0,
        "refund": totals.refundable > 0,
        "void": totals.capturable > 0 or totals.captured > 0 or waits is not None,
        "expire": totals.capturable > 0,
        "open_dispute": totals.refundable > 0 and disputed is None,
        "win_dispute": disputed is not None,
        "lose_dispute": disputed is not None,
        "succeed_late": waits is not None or given_up,
        "decline_late": waits is not None,
        "fail_refund": books.store.one(REFUNDED, payment) is not None,
    }
    return [deed for deed, so in can.items() if so]


# What the console's buttons and `POST /_events` do to a payment.
DEEDS: dict[str, Callable[[Books, str, int | None], None]] = {
    "capture": capture_outside,
    "refund": refund_outside,
    "void": void_outside,
    "expire": expire_now,
    "open_dispute": open_dispute,
    "win_dispute": win_dispute,
    "lose_dispute": lose_dispute,
    "succeed_late": succeed_late,
    "decline_late": decline_late,
    "fail_refund": fail_refund,
}
