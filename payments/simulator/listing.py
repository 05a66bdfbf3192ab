"""Looking things up: payments, actions, what happened when, the balance, and the whole books."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from payments.simulator.answers import Answer, Json, Refused
from payments.simulator.books import Books
from payments.simulator.calls import Call
from payments.simulator.clock import iso
from payments.simulator.store import Row

RECORD_KINDS = {
    "authorized": "authorize",
    "captured": "capture",
    "capture_voided": "capture_voided",
    "released": "void",
    "refunded": "refund",
    "refund_failed": "refund_failed",
    "disputed": "dispute",
    "dispute_won": "dispute_won",
}


def paged(call: Call, rows: Sequence[Row], show: Callable[[Row], Json]) -> Answer:
    """One page of `limit` lines; `next` is what to pass as `after` for the next page."""
    limit = call.limit()
    page = rows[:limit]
    more = len(rows) > limit
    body = {"object": "list", "data": [show(row) for row in page], "has_more": more}
    return Answer.of({**body, "next": page[-1]["seq"] if more else None})


def payment(books: Books, call: Call) -> Answer:
    """One payment with its actions, oldest first."""
    id = call.ids[0]
    shown = books.show_payment(id)
    rows = books.store.all("SELECT * FROM actions WHERE payment = ? ORDER BY seq", id)
    return Answer.of({"payment": shown, "actions": [books.show_action(row) for row in rows]})


def payments(books: Books, call: Call) -> Answer:
    """Payments, oldest first; of one order if `order_id` is given."""
    sql = "SELECT * FROM payments WHERE seq > ? AND created <= ? AND (? = '' OR order_id = ?) ORDER BY seq LIMIT ?"
    order, seen = call.query.get("order_id", ""), books.now() - books.options.visibility_ms
    rows = books.store.all(sql, call.number("after", 0), seen, order, order, call.limit() + 1)
    return paged(call, rows, lambda row: books.show_payment(row["id"]))


def action(books: Books, call: Call) -> Answer:
    return Answer.of(books.both(books.action(call.ids[0])["id"]))


def actions(books: Books, call: Call) -> Answer:
    """Actions, oldest first, that fit every one of `idempotency_key`, `order_id`, `kind`, `payment` that is given."""
    columns = {"idempotency_key": "a.idempotency_key", "order_id": "p.order_id", "kind": "a.kind", "payment": "p.id"}
    given = [(column, call.query[name]) for name, column in columns.items() if call.query.get(name)]
    wanted = "".join(f" AND {column} = ?" for column, _ in given)
    sql = (
        "SELECT a.* FROM actions a JOIN payments p ON p.id = a.payment WHERE a.seq > ? AND a.created <= ?"  # noqa: S608
        f"{wanted} ORDER BY a.seq LIMIT ?"
    )
    values: list[Any] = [call.number("after", 0), books.now() - books.options.visibility_ms]
    rows = books.store.all(sql, *values, *(value for _, value in given), call.limit() + 1)
    return paged(call, rows, lambda row: books.both(row["id"]))


def show_record(row: Row) -> Json:
    return {
        "object": "record",
        "kind": RECORD_KINDS[row["kind"]],
        "id": row["action"],
        "payment": row["payment"],
        "order_id": row["order_id"],
        "amount": row["amount"],
        "fee": row["fee"],
        "net": row["net"],
        "currency": row["currency"],
        "occurred_at": iso(row["occurred"]),
        "available_at": iso(row["available"]),
    }


def records(books: Books, call: Call) -> Answer:
    """Entries as they happened, from `since` (included) until `until` (excluded), of one `kind` or all."""
    kind, since, until = call.query.get("kind", ""), call.moment("since") or 0, call.moment("until")
    inner = [name for name, said in RECORD_KINDS.items() if said == kind]
    if kind and not inner:
        raise Refused("parameter_invalid", f"There are no records of kind '{kind}'.", param="kind")
    seen = books.now() - books.options.visibility_ms + 1
    sql = (
        "SELECT * FROM entries WHERE seq > ? AND occurred >= ? AND occurred < ? AND (? = '' OR kind = ?) "
        "ORDER BY seq LIMIT ?"
    )
    named = (kind, inner[0] if inner else "")
    latest = seen if until is None else min(until, seen)
    rows = books.store.all(sql, call.number("after", 0), since, latest, *named, call.limit() + 1)
    return paged(call, rows, show_record)


def whole_books(books: Books, call: Call) -> Answer:
    """Everything, to compare with: payments with their actions, all records, sums by currency."""
    rows = books.store.all("SELECT id FROM payments ORDER BY seq")
    moved = books.store.all("SELECT * FROM entries ORDER BY seq")
    done = books.store.all("SELECT * FROM actions ORDER BY seq")
    return Answer.of(
        {
            "payments": [books.show_payment(row["id"]) for row in rows],
            "actions": [books.show_action(row) for row in done],
            "records": [show_record(row) for row in moved],
            "totals": sums(books),
        }
    )


def sums(books: Books) -> Json:
    """Currency → kind of record → sum in minor units, with `fee` and `net` over all."""
    totals: Json = {}
    sql = "SELECT currency, kind, SUM(amount), SUM(fee), SUM(net) FROM entries GROUP BY currency, kind ORDER BY 1, 2"
    for currency, kind, amount, fee, net in books.store.all(sql):
        line = totals.setdefault(currency, {"fee": 0, "net": 0})
        line[RECORD_KINDS[kind]] = amount
        line["fee"] += fee
        line["net"] += net
    return totals
