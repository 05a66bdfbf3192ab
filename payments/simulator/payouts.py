"""The balance, and its payout to the shop's bank: a report of every entry in it, as JSON and as CSV."""

from __future__ import annotations

import csv
import io

from payments.simulator.answers import Answer, Json, missing
from payments.simulator.books import Books, new_id
from payments.simulator.calls import Call
from payments.simulator.clock import iso
from payments.simulator.listing import show_record
from payments.simulator.money import plain
from payments.simulator.store import Row

UNPAID = "SELECT currency, SUM(net) FROM entries WHERE seq NOT IN (SELECT entry FROM payout_entries)"
COLUMNS = ("occurred_at", "kind", "id", "payment", "order_id", "currency", "amount", "fee", "net")


def balance(books: Books, call: Call) -> Answer:
    """What can be paid out now, and what will be once it is settled; minor units by currency."""
    return Answer.of({"object": "balance", **balances(books)})


def balances(books: Books) -> Json:
    now = books.now()
    ready = books.store.all(f"{UNPAID} AND available <= ? GROUP BY currency ORDER BY currency", now)
    waiting = books.store.all(f"{UNPAID} AND available > ? GROUP BY currency ORDER BY currency", now)
    return {
        "available": [{"currency": row[0], "amount": row[1]} for row in ready if row[1]],
        "pending": [{"currency": row[0], "amount": row[1]} for row in waiting if row[1]],
    }


def create(books: Books, call: Call) -> Answer:
    """Pay out whatever is available, one payout a currency. A currency in which nothing or less is left waits."""
    call.fields.done()
    return Answer.of({"object": "list", "data": [show(books.store.one(FIND, id)) for id in pay_out(books)]})


FIND = "SELECT * FROM payouts WHERE id = ?"


def pay_out(books: Books) -> list[str]:
    made = []
    for line in balances(books)["available"]:
        if line["amount"] <= 0:
            continue
        id, now = new_id("po"), books.now()
        books.store.add("payouts", id=id, currency=line["currency"], amount=line["amount"], created=now)
        take = (
            "INSERT INTO payout_entries SELECT seq, ? FROM entries WHERE currency = ? AND available <= ? AND net <> 0 "
            "AND seq NOT IN (SELECT entry FROM payout_entries)"
        )
        books.store.run(take, id, line["currency"], now)
        made.append(id)
    return made


def show(row: Row | None) -> Json:
    if row is None:
        raise missing("payout", "")
    shown = {"object": "payout", "id": row["id"], "currency": row["currency"], "amount": row["amount"]}
    return {**shown, "created": iso(row["created"])}


def show_all(books: Books, call: Call) -> Answer:
    rows = books.store.all("SELECT * FROM payouts ORDER BY rowid")
    return Answer.of({"object": "list", "data": [show(row) for row in rows]})


def lines(books: Books, id: str) -> list[Json]:
    sql = "SELECT e.* FROM entries e JOIN payout_entries p ON p.entry = e.seq WHERE p.payout = ? ORDER BY e.seq"
    return [show_record(row) for row in books.store.all(sql, id)]


def report(books: Books, call: Call) -> Answer:
    """One payout and its records; as a file if the path ends in `.csv`, where amounts are decimal numbers."""
    id = call.ids[0].removesuffix(".csv")
    row = books.store.one(FIND, id)
    if row is None:
        raise missing("payout", id)
    if not call.ids[0].endswith(".csv"):
        return Answer.of({"payout": show(row), "records": lines(books, id)})
    return Answer(status=200, body=as_csv(books, id).encode(), headers={"Content-Type": "text/csv; charset=utf-8"})


def as_csv(books: Books, id: str) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in lines(books, id):
        money = {name: plain(line[name], line["currency"]) for name in ("amount", "fee", "net")}
        writer.writerow([{**line, **money}[name] for name in COLUMNS])
    return file.getvalue()
