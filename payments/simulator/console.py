"""The console: payments, one payment with all that is known of it, and what can be made to happen to it."""

from __future__ import annotations

from payments.simulator import later, listing
from payments.simulator.administration import happen
from payments.simulator.answers import Answer, Refused
from payments.simulator.books import Books
from payments.simulator.console_events import event_table
from payments.simulator.console_frame import PAGE, console_page, pager
from payments.simulator.engine import Engine
from payments.simulator.markup import NOTHING, Html, badge, button, facts, link, note, post, redirect, table, tag, when
from payments.simulator.money import parsed, shown
from payments.simulator.store import Row
from payments.simulator.visit import Visit

LABELS = {
    "capture": "Capture outside",
    "refund": "Refund outside",
    "void": "Void outside",
    "expire": "Expire the hold",
    "open_dispute": "Open a dispute",
    "win_dispute": "Dispute won",
    "lose_dispute": "Dispute lost",
    "succeed_late": "Late success",
    "decline_late": "Late decline",
    "fail_refund": "Refund comes back",
}
SEARCH = """
SELECT * FROM payments p WHERE seq < ? AND (? = '' OR instr(p.id || ' ' || p.order_id || ' ' || p.email || ' ' ||
p.description || ' ' || p.currency || ' ' || p.session || ' ' || p.card, ?) > 0
OR EXISTS (SELECT 1 FROM actions a WHERE a.payment = p.id AND (a.id = ? OR a.idempotency_key = ?)))
ORDER BY seq DESC LIMIT ?
"""


def payments(engine: Engine, visit: Visit) -> Answer:
    sought, before = visit.query.get("q", "").strip(), visit.number("before") or 2**60
    rows = engine.store.all(SEARCH, before, sought, sought, sought, sought, PAGE + 1)
    lines = [payment_line(engine.books, row) for row in rows[:PAGE]]
    search = tag(
        "form",
        tag(
            "input",
            type="search",
            name="q",
            value=sought,
            placeholder="Order, payment, e-mail, key …",
            aria_label="Search",
        ),
        button("Search"),
        method="get",
        action="/console/",
        class_="search",
    )
    empty = "No payment fits." if sought else "No payment yet: the start page shows how to make one."
    heads = ["When", "Order", "#Amount", "State", "#Captured", "#Refunded", "Card"]
    more = rows[PAGE - 1]["seq"] if len(rows) > PAGE else None
    found = table(heads, lines, empty=empty)
    heading = tag("h1", "Payments")
    return console_page("Payments", heading, search, found, pager("/console/", more, sought), here="/console/")


def payment_line(books: Books, row: Row) -> list[object]:
    is_so = books.show_payment(row["id"])
    money = [shown(is_so[name], row["currency"]) if is_so[name] else NOTHING for name in ("captured", "refunded")]
    card = is_so["card"]
    return [
        when(row["created"]),
        link(row["order_id"] or row["id"], f"/console/payments/{row['id']}"),
        shown(row["amount"], row["currency"]),
        badge(is_so["status"]),
        *money,
        f"{card['brand']} {card['last4']}" if card else NOTHING,
    ]


def payment(engine: Engine, visit: Visit, said: Html | None = None, status: int = 200) -> Answer:
    books, id = engine.books, visit.ids[0]
    row, is_so = books.payment(id), books.show_payment(id)
    currency = row["currency"]
    if not said and visit.query.get("done") in LABELS:
        said = note(f"Done: {LABELS[visit.query['done']].lower()}.")
    sums = [
        (name.title(), shown(is_so[name], currency))
        for name in "authorized captured capturable refunded refundable".split()
    ]
    return console_page(
        id,
        tag("p", link("Payments", "/console/"), class_="quiet"),
        tag("h1", shown(row["amount"], currency), " ", badge(is_so["status"])),
        said,
        facts([*sums, ("Expires", when(row["expires_at"]) if is_so["expires_at"] else ""), *about(is_so)]),
        tag("h2", "Make it happen"),
        deeds(books, row),
        tag("h2", "Actions"),
        actions(books, row),
        tag("h2", "Records"),
        records(books, row),
        tag("h2", "Events"),
        event_table(engine.store.all("SELECT * FROM events WHERE payment = ? ORDER BY seq", id)),
        here="/console/",
        status=status,
    )


def about(is_so: dict[str, object]) -> list[tuple[str, object]]:
    card = is_so["card"]
    shown_card = f"{card['brand']} ending in {card['last4']}" if isinstance(card, dict) else ""
    names = {"Order": "order_id", "Payment": "id", "Session": "session", "E-mail": "email", "Customer": "customer"}
    named = [(label, is_so[name]) for label, name in names.items()]
    return [*named, ("Card", shown_card), ("Description", is_so["description"])]


def deeds(books: Books, row: Row) -> Html:
    """A button for each thing that can happen now; capture and refund also in part."""
    possible = later.possible(books, row["id"])
    if not possible:
        return tag("p", "Nothing can happen to this payment any more.", class_="quiet")
    amount = tag(
        "label",
        tag("span", f"Amount in {row['currency']}, for a part"),
        tag("input", name="amount", inputmode="decimal", placeholder="all of it"),
    )
    buttons = [button(LABELS[deed], name="deed", value=deed, class_="second") for deed in possible]
    part = amount if {"capture", "refund"} & set(possible) else None
    return post(f"/console/payments/{row['id']}", part, tag("div", *buttons, class_="buttons"), class_="stack deeds")


def actions(books: Books, row: Row) -> Html:
    lines = [
        (
            when(each["created"]),
            each["kind"],
            shown(each["amount"], row["currency"]),
            badge(each["status"]),
            each["decline_code"] or each["reason"] or NOTHING,
            each["origin"],
            tag("code", each["id"]),
            tag("code", each["idempotency_key"]) if each["idempotency_key"] else NOTHING,
        )
        for each in books.store.all("SELECT * FROM actions WHERE payment = ? ORDER BY seq", row["id"])
    ]
    return table(["When", "Kind", "#Amount", "State", "Reason", "Origin", "Id", "Key"], lines)


def records(books: Books, row: Row) -> Html:
    lines = [
        (
            when(each["occurred"]),
            listing.RECORD_KINDS[each["kind"]].replace("_", " "),
            *money(each),
            when(each["available"]),
        )
        for each in books.store.all("SELECT * FROM entries WHERE payment = ? ORDER BY seq", row["id"])
    ]
    return table(["When", "Kind", "#Amount", "#Fee", "#Net", "Available"], lines, empty="No money has moved.")


def money(entry: Row) -> list[str]:
    return [shown(entry[name], entry["currency"]) for name in ("amount", "fee", "net")]


def make_happen(engine: Engine, visit: Visit) -> Answer:
    id, deed = visit.ids[0], visit.form.get("deed", "")
    try:
        written = visit.form.get("amount", "").strip()
        part = written if deed in ("capture", "refund") else ""
        amount = parsed(part, engine.books.payment(id)["currency"]) if part else None
        happen(engine, deed, id, amount)
    except (Refused, ValueError) as trouble:
        return payment(engine, visit, note(trouble, "bad"), status=409)
    return redirect(f"/console/payments/{id}?done={deed}")
