"""Cards: what a payment is made with, and what is kept of one for a customer. Never a number, never a code."""

from __future__ import annotations

from payments.simulator import cards
from payments.simulator.answers import Answer, Json, missing
from payments.simulator.books import Books, new_id
from payments.simulator.calls import Call
from payments.simulator.clock import iso
from payments.simulator.fields import Fields, wrong
from payments.simulator.store import Row


def chosen(books: Books, fields: Fields, customer: str = "") -> Json:
    """The card that a body names: `source` (a test token or a saved card's id) or `card` (number, exp_month, …).

    Where a customer is named, a saved card has to be theirs.
    """
    source, given = fields.text("source"), fields.object("card")
    if bool(source) == bool(given):
        raise wrong("source", "Give either source or card.", "parameter_missing")
    return from_number(given) if given else from_source(books, source, customer)


def from_number(given: Json) -> Json:
    """A card typed in: brand, last four digits and what it will do; the number ends here."""
    fields = Fields(given)
    number = fields.text("number", required=True).replace(" ", "").replace("-", "")
    month, year = fields.number("exp_month", most=12), fields.number("exp_year", least=2000, most=2100)
    name, cvc = fields.text("name"), fields.text("cvc", longest=4)
    fields.done()
    if not number.isdigit() or not 12 <= len(number) <= 19:
        raise wrong("card", "The card number is to have 12 to 19 digits.", "incorrect_number")
    outcome = cards.of_number(number)
    face = {"brand": cards.brand_of(number), "last4": number[-4:], "exp_month": month or 12, "exp_year": year or 2040}
    return {**face, "name": name, "outcome": outcome.name, "cvc": bool(cvc)}


def from_source(books: Books, source: str, customer: str) -> Json:
    token = cards.BY_NAME.get(source.removeprefix("tok_")) if source.startswith("tok_") else None
    if token:
        face = {"brand": cards.brand_of(token.number), "last4": token.number[-4:], "exp_month": 12, "exp_year": 2040}
        return {**face, "name": "", "outcome": token.name, "cvc": True}
    row = saved(books, source)
    if customer and row["customer"] != customer:
        raise wrong("source", "This card belongs to another customer.", "card_of_another_customer")
    return {
        **{name: row[name] for name in ("id", "brand", "last4", "exp_month", "exp_year", "name", "outcome")},
        "cvc": False,
    }


def saved(books: Books, id: str) -> Row:
    row = books.store.one("SELECT * FROM cards WHERE id = ? AND forgotten_at IS NULL", id)
    if row is None:
        raise missing("card", id)
    return row


def show(row: Row) -> Json:
    names = ("id", "customer", "brand", "last4", "exp_month", "exp_year", "name")
    return {"object": "card", **{name: row[name] for name in names}, "created": iso(row["created"])}


def keep(books: Books, card: Json, customer: str) -> Json:
    """Save a card for a customer."""
    id = new_id("card")
    named = {name: card[name] for name in ("outcome", "brand", "last4", "exp_month", "exp_year", "name")}
    books.store.add("cards", id=id, customer=customer, created=books.now(), **named)
    return show(saved(books, id))


def store(books: Books, call: Call) -> Answer:
    customer = call.fields.text("customer", required=True)
    card = chosen(books, call.fields)
    call.fields.done()
    reason = cards.named(card["outcome"]).reason
    if reason in ("incorrect_number", "test_mode_live_card", "incorrect_cvc", "expired_card"):
        error = {"type": "card_error", "code": cards.code_of(reason), "decline_code": reason}
        return Answer.of({"error": {**error, "message": cards.MESSAGES[reason]}}, 402)
    return Answer.of({"card": keep(books, card, customer)})


def show_one(books: Books, call: Call) -> Answer:
    return Answer.of({"card": show(saved(books, call.ids[0]))})


def forget(books: Books, call: Call) -> Answer:
    """Its token can be charged no more. Forgetting it again is no error."""
    id = call.ids[0]
    if not books.store.one("SELECT 1 FROM cards WHERE id = ?", id):
        raise missing("card", id)
    books.store.run("UPDATE cards SET forgotten_at = ? WHERE id = ? AND forgotten_at IS NULL", books.now(), id)
    return Answer.of({"id": id, "object": "card", "deleted": True})


def show_all(books: Books, call: Call) -> Answer:
    sql = "SELECT * FROM cards WHERE forgotten_at IS NULL AND (? = '' OR customer = ?) ORDER BY created, id"
    customer = call.query.get("customer", "")
    return Answer.of({"object": "list", "data": [show(row) for row in books.store.all(sql, customer, customer)]})
