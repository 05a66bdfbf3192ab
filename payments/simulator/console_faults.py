"""The console's fault schedule: rates drawn from a seed, and rules written out."""

from __future__ import annotations

import json
from collections.abc import Mapping

from payments.simulator.answers import Answer, Json, Refused
from payments.simulator.console_frame import console_page
from payments.simulator.engine import Engine
from payments.simulator.faults import EVENT_FAULTS, REQUEST_FAULTS
from payments.simulator.markup import Html, button, join, note, post, redirect, table, tag
from payments.simulator.visit import Visit

EXAMPLE = '[{"fault": "lost_answer", "kind": "capture", "nth": 2}]'


def show(engine: Engine, visit: Visit) -> Answer:
    said = note("Set. It counts from the beginning.") if visit.query.get("done") else None
    return faults_page(engine.faults.schedule(), said)


def faults_page(schedule: Json, said: Html | None, *, written: str | None = None, status: int = 200) -> Answer:
    return console_page(
        "Faults",
        tag("h1", "Faults"),
        tag(
            "p",
            "What goes wrong, and how often: so many of a thousand, drawn from the seed. A seed always draws the same.",
        ),
        said,
        schedule_form(schedule, written),
        tag("h2", "Rules so far"),
        progress(schedule["rules"]),
        here="/console/faults",
        status=status,
    )


def schedule_form(schedule: Json, written: str | None) -> Html:
    """The whole schedule; `written` are the rules as somebody typed them, where they were not understood."""
    rules = [{name: rule[name] for name in rule if name not in ("seen", "fired")} for rule in schedule["rules"]]
    text = written if written is not None else one_a_line(rules)
    example = tag("span", "Rules, a JSON list such as ", tag("code", EXAMPLE))
    clear = button("Clear all", name="clear", value="yes", class_="second")
    return post(
        "/console/faults",
        tag("div", seed(schedule), ways(schedule), class_="pair"),
        tag("fieldset", tag("legend", "Requests"), rates(REQUEST_FAULTS, schedule["rates"])),
        tag("fieldset", tag("legend", "Webhooks"), rates(EVENT_FAULTS, schedule["rates"])),
        tag("label", example, tag("textarea", text, name="rules", rows="5", spellcheck="false")),
        tag("div", button("Set", class_="main"), clear, class_="buttons"),
        class_="stack wide",
    )


def one_a_line(rules: list[Json]) -> str:
    lines = ",\n ".join(json.dumps(rule) for rule in rules)
    return f"[{lines}]" if rules else ""


def seed(schedule: Json) -> Html:
    return tag("label", tag("span", "Seed"), tag("input", name="seed", value=schedule["seed"], inputmode="numeric"))


def ways(schedule: Json) -> Html:
    words = {"ordinal": "the n-th of its kind", "key": "its idempotency key"}
    choices = [tag("option", said, value=way, selected=way == schedule["draw_by"]) for way, said in words.items()]
    return tag("label", tag("span", "A draw goes by"), tag("select", *choices, name="draw_by"))


def rates(faults: Mapping[str, str], set_to: Mapping[str, int]) -> Html:
    return join(
        tag(
            "label",
            tag("input", name=name, value=set_to.get(name, ""), inputmode="numeric", placeholder="0", aria_label=name),
            tag("span", tag("code", name), " ", does),
            class_="rate",
        )
        for name, does in faults.items()
    )


def progress(rules: list[Json]) -> Html:
    lines = []
    for rule in rules:
        wanted = ", ".join(f"{name} {rule[name]}" for name in rule if name not in ("fault", "seen", "fired"))
        lines.append((tag("code", rule["fault"]), wanted or "any", rule["seen"], rule["fired"]))
    return table(["Fault", "When", "#Matched", "#Struck"], lines, empty="No rule is written out.")


def change(engine: Engine, visit: Visit) -> Answer:
    form = visit.form
    if form.get("clear"):
        engine.faults.set({})
        return redirect("/console/faults?done=yes")
    try:
        given = {name: int(form[name]) for name in (*REQUEST_FAULTS, *EVENT_FAULTS) if form.get(name, "").strip()}
        rules = json.loads(form.get("rules", "").strip() or "[]")
        if not isinstance(rules, list):
            raise Refused("parameter_invalid", "The rules are to be a JSON list.")
        schedule = {"seed": int(form.get("seed") or 0), "draw_by": form.get("draw_by", "ordinal")}
        engine.faults.set({**schedule, "rates": given, "rules": rules})
    except (ValueError, Refused) as trouble:
        said = note(trouble if isinstance(trouble, Refused) else f"Not understood: {trouble}", "bad")
        return faults_page(engine.faults.schedule(), said, written=form.get("rules", ""), status=400)
    return redirect("/console/faults?done=yes")
