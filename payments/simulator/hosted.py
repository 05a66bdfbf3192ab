"""Hosted payment sessions: a page of ours takes the card, asks for 3-D Secure, and sends the customer back."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit, urlunsplit

from payments.simulator import cards, charges, saved_cards
from payments.simulator.answers import Answer, Json, missing, out_of_turn
from payments.simulator.books import Books, new_id
from payments.simulator.calls import Call
from payments.simulator.clock import SECOND, iso
from payments.simulator.store import Row


def create(books: Books, call: Call) -> Answer:
    """A payment that waits for its customer, and the page where it is paid."""
    given, fields = charges.read_payment(call), call.fields
    kind = "purchase" if fields.flag("capture", default=True) else "authorize"
    cancel_url, lines = fields.address("cancel_url"), fields.objects("line_items")
    lifetime = fields.number("expires_in", most=7 * 86_400) or books.options.session_lifetime_s
    save_card = fields.flag("save_card", default=False)
    fields.done()
    id = new_id("ses")
    payment = books.new_payment(session=id, **given)
    row = {"cancel_url": cancel_url, "line_items": json.dumps(lines), "save_card": int(save_card)}
    ends = books.now() + lifetime * SECOND
    books.store.add("sessions", id=id, payment=payment, status="open", expires_at=ends, **row)
    books.at(lifetime * SECOND, "expire_session", id)
    action = books.act(payment, kind, given["amount"], "requires_action", idempotency_key=call.key)
    return Answer.of({"session": show(books, session(books, id)), **books.both(action)})


def session(books: Books, id: str) -> Row:
    row = books.store.one("SELECT * FROM sessions WHERE id = ?", id)
    if row is None:
        raise missing("session", id)
    return row


def show(books: Books, row: Row) -> Json:
    return {
        "object": "session",
        "id": row["id"],
        "status": row["status"],
        "url": f"{books.options.base_url}/pay/{row['id']}",
        "payment": row["payment"],
        "line_items": json.loads(row["line_items"]),
        "cancel_url": row["cancel_url"],
        "expires_at": iso(row["expires_at"]),
    }


def show_one(books: Books, call: Call) -> Answer:
    row = session(books, call.ids[0])
    return Answer.of({"session": show(books, row), **books.both(books.attempt(row["payment"])["id"])})


def expire(books: Books, call: Call) -> Answer:
    """Close the page before its time."""
    row = session(books, call.ids[0])
    call.fields.done()
    if row["status"] != "open":
        raise out_of_turn(f"The session is {row['status']}.", "session_not_open")
    end(books, row["id"], "expired", "session_expired")
    return show_one(books, call)


def end(books: Books, id: str, status: str, reason: str) -> None:
    """The session ends unpaid: `expired`, or `canceled` by the customer. One that has ended stays as it is."""
    row = session(books, id)
    if row["status"] != "open":
        return
    attempt = books.attempt(row["payment"])
    books.store.run("UPDATE sessions SET status = ?, trying = '' WHERE id = ?", status, id)
    if attempt["status"] == "requires_action":
        charges.decline(books, attempt["id"], reason)


def pay(books: Books, id: str, card: Json, *, keep: bool) -> str:
    """The customer sends the card form: "" if paid or under way, "challenge" if 3-D Secure is asked.

    Else it is the message of a decline, after which another card may be tried.
    """
    row = session(books, id)
    if row["status"] != "open":
        raise out_of_turn(f"This page is {row['status']}.", "session_not_open")
    attempt = books.attempt(row["payment"])
    outcome = cards.at("authorize", card["outcome"], attempt["amount"], test_amounts=books.options.test_amounts)
    if outcome.result == "declined":
        return cards.MESSAGES[outcome.reason]
    books.store.run("UPDATE payments SET card = ? WHERE id = ?", json.dumps(card), row["payment"])
    if outcome.result == "requires_action":
        books.store.run("UPDATE sessions SET trying = ? WHERE id = ?", "keep" if keep else "once", id)
        return "challenge"
    finish(books, row, attempt["id"], card, keep=keep)
    return ""


def finish(books: Books, row: Row, action: str, card: Json, *, keep: bool) -> None:
    customer = books.payment(row["payment"])["customer"]
    if keep and customer:
        id = saved_cards.keep(books, card, customer)["id"]
        books.store.run("UPDATE payments SET card = ? WHERE id = ?", json.dumps({**card, "id": id}), row["payment"])
    books.store.run("UPDATE sessions SET status = 'complete', trying = '' WHERE id = ?", row["id"])
    charges.try_card(books, action, challenged=True)


def meet_challenge(books: Books, action: str, *, passed: bool) -> str:
    """The customer answers the challenge of a hosted page or of a call. "" or what to tell the customer."""
    attempt = books.action(action)
    payment = books.payment(attempt["payment"])
    if attempt["status"] != "requires_action" or not payment["card"]:
        raise out_of_turn("This challenge is over.", "challenge_over")
    outcome = cards.at(
        "authorize", json.loads(payment["card"])["outcome"], attempt["amount"], test_amounts=books.options.test_amounts
    )
    reason = outcome.reason if passed else "authentication_failed"
    if not payment["session"]:
        if passed:
            charges.try_card(books, action, challenged=True)
        else:
            charges.decline(books, action, reason)
        return ""
    row = session(books, payment["session"])
    if reason:  # Back to the card form, for another card.
        books.store.run("UPDATE sessions SET trying = '' WHERE id = ?", row["id"])
        books.store.run("UPDATE payments SET card = '' WHERE id = ?", payment["id"])
        return cards.MESSAGES[reason]
    finish(books, row, action, json.loads(payment["card"]), keep=row["trying"] == "keep")
    return ""


def way_back(books: Books, payment: Row, url: str = "") -> str:
    """Where the customer goes from here: the shop's address, with `payment session order_id status` added."""
    target = url or payment["return_url"]
    if not target:
        return ""
    status = books.attempt(payment["id"])["status"]
    told = {"payment": payment["id"], "session": payment["session"], "order_id": payment["order_id"], "status": status}
    parts = urlsplit(target)
    query = "&".join(filter(None, (parts.query, urlencode({name: told[name] for name in told if told[name]}))))
    return urlunsplit(parts._replace(query=query))
