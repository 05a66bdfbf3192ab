"""The bench of PayPlug's gateway: a server that speaks the protocol, and knows nothing of the gateway."""

from __future__ import annotations

import json
from urllib.parse import urlencode, urlsplit

from payments.gateways.conformance import Books, GatewayConformance, Source
from payments.gateways.http import Line, Patience
from payments.gateways.payplug import PayPlugGateway
from tests.providers.payplug_server import CARDS, GOOD, SECRET_KEY, PayPlugServer

KINDS = {"lookup": ("list", "fetch"), "fetch": ("fetch",)}
CODES = {
    "card_declined": "card_declined",
    "insufficient_funds": "insufficient_funds",
    "authentication_failed": "3ds_declined",
    "incorrect_number": "incorrect_number",
    "suspected_fraud": "fraud_suspected",
    "processing_error": "processing_error",
    "unsupported_feature": "method_unsupported",
    "invalid_number": "card_scheme_mismatch",
}
CARD_OF = {does: card for card, does in CARDS.items()}


class QuickPayPlug(PayPlugGateway):
    """With less patience: what is late is late soon."""

    patience = Patience(connect_ms=500, answer_ms=400, tries=1)


class PayPlugBench(GatewayConformance):
    gateway_class = QuickPayPlug
    secrets = (SECRET_KEY,)
    notices_age = False  # Nothing is signed, so no time is either.

    def start(self):
        self.server = PayPlugServer(late_s=0.6).start()
        self.config = {"secret_key": SECRET_KEY, "base_url": self.server.address}

    def stop(self):
        self.server.close()

    def waits(self):
        return 2 * QuickPayPlug.patience.longest

    def source(self, does):
        cards = {"approve": GOOD, "decline": CARD_OF["card_declined"], "challenge": CARD_OF["page"]}
        return Source(token=cards[does], number="4242424242424242") if does in cards else None

    def declines(self):
        return {code: Source(token=CARD_OF[failure]) for code, failure in CODES.items()}

    def spoil(self, fault, *, kind="", times=1):
        self.server.faults.add(fault, kinds=KINDS.get(kind, ("deed",)), times=times)

    def books(self, authorization):
        with self.server.books.lock:
            self.server.books.age()
            said = self.server.books.payments[authorization]
            held = said["authorization"]
            return Books(
                currency=said["currency"],
                authorized=said["amount"] if (held and held["authorized_at"]) or said["is_paid"] else 0,
                captured=said["amount"] if said["is_paid"] else 0,
                refunded=said["amount_refunded"],
                voided=bool(said["failure"]),
            )

    def deeds(self, order_id):
        known = self.server.books.payments.values()
        return sum(each["metadata"].get("order_id") == order_id for each in known)

    def sent(self):
        return [target.encode() + b"\n" + body for _, target, body in self.server.requests]

    def let_pass(self, time):
        self.server.books.ahead += time

    def pay_page(self, url):
        assert visit(url, number="4242 4242 4242 4242", act="pay")[0] == 303

    def notices(self, authorization):
        return [body for id, _, body in self.server.books.told if id == authorization]

    def seal(self, body, *, secret="", seconds_ago=0):
        return {}, body

    def strange_notice(self, body):
        return json.dumps({**json.loads(body), "object": "installment_plan"}).encode()


def visit(url, **form):
    """What a browser does on the page: status, address to go to, what is shown."""
    parts = urlsplit(url)
    line = Line(parts.scheme, parts.hostname, parts.port, QuickPayPlug.patience)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, told, shown = line.request(
        "POST" if form else "GET", parts.path, urlencode(form).encode(), headers if form else {}
    )
    return status, told.get("location", ""), shown.decode()
