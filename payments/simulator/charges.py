"""Taking money: authorize, purchase, capture and void."""

from __future__ import annotations

import json
from typing import Any

from payments.simulator import cards, saved_cards
from payments.simulator.answers import Answer, out_of_turn
from payments.simulator.books import ATTEMPTS, Books
from payments.simulator.calls import Call
from payments.simulator.clock import SECOND
from payments.simulator.money import fee
from payments.simulator.store import Row


def read_payment(call: Call) -> dict[str, Any]:
    """The fields that a payment has, however it is begun."""
    fields = call.fields
    texts = {name: fields.text(name) for name in ("order_id", "customer", "email", "description", "ip", "initiator")}
    urls = {name: fields.address(name) for name in ("return_url", "notification_url")}
    for name in ("billing_address", "shipping_address"):
        fields.object(name)  # Taken, as a provider would, and of no use here.
    money = {"amount": fields.amount(), "currency": fields.currency()}
    return {**money, **texts, **urls, "metadata": fields.object("metadata")}


def pay(books: Books, call: Call) -> Answer:
    """Authorize (`capture` false) or purchase (`capture` true) with a card."""
    given = read_payment(call)
    kind = "purchase" if call.fields.flag("capture", default=True) else "authorize"
    card = saved_cards.chosen(books, call.fields, given["customer"])
    call.fields.done()
    payment = books.payment(books.new_payment(card=json.dumps(card), **given))
    action = books.act(payment["id"], kind, payment["amount"], "processing", idempotency_key=call.key)
    try_card(books, action)
    return books.answer(action)


def take(books: Books, call: Call) -> Answer:
    """A capture without an authorization: money that arrived by itself, such as a bank transfer."""
    given = read_payment(call)
    call.fields.done()
    payment = books.payment(books.new_payment(**given))
    action = books.act(payment["id"], "capture", payment["amount"], "succeeded", idempotency_key=call.key)
    books.enter(payment, action, "authorized", payment["amount"])
    enter_capture(books, payment, action, payment["amount"])
    books.tell(action)
    return books.answer(action)


def try_card(books: Books, action: str, *, challenged: bool = False) -> None:
    """Put an attempt to the payment's card: succeeded, declined, processing or requires_action."""
    row = books.action(action)
    payment = books.payment(row["payment"])
    card = json.loads(payment["card"])
    outcome = cards.at("authorize", card["outcome"], row["amount"], test_amounts=books.options.test_amounts)
    checks = {"avs": outcome.avs, "cvc": outcome.cvc if card["cvc"] else "P"}
    if outcome.result == "requires_action" and not challenged:
        books.change(action, "requires_action", **checks)
        books.tell(action)
    elif outcome.result == "processing":
        books.change(action, "processing", **checks)
        books.at(
            books.options.processing_s * SECOND, f"decline:{outcome.reason}" if outcome.reason else "approve", action
        )
        books.tell(action)
    elif outcome.reason:
        decline(books, action, outcome.reason, **checks)
    else:
        approve(books, action, **checks)


def approve(books: Books, action: str, **checks: str) -> None:
    """An attempt succeeds, now or late."""
    row = books.action(action)
    payment = books.payment(row["payment"])
    books.change(action, "succeeded", **checks)
    books.enter(payment, action, "authorized", row["amount"])
    if row["kind"] == "purchase":
        enter_capture(books, payment, action, row["amount"])
    else:
        lifetime = books.options.authorization_lifetime_s * SECOND
        books.store.run("UPDATE payments SET expires_at = ? WHERE id = ?", books.now() + lifetime, payment["id"])
        books.at(lifetime, "expire", payment["id"])
    books.tell(action)


def decline(books: Books, action: str, reason: str, **checks: str) -> None:
    books.change(action, "declined", reason, **checks)
    books.tell(action)


def enter_capture(books: Books, payment: Row, action: str, amount: int) -> None:
    options = books.options
    kept = fee(amount, payment["currency"], per_mille=options.fee_per_mille, fixed=options.fee_fixed)
    books.enter(payment, action, "captured", amount, net=amount - kept, fee=kept)
    card = json.loads(payment["card"] or '{"outcome": ""}')["outcome"]
    if cards.at("capture", card, amount, test_amounts=options.test_amounts).result == "disputed":
        books.at(options.processing_s * SECOND, "dispute", payment["id"])


def capture(books: Books, call: Call) -> Answer:
    """Take held money: all that is left, or `amount`. `final` (default true) lets the rest go."""
    payment = books.payment(call.ids[0])
    amount, final = call.fields.number("amount"), call.fields.flag("final", default=True)
    call.fields.done()
    action = make_capture(books, payment, amount, final=final, idempotency_key=call.key)
    return books.answer(action)


def make_capture(books: Books, payment: Row, amount: int | None, *, final: bool, **fields: Any) -> str:
    """The action's id. Raises Refused if there is no hold, or not enough."""
    held = capturable(books, payment)
    amount = held if amount is None else amount
    over = payment["amount"] * books.options.over_capture_percent // 100 if final else 0
    if amount > held + over:
        raise out_of_turn(f"You cannot capture {amount}: {held} is left of the hold.", "amount_too_large")
    card = json.loads(payment["card"] or '{"outcome": ""}')["outcome"]
    outcome = cards.at("capture", card, amount, test_amounts=books.options.test_amounts)
    action = books.act(payment["id"], "capture", amount, "succeeded", final=int(final), **fields)
    if outcome.reason:
        decline(books, action, outcome.reason)
        return action
    enter_capture(books, payment, action, amount)
    if final:
        books.release_rest(payment, action)
    books.tell(action)
    return action


def capturable(books: Books, payment: Row) -> int:
    """What is held, in minor units. Raises Refused, saying why, if nothing is."""
    held = books.totals(payment["id"]).capturable
    if held:
        return held
    status = books.show_payment(payment["id"])
    if status["expired"]:
        raise out_of_turn("The authorization has expired.", "authorization_expired")
    if status["captured"]:
        raise out_of_turn("The payment has been captured.", "payment_already_captured")
    raise out_of_turn(f"The payment cannot be captured: it is {status['status']}.")


def void(books: Books, call: Call) -> Answer:
    """Let go of what is held; of an unsettled capture where nothing is held; or give up what still waits."""
    payment = books.payment(call.ids[0])
    call.fields.done()
    return books.answer(make_void(books, payment, idempotency_key=call.key))


def make_void(books: Books, payment: Row, **fields: Any) -> str:
    """The action's id. Raises Refused if there is nothing to let go of."""
    id, totals, attempt = payment["id"], books.totals(payment["id"]), books.attempt(payment["id"])
    waits = attempt["status"] in ("requires_action", "processing") and attempt["kind"] in ATTEMPTS
    if not waits and not totals.capturable:
        refuse_late_void(books, payment)
    amount = payment["amount"] if waits else totals.capturable or totals.captured
    card = json.loads(payment["card"] or '{"outcome": ""}')["outcome"]
    outcome = cards.at("void", card, payment["amount"], test_amounts=books.options.test_amounts)
    action = books.act(id, "void", amount, "succeeded", **fields)
    if outcome.reason and not waits:
        decline(books, action, outcome.reason)
        return action
    if waits:
        books.change(attempt["id"], "canceled")
        books.store.run("UPDATE sessions SET status = 'canceled' WHERE payment = ? AND status = 'open'", id)
        books.store.run("DELETE FROM timers WHERE target = ?", attempt["id"])
    elif not totals.capturable:
        back = "SELECT SUM(fee) FROM entries WHERE payment = ? AND kind = 'captured'"
        kept = books.store.number(back, id)
        books.enter(payment, action, "capture_voided", totals.captured, net=kept - totals.captured, fee=-kept)
    books.release_rest(payment, action)
    books.tell(action)
    return action


def refuse_late_void(books: Books, payment: Row) -> None:
    """Raise Refused unless its captures are unsettled and nothing of them was refunded."""
    totals, shown = books.totals(payment["id"]), books.show_payment(payment["id"])
    if not totals.captured:
        raise out_of_turn(f"There is nothing to void: the payment is {shown['status']}.", "payment_nothing_to_void")
    settled = "SELECT count(*) FROM entries WHERE payment = ? AND kind = 'captured' AND available <= ?"
    if books.store.number(settled, payment["id"], books.now()):
        raise out_of_turn("The capture is settled: refund it.", "payment_settled")
    if totals.refunded or totals.refunding:
        raise out_of_turn("Part of the capture was refunded: refund the rest.", "payment_refunded")
