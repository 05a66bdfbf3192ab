"""The hosted payment page: the customer types a card, meets the bank's challenge, and is sent back to the shop."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from payments.simulator import hosted, saved_cards
from payments.simulator.answers import Answer, Json, Refused
from payments.simulator.engine import Engine
from payments.simulator.markup import Html, button, link, note, page, post, redirect, tag
from payments.simulator.money import EXPONENTS, shown
from payments.simulator.store import Row
from payments.simulator.visit import Visit

HINTS = (
    ("4242 4242 4242 4242", "approved"),
    ("4000 0000 0000 9995", "declined"),
    ("4000 0000 0000 3220", "asks for 3-D Secure"),
    ("4000 0099 0000 2000", "decided later"),
)
ENDINGS = {"complete": "Thank you", "canceled": "Canceled", "expired": "Too late"}


def show(engine: Engine, visit: Visit) -> Answer:
    return card_page(engine, hosted.session(engine.books, visit.ids[0]))


def card_page(engine: Engine, session: Row, said: str = "", form: Visit | None = None) -> Answer:
    payment = engine.books.payment(session["payment"])
    if session["status"] != "open":
        return over(engine, payment, ENDINGS[session["status"]])
    amount = shown(payment["amount"], payment["currency"])
    typed = form.form if form else {}
    remember = tag(
        "label",
        tag("input", type="checkbox", name="keep", value="yes", checked=True),
        " Remember this card",
        class_="check",
    )
    return page(
        f"Pay {amount}",
        tag("p", "Secure payment", class_="eyebrow"),
        tag("h1", amount),
        tag("p", payment["description"]) if payment["description"] else None,
        lines(session, payment["currency"]),
        note(said, "bad") if said else None,
        post(
            f"/pay/{session['id']}",
            field("Card number", "number", typed, autocomplete="cc-number", placeholder="4242 4242 4242 4242"),
            field("Name on card", "name", typed, autocomplete="cc-name", inputmode=None, required=False),
            tag(
                "div",
                field("Expiry", "expiry", typed, autocomplete="cc-exp", placeholder="MM / YY"),
                field("Security code", "cvc", {}, autocomplete="cc-csc", placeholder="123", maxlength="4"),
                class_="pair",
            ),
            remember if session["save_card"] and payment["customer"] else None,
            button(f"Pay {amount}", class_="main"),
            class_="stack",
        ),
        post(f"/pay/{session['id']}/cancel", button("Cancel and go back to the shop", class_="linklike")),
        hints(),
        look="sheet",
    )


def field(label: str, name: str, typed: Json | object, **attributes: object) -> Html:
    value = typed.get(name) if isinstance(typed, dict) and name != "number" else None
    attributes = {"inputmode": "numeric", "required": True, "type": "text", "value": value, **attributes}
    return tag("label", tag("span", label), tag("input", name=name, **attributes))


def hints() -> Html:
    rows = [tag("li", tag("code", number), f" {does}") for number, does in HINTS]
    return tag("details", tag("summary", "Test cards"), tag("ul", *rows), tag("p", link("All of them", "/")))


def lines(session: Row, currency: str) -> Html | None:
    """What is bought: `name`, `quantity` and `amount` (minor units, of all pieces) of each line item."""
    rows = []
    for item in json.loads(session["line_items"]):
        amount, quantity = item.get("amount"), item.get("quantity", 1)
        price = shown(amount, currency) if isinstance(amount, int) and currency in EXPONENTS else ""
        many = f"{quantity} × " if quantity != 1 else ""
        rows.append(
            tag("li", tag("span", f"{many}{item.get('name') or item.get('description', '')}"), tag("span", price))
        )
    return tag("ul", *rows, class_="lines") if rows else None


def over(engine: Engine, payment: Row, title: str) -> Answer:
    back = hosted.way_back(engine.books, payment)
    words = "This page has been used. You can close it." if not back else "This page has been used."
    way = link("Back to the shop", back, class_="main") if back else None
    return page(title, tag("h1", title), tag("p", words), way, look="sheet")


def pay(engine: Engine, visit: Visit) -> Answer:
    with engine.store.transaction():
        session = hosted.session(engine.books, visit.ids[0])
        if session["status"] != "open":  # Sent twice, or too late.
            return card_page(engine, session)
        try:
            card = typed_card(visit)
        except Refused as refused:
            return card_page(engine, session, str(refused), visit)
        said = hosted.pay(engine.books, session["id"], card, keep=visit.form.get("keep") == "yes")
        attempt = engine.books.attempt(session["payment"])
    if said == "challenge":
        return redirect(f"/challenge/{attempt['id']}")
    return card_page(engine, session, said, visit) if said else leave(engine, attempt["payment"])


def typed_card(visit: Visit) -> Json:
    """The card of the form. Raises Refused, saying what to correct."""
    expiry = re.fullmatch(r"(\d{1,2})\s*/?\s*(?:20)?(\d{2})", visit.form.get("expiry", "").strip())
    if not expiry or not 1 <= int(expiry[1]) <= 12:
        raise Refused("expiry_invalid", "Write the expiry as month and year, such as 12 / 30.")
    month, year, today = int(expiry[1]), 2000 + int(expiry[2]), datetime.now(UTC)
    if (year, month) < (today.year, today.month):
        raise Refused("expired_card", "This card has expired.")
    if not re.fullmatch(r"\d{3,4}", visit.form.get("cvc", "").strip()):
        raise Refused("incorrect_cvc", "The security code has three or four digits.")
    number = re.sub(r"[ -]", "", visit.form.get("number", ""))
    if not re.fullmatch(r"\d{12,19}", number):
        raise Refused("incorrect_number", "The card number has 12 to 19 digits.")
    code = visit.form["cvc"].strip()
    name = visit.form.get("name", "")[:200]
    return saved_cards.from_number({"number": number, "exp_month": month, "exp_year": year, "name": name, "cvc": code})


def leave(engine: Engine, payment_id: str) -> Answer:
    """Back to the shop, or a farewell where it named no address."""
    payment = engine.books.payment(payment_id)
    back = hosted.way_back(engine.books, payment)
    return redirect(back) if back else over(engine, payment, ENDINGS["complete"])


def cancel(engine: Engine, visit: Visit) -> Answer:
    with engine.store.transaction():
        session = hosted.session(engine.books, visit.ids[0])
        hosted.end(engine.books, session["id"], "canceled", "canceled_by_customer")
        payment = engine.books.payment(session["payment"])
        back = hosted.way_back(engine.books, payment, session["cancel_url"])
    return redirect(back) if back else over(engine, payment, ENDINGS["canceled"])


def show_challenge(engine: Engine, visit: Visit) -> Answer:
    action = engine.books.action(visit.ids[0])
    payment = engine.books.payment(action["payment"])
    if action["status"] != "requires_action" or not payment["card"]:
        return over(engine, payment, "This challenge is over")
    card = json.loads(payment["card"])
    amount = shown(payment["amount"], payment["currency"])
    return page(
        "Is it you?",
        tag("p", "Your bank · 3-D Secure", class_="eyebrow"),
        tag("h1", "Is it you?"),
        tag(
            "p",
            "Somebody wants to pay ",
            tag("strong", amount),
            f" with your {card['brand']} card ending in {card['last4']}.",
        ),
        post(
            f"/challenge/{action['id']}",
            button("Yes, approve the payment", name="passed", value="yes", class_="main"),
            button("No, refuse it", name="passed", value="no", class_="second"),
            class_="stack",
        ),
        tag("p", "A real bank would ask for a code or its app here.", class_="quiet"),
        look="sheet",
    )


def meet_challenge(engine: Engine, visit: Visit) -> Answer:
    with engine.store.transaction():
        action = engine.books.action(visit.ids[0])
        payment = engine.books.payment(action["payment"])
        if action["status"] != "requires_action" or not payment["card"]:
            return over(engine, payment, "This challenge is over")
        said = hosted.meet_challenge(engine.books, action["id"], passed=visit.form.get("passed") == "yes")
        if said:
            return card_page(engine, hosted.session(engine.books, payment["session"]), said)
    return leave(engine, action["payment"])
