"""Giving money back: at once, later, or not at all; and disputes, in which a card's owner takes it."""

from __future__ import annotations

import json
from typing import Any

from payments.simulator import cards
from payments.simulator.answers import Answer, out_of_turn
from payments.simulator.books import Books
from payments.simulator.calls import Call
from payments.simulator.clock import SECOND
from payments.simulator.money import EXPONENTS
from payments.simulator.store import Row

DISPUTE_FEE = 15  # In the currency's unit.


def refund(books: Books, call: Call) -> Answer:
    """Give back all that is left, or `amount`."""
    payment = books.payment(call.ids[0])
    amount, reason = call.fields.number("amount"), call.fields.text("reason")
    call.fields.done()
    return books.answer(make_refund(books, payment, amount, reason=reason, idempotency_key=call.key))


def make_refund(books: Books, payment: Row, amount: int | None, **fields: Any) -> str:
    """The action's id. Raises Refused if there is less to give back."""
    left = books.totals(payment["id"]).refundable
    if not left:
        raise out_of_turn("There is nothing left to refund.", "payment_nothing_to_refund")
    amount = left if amount is None else amount
    if amount > left:
        raise out_of_turn(f"You cannot refund {amount}: {left} is left.", "amount_too_large")
    card = json.loads(payment["card"] or '{"outcome": ""}')["outcome"]
    outcome = cards.at("refund", card, amount, test_amounts=books.options.test_amounts)
    action = books.act(payment["id"], "refund", amount, "processing", **fields)
    later = books.options.processing_s * SECOND
    if outcome.result == "declined":
        books.change(action, "declined", outcome.reason)
        books.tell(action)
    elif outcome.result == "processing":
        books.at(later, "fail_refund" if outcome.reason else "pay_refund", action)
        books.tell(action)
    else:
        pay_refund(books, action)
        if outcome.result == "bounces":
            books.at(later, "fail_refund", action)
    return action


def pay_refund(books: Books, action: str) -> None:
    """The money goes back."""
    row = books.action(action)
    books.change(action, "succeeded")
    books.enter(books.payment(row["payment"]), action, "refunded", row["amount"], net=-row["amount"])
    books.tell(action)


def fail_refund(books: Books, action: str) -> None:
    """A refund is sent back by the card's bank, before or after it was said to have succeeded."""
    row = books.action(action)
    if row["status"] == "succeeded":
        books.enter(books.payment(row["payment"]), action, "refund_failed", row["amount"], net=row["amount"])
    books.change(action, "failed", "refund_failed")
    books.tell(action)


def open_dispute(books: Books, payment: Row, **fields: Any) -> str:
    """The card's owner disputes what is left: the money is withdrawn until it is decided. The action's id."""
    amount = books.totals(payment["id"]).refundable
    if not amount or disputed(books, payment["id"]):
        raise out_of_turn("There is nothing to dispute.", "payment_nothing_to_dispute")
    action = books.act(payment["id"], "dispute", amount, "opened", reason="fraudulent", **fields)
    charge = DISPUTE_FEE * 10 ** EXPONENTS[payment["currency"]]
    books.enter(payment, action, "disputed", amount, net=-amount - charge, fee=charge)
    books.tell(action)
    return action


def close_dispute(books: Books, payment: Row, status: str) -> str:
    """The open dispute is `won` (the money comes back) or `lost`. The action's id."""
    row = disputed(books, payment["id"])
    if row is None:
        raise out_of_turn("There is no open dispute.", "payment_not_disputed")
    if status == "won":
        books.enter(payment, row["id"], "dispute_won", row["amount"], net=row["amount"])
    books.change(row["id"], status)
    books.tell(row["id"])
    return str(row["id"])


def disputed(books: Books, payment: str) -> Row | None:
    sql = "SELECT * FROM actions WHERE payment = ? AND kind = 'dispute' AND status = 'opened'"
    return books.store.one(sql, payment)
