"""The console's events: what was told to the shop, how each delivery went, and once more."""

from __future__ import annotations

import json
from collections.abc import Mapping

from payments.simulator import webhooks
from payments.simulator.answers import Answer, Refused
from payments.simulator.clock import milliseconds
from payments.simulator.console_frame import PAGE, console_page, pager
from payments.simulator.engine import Engine
from payments.simulator.markup import NOTHING, Html, badge, button, facts, link, note, post, redirect, table, tag, when
from payments.simulator.store import Row
from payments.simulator.visit import Visit


def events(engine: Engine, visit: Visit) -> Answer:
    before = visit.number("before") or 2**60
    rows = engine.store.all("SELECT * FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?", before, PAGE + 1)
    more = rows[PAGE - 1]["seq"] if len(rows) > PAGE else None
    heading = tag("h1", "Events")
    orders = {row["id"]: engine.books.payment(row["payment"])["order_id"] for row in rows[:PAGE]}
    found = event_table(rows[:PAGE], orders)
    return console_page("Events", heading, found, pager("/console/events", more), here="/console/events")


def event_table(rows: list[Row], orders: Mapping[str, str] | None = None) -> Html:
    """Events; with `orders` (event → order) each says whose it is."""
    lines = []
    for row in rows:
        whose = [link(orders[row["id"]] or row["payment"], f"/console/payments/{row['payment']}")] if orders else []
        struck = row["fault"].removeprefix("webhook_").replace("_", " ") or NOTHING
        told = link(row["type"], f"/console/events/{row['id']}")
        lines.append(
            (when(row["created"]), *whose, told, badge(row["status"]), row["attempts"], struck, redeliver_form(row))
        )
    heads = ["When", *(["Order"] if orders else []), "Type", "Delivery", "#Attempts", "Fault", ""]
    return table(heads, lines, empty="Nothing was told to the shop.")


def redeliver_form(row: Row) -> Html:
    if not row["url"]:
        return tag("span", "no address", class_="quiet")
    return post(f"/console/events/{row['id']}", button("Redeliver", class_="small"))


def event(engine: Engine, visit: Visit) -> Answer:
    row = engine.store.one("SELECT * FROM events WHERE id = ?", visit.ids[0])
    if row is None:
        raise Refused("resource_missing", "There is no such event.", status=404)
    tried = [
        (
            each["attempt"],
            when(milliseconds(each["at"])),
            each["status"] or NOTHING,
            each["error"] or NOTHING,
            f"{each['took_ms']} ms",
        )
        for each in webhooks.deliveries(engine.books, row["id"])
    ]
    sent = json.dumps(json.loads(row["payload"]), indent=2)
    return console_page(
        row["type"],
        tag("p", link("Events", "/console/events"), class_="quiet"),
        tag("h1", row["type"], " ", badge(row["status"])),
        note("It is on its way again.") if visit.query.get("done") else None,
        facts(
            [
                ("Event", row["id"]),
                ("Payment", link(row["payment"], f"/console/payments/{row['payment']}")),
                ("To", row["url"] or "nobody: the payment names no notification_url"),
                ("Fault", row["fault"]),
                ("Next attempt", when(row["due"])),
            ]
        ),
        redeliver_form(row),
        tag("h2", "Deliveries"),
        table(["Attempt", "When", "#Answer", "Trouble", "#Took"], tried, empty="None yet."),
        tag("h2", "Body"),
        tag("pre", tag("code", sent)),
        here="/console/events",
    )


def redeliver(engine: Engine, visit: Visit) -> Answer:
    engine.webhooks.redeliver(visit.ids[0])
    return redirect(f"/console/events/{visit.ids[0]}?done=yes")
