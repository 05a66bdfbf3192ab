"""The start page: what this is, where things are, and every test card."""

from __future__ import annotations

from payments.simulator import cards
from payments.simulator.answers import Answer
from payments.simulator.engine import Engine
from payments.simulator.markup import NOTHING, Html, facts, join, link, page, table, tag, text
from payments.simulator.visit import Visit

GROUPS = {
    "Approved": lambda each: each.stage == "authorize" and each.result == "approved" and each.amount is None,
    "Declined": lambda each: each.stage == "authorize" and each.result == "declined",
    "Decided later": lambda each: each.result in ("requires_action", "processing") and each.stage == "authorize",
    "Address and security code": lambda each: each.stage == "authorize" and each.result == "approved" and each.amount,
    "After the payment": lambda each: each.stage != "authorize",
}


def show(engine: Engine, visit: Visit) -> Answer:
    url = engine.options.base_url
    where = facts(
        [
            ("Console", link("payments, events, books, faults", "/console/")),
            ("API", tag("code", f"{url}/v1/")),
            ("Webhooks", text(engine.options.webhook_url or "to each payment's notification_url")),
        ]
    )
    sections = [section(title, [each for each in cards.OUTCOMES if fits(each)]) for title, fits in GROUPS.items()]
    return page(
        "Start",
        tag("h1", "Payment simulator"),
        tag(
            "p",
            "A payment provider that runs beside your shop and keeps books of its own. No money moves here, and only "
            "the cards below are taken. The secret key was printed when it was started.",
        ),
        where,
        tag("h2", "Try it"),
        tag("pre", tag("code", example(url))),
        tag("h2", "Test cards"),
        tag(
            "p",
            "Any expiry in the future and any security code will do. Instead of a number the API takes the token; and "
            "with an approving card, the test amount (minor units, any currency) does the same.",
        ),
        *sections,
    )


def example(url: str) -> str:
    return (
        f"curl {url}/v1/payments \\\n"
        '  -H "Authorization: Bearer $SECRET_KEY" -H "Idempotency-Key: order-1" \\\n'
        '  -d \'{"amount": 1000, "currency": "EUR", "source": "tok_visa", "capture": false}\''
    )


def section(title: str, outcomes: list[cards.Outcome]) -> Html:
    rows = [
        (tag("code", spaced(each.number)), each.says, tag("code", each.token), amount_of(each)) for each in outcomes
    ]
    return join([tag("h3", title), table(["Number", "Does", "Token", "#Test amount"], rows, look="even")])


def amount_of(outcome: cards.Outcome) -> Html:
    return tag("code", outcome.test_amount) if outcome.test_amount else text(NOTHING)


def spaced(number: str) -> str:
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
