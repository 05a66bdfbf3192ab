"""The benches of the gateways that are here: what the kit needs to know of each, and of the provider behind it."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urlsplit

from payments.gateways.bogus import BogusGateway
from payments.gateways.check import CheckGateway
from payments.gateways.conformance import Books, GatewayConformance, Source
from payments.gateways.http import Http, Patience
from payments.gateways.simulator import SimulatorGateway
from payments.simulator import webhooks
from payments.simulator.cards import BY_NAME
from payments.simulator.engine import Engine
from payments.simulator.in_process import Transport
from payments.simulator.options import Options
from payments.simulator.server import Simulator

SECRET_KEY, WEBHOOK_SECRET = "sk_test_0123456789abcdef", "whsec_0123456789abcdef"
DOES = {"approve": "visa", "decline": "declined", "challenge": "challenge", "process": "processing"}
DECLINES = {
    "card_declined": "declined",
    "insufficient_funds": "insufficient_funds",
    "pickup_card": "stolen_card",
    "expired_card": "expired_card",
    "incorrect_cvc": "incorrect_cvc",
    "call_issuer": "do_not_honor",
    "suspected_fraud": "fraudulent",
    "velocity_exceeded": "velocity",
    "processing_error": "processing_error",
}


def card_named(name):
    return Source(token=f"tok_{name}", number=BY_NAME[name].number, verification_value="987")


class Recording:
    """The simulator's transport, which keeps what is sent."""

    def __init__(self, engine):
        self.transport, self.sent = Transport(engine), []

    def request(self, method, target, body=b"", headers=None):
        self.sent.append(target.encode() + b"\n" + body)
        return self.transport.request(method, target, body, headers)


class SimulatorBench(GatewayConformance):
    """The simulator's engine in this process, with its own books, clock and faults."""

    gateway_class = SimulatorGateway
    config = {"secret_key": SECRET_KEY, "webhook_secret": WEBHOOK_SECRET}
    secrets = (SECRET_KEY, WEBHOOK_SECRET)
    a_page_of_records = 4

    def start(self):
        self.engine = Engine(options=Options(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET))
        self.wire = Recording(self.engine)

    def stop(self):
        self.engine.close()

    def make_gateway(self):
        gateway = super().make_gateway()
        gateway.http.wire = self.wire
        gateway.http.pause = lambda _seconds: None
        gateway.page = self.a_page_of_records
        return gateway

    def source(self, does):
        return card_named(DOES[does])

    def declines(self):
        return {code: card_named(name) for code, name in DECLINES.items()}

    def spoil(self, fault, *, kind="", times=1):
        rule = {"fault": fault, "times": times, **({"kind": kind} if kind else {})}
        self.engine.call("POST", "/_faults", {"rules": [rule]})

    def books(self, authorization):
        said = self.engine.books.show_payment(authorization)
        return Books(**{name: said[name] for name in ("currency", "authorized", "captured", "refunded", "voided")})

    def deeds(self, order_id):
        done = "SELECT count(*) FROM actions a JOIN payments p ON p.id = a.payment WHERE p.order_id = ?"
        return self.engine.store.number(done, order_id)

    def sent(self):
        return self.wire.sent

    def let_pass(self, time):
        self.engine.call("POST", "/_clock", {"advance": int(time.total_seconds())})

    def pay_page(self, url):
        form = urlencode({"number": "4242424242424242", "expiry": "12 / 30", "cvc": "123"}).encode()
        ours = {"Host": urlsplit(url).netloc, "Sec-Fetch-Site": "same-origin"}
        status, _, body = Transport(self.engine).request("POST", urlsplit(url).path, form, ours)
        assert status == 303, body

    def notices(self, authorization):
        rows = self.engine.store.all("SELECT payload FROM events WHERE payment = ? ORDER BY seq", authorization)
        return [row["payload"].encode() for row in rows]

    def sign(self, body, *, secret="", seconds_ago=0):
        at = int(time.time()) - seconds_ago
        return {webhooks.HEADER: webhooks.signature(secret or WEBHOOK_SECRET, body, at)}


class SocketBench(SimulatorBench):
    """The same behind a socket, over HTTP, with less patience."""

    patience = Patience(connect_ms=1_000, answer_ms=400, tries=2, longest_pause_s=1)

    def start(self):
        options = Options(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, late_by_ms=1_000)
        self.server = Simulator(options=options).start()
        self.engine = self.server.engine

    def stop(self):
        self.server.close()

    def make_gateway(self):
        gateway = self.gateway_class({**self.config, "base_url": self.server.url}, test=True)
        gateway.http = Http(self.server.url, headers=gateway.http.headers, patience=self.patience)
        gateway.http.pause = lambda _seconds: None
        gateway.page = self.a_page_of_records
        return gateway

    def sent(self):
        return ()


class BogusBench(GatewayConformance):
    gateway_class = BogusGateway
    no_wire = "The card number decides the answer."

    def source(self, does):
        numbers = {"approve": "4111111111111111", "decline": "4000000000000002"}
        return Source(number=numbers[does], verification_value="987") if does in numbers else None


class CheckBench(GatewayConformance):
    gateway_class = CheckGateway
    no_wire = "The person who records it has seen the check."

    def source(self, does):
        return None
