"""The pages: the start page, the hosted payment page, the console; and who may post to them."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from payments.simulator import checkout, console, console_books, console_events, console_faults, start_page
from payments.simulator.answers import Answer, Refused, Request
from payments.simulator.engine import Engine
from payments.simulator.markup import link, note, page, tag
from payments.simulator.visit import Visit

STYLE = Path(__file__).with_name("style.css")

Page = Callable[[Engine, Visit], Answer]

PAGES: dict[tuple[str, str], Page] = {
    ("GET", ""): start_page.show,
    ("GET", "pay/*"): checkout.show,
    ("POST", "pay/*"): checkout.pay,
    ("POST", "pay/*/cancel"): checkout.cancel,
    ("GET", "challenge/*"): checkout.show_challenge,
    ("POST", "challenge/*"): checkout.meet_challenge,
    ("GET", "console"): console.payments,
    ("GET", "console/payments/*"): console.payment,
    ("POST", "console/payments/*"): console.make_happen,
    ("GET", "console/events"): console_events.events,
    ("GET", "console/events/*"): console_events.event,
    ("POST", "console/events/*"): console_events.redeliver,
    ("GET", "console/books"): console_books.show,
    ("POST", "console/books/payout"): console_books.pay_out,
    ("POST", "console/books/clock"): console_books.move_clock,
    ("GET", "console/payouts/*"): console_books.payout,
    ("GET", "console/faults"): console_faults.show,
    ("POST", "console/faults"): console_faults.change,
}


def respond(engine: Engine, request: Request, *, guarded: bool = False) -> Answer:
    """What is at a path, API or page, whatever carries the request."""
    if request.path.startswith(("/v1/", "/_")):
        return engine.handle(request)
    return answer(engine, request, guarded=guarded)


def answer(engine: Engine, request: Request, *, guarded: bool) -> Answer:
    """The page at a path. `guarded`: the console asks for the secret key as password."""
    if request.path == "/style.css":
        return Answer(status=200, body=STYLE.read_bytes(), headers={"Content-Type": "text/css; charset=utf-8"})
    parts = request.path.strip("/").split("/")
    found, ids = find(request.method, parts)
    if found is None:
        return page("Not found", tag("h1", "There is nothing here"), link("Start page", "/"), status=404, look="sheet")
    if guarded and parts[0] == "console" and not knows_key(engine, request.headers):
        headers = {"WWW-Authenticate": 'Basic realm="secret key as password", charset="UTF-8"'}
        return Answer(status=401, body=b"The password is the secret key.\n", headers=headers)
    if request.method == "POST" and not is_own(engine, request.headers):
        return page(
            "Refused",
            tag("h1", "Refused"),
            note("This form was sent from another site.", "bad"),
            status=403,
            look="sheet",
        )
    form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    visit = Visit(ids=ids, query=request.query, form=form if request.method == "POST" else {})
    try:
        engine.run_due()
        told = found(engine, visit)
    except Refused as refused:
        told = page(
            "Not possible", tag("h1", "Not possible"), note(refused, "bad"), status=refused.status, look="sheet"
        )
    engine.webhooks.deliver_early()  # What a page has caused, before the page is seen.
    return told


def find(method: str, parts: list[str]) -> tuple[Page | None, tuple[str, ...]]:
    for (wanted, path), found in PAGES.items():
        pattern = path.split("/")
        fits = len(pattern) == len(parts) and all(
            each in ("*", part) for each, part in zip(pattern, parts, strict=True)
        )
        if wanted == method and fits:
            return found, tuple(part for each, part in zip(pattern, parts, strict=True) if each == "*")
    return None, ()


def is_own(engine: Engine, headers: Mapping[str, str]) -> bool:
    """Whether a form was sent by one of our pages: browsers say so, and what says nothing is refused."""
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] == "same-origin"
    origin = urlsplit(headers.get("origin", "")).netloc
    return bool(origin) and origin in (headers.get("host", ""), urlsplit(engine.options.base_url).netloc)


def knows_key(engine: Engine, headers: Mapping[str, str]) -> bool:
    try:
        said = base64.b64decode(headers.get("authorization", "").removeprefix("Basic "), validate=True)
    except binascii.Error:
        return False
    return hmac.compare_digest(said.partition(b":")[2], engine.options.secret_key.encode())
