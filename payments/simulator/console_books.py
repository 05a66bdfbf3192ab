"""The console's books: balance, sums, payouts, and the provider's clock."""

from __future__ import annotations

from payments.simulator import listing, payouts
from payments.simulator.administration import move_clock as move
from payments.simulator.answers import Answer, Refused
from payments.simulator.clock import SECOND
from payments.simulator.console_frame import console_page
from payments.simulator.engine import Engine
from payments.simulator.markup import Html, button, link, note, post, redirect, table, tag, when
from payments.simulator.money import shown
from payments.simulator.visit import Visit

KINDS = (
    "authorize",
    "capture",
    "capture_voided",
    "void",
    "refund",
    "refund_failed",
    "dispute",
    "dispute_won",
    "fee",
    "net",
)
STEPS = {"3600": "one hour", "86400": "one day", "604800": "seven days"}


def show(engine: Engine, visit: Visit) -> Answer:
    said = {
        "payout": "Paid out what was available.",
        "nothing": "Nothing is available.",
        "clock": "The clock was moved.",
    }
    done = said.get(visit.query.get("done", ""))
    return console_page(
        "Books",
        tag("h1", "Books"),
        note(done) if done else None,
        tag("h2", "Balance"),
        balance(engine),
        post("/console/books/payout", button("Pay out what is available", class_="second")),
        tag("h2", "Sums"),
        sums(engine),
        tag("h2", "Payouts"),
        payout_table(engine),
        tag("h2", "Clock"),
        tag("p", "Here it is ", when(engine.clock.now()), " UTC. What comes due when it moves, happens: holds expire."),
        post("/console/books/clock", tag("div", *clock_buttons(), class_="buttons")),
        here="/console/books",
    )


def clock_buttons() -> list[Html]:
    return [button(f"Forward {words}", name="seconds", value=step, class_="second") for step, words in STEPS.items()]


def balance(engine: Engine) -> Html:
    is_so = payouts.balances(engine.books)
    currencies = sorted({line["currency"] for lines in is_so.values() for line in lines})
    found = {(name, line["currency"]): line["amount"] for name, lines in is_so.items() for line in lines}
    rows = [
        (each, shown(found.get(("available", each), 0), each), shown(found.get(("pending", each), 0), each))
        for each in currencies
    ]
    return table(["Currency", "#Available", "#Pending"], rows, empty="The balance is zero.")


def sums(engine: Engine) -> Html:
    totals = listing.sums(engine.books)
    used = [kind for kind in KINDS if any(kind in line for line in totals.values())]
    rows = [[currency, *(shown(line.get(kind, 0), currency) for kind in used)] for currency, line in totals.items()]
    return table(["Currency", *(f"#{kind.replace('_', ' ').capitalize()}" for kind in used)], rows)


def payout_table(engine: Engine) -> Html:
    rows = engine.store.all("SELECT * FROM payouts ORDER BY rowid DESC")
    lines = [
        (
            when(row["created"]),
            row["id"],
            shown(row["amount"], row["currency"]),
            link("CSV", f"/console/payouts/{row['id']}.csv"),
        )
        for row in rows
    ]
    return table(["When", "Payout", "#Amount", "Report"], lines, empty="Nothing was paid out.")


def pay_out(engine: Engine, visit: Visit) -> Answer:
    with engine.store.transaction():
        made = payouts.pay_out(engine.books)
    return redirect(f"/console/books?done={'payout' if made else 'nothing'}")


def payout(engine: Engine, visit: Visit) -> Answer:
    id = visit.ids[0].removesuffix(".csv")
    if engine.store.one(payouts.FIND, id) is None:
        raise Refused("resource_missing", "There is no such payout.", status=404)
    named = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{id}.csv"'}
    return Answer(status=200, body=payouts.as_csv(engine.books, id).encode(), headers=named)


def move_clock(engine: Engine, visit: Visit) -> Answer:
    if visit.form.get("seconds") in STEPS:
        move(engine, engine.clock.now() + int(visit.form["seconds"]) * SECOND)
    return redirect("/console/books?done=clock")
