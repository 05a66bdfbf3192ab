"""The kit's benches of Stripe's gateway: the stand-in's engine in this process, and the same behind a socket."""

from __future__ import annotations

import time
from dataclasses import replace

from payments.gateways.conformance import Books, GatewayConformance, Source
from payments.gateways.http import Patience
from payments.gateways.stripe import StripeGateway
from tests.providers.stripe_server.cards import BY_NAME
from tests.providers.stripe_server.engine import Engine
from tests.providers.stripe_server.faults import Rule
from tests.providers.stripe_server.in_process import Transport
from tests.providers.stripe_server.post import signature, written
from tests.providers.stripe_server.server import Server
from tests.providers.stripe_server.world import Options

SECRET_KEY, WEBHOOK_SECRET = "sk_test_0123456789abcdef", "whsec_0123456789abcdef"
PUBLISHABLE = "pk_test_0123456789abcdef"
DOES = {
    "approve": "pm_card_visa",
    "decline": "pm_card_visa_chargeDeclined",
    "challenge": "pm_card_threeDSecure2Required",
}
DECLINES = {
    "card_declined": "pm_card_visa_chargeDeclined",
    "insufficient_funds": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pickup_card": "pm_card_visa_chargeDeclinedLostCard",
    "velocity_exceeded": "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
    "expired_card": "pm_card_chargeDeclinedExpiredCard",
    "incorrect_cvc": "pm_card_chargeDeclinedIncorrectCvc",
    "processing_error": "pm_card_chargeDeclinedProcessingError",
    "suspected_fraud": "pm_card_radarBlock",
}
# What one of our minor units is in the stand-in's books: written by hand, so that it cannot share the gateway's table.
HUNDREDFOLD, HUNDREDTH = ("ISK", "UGX"), ("MGA",)
COARSE = {**dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 10), "MGA": 100}


def card_named(name):
    return Source(token=name, number=BY_NAME[name].number, verification_value="987")


def settings(**more):
    keys = {"secret_key": SECRET_KEY, "publishable_key": PUBLISHABLE, "webhook_secret": WEBHOOK_SECRET}
    return {**keys, "multiple_captures": True, "retries": 0, **more}


class StripeBench(GatewayConformance):
    gateway_class = StripeGateway
    config = settings()
    secrets = (SECRET_KEY, WEBHOOK_SECRET)
    a_page_of_records = 4

    def start(self):
        self.engine = Engine(Options(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET))
        self.wire = Transport(self.engine)

    def make_gateway(self):
        gateway = super().make_gateway()
        gateway.wire = self.wire
        gateway.pause = lambda: None
        gateway.page = self.a_page_of_records
        return gateway

    def waits(self):
        """One try; the gateway's longest call counts the second one, too."""
        return self.gateway.client._requestor._client.patience.longest

    def source(self, does):
        return card_named(DOES[does]) if does in DOES else None

    def declines(self):
        return {code: card_named(name) for code, name in DECLINES.items()}

    def an_amount(self, currency, amount_minor):
        return amount_minor - amount_minor % COARSE.get(currency, 1)

    @property
    def world(self):
        return self.engine.world

    def spoil(self, fault, *, kind="", times=1):
        self.engine.faults.rules.append(Rule(fault, kind, times))

    def books(self, authorization):
        intent = self.world.get("payment_intent", authorization)
        back = [each for each in self.world.of_intent("refund", authorization) if each["status"] != "failed"]
        held = intent["latest_charge"] and self.world.get("charge", intent["latest_charge"])["status"] == "succeeded"
        currency = intent["currency"].upper()

        def ours(amount):
            if currency in HUNDREDFOLD:
                assert amount % 100 == 0
                return amount // 100
            return amount * 100 if currency in HUNDREDTH else amount

        return Books(
            currency=currency,
            authorized=ours(intent["amount"] if held else 0),
            captured=ours(intent["amount_received"]),
            refunded=ours(sum(each["amount"] for each in back)),
            voided=intent["status"] == "canceled",
        )

    def deeds(self, order_id):
        intents = [each for each in self.world.all("payment_intent") if each["metadata"].get("order_id") == order_id]
        return len(intents)

    def sent(self):
        return self.wire.sent

    def let_pass(self, time):
        self.engine._move_clock({"advance": int(time.total_seconds())})

    def notices(self, authorization):
        about = (event["data"]["object"] for event in self.world.events)
        return [
            written(event)
            for event, said in zip(self.world.events, about, strict=True)
            if authorization in (said["id"], said.get("payment_intent"))
        ]

    def sign(self, body, *, secret="", seconds_ago=0):
        return {"Stripe-Signature": signature(secret or WEBHOOK_SECRET, body, int(time.time()) - seconds_ago)}


class QuickGateway(StripeGateway):
    capabilities = replace(StripeGateway.capabilities, currencies=frozenset(("EUR", "ISK", "JPY", "KWD")))
    patience = Patience(connect_ms=1_000, answer_ms=400, tries=2, longest_pause_s=1)
    longest_call = patience.longest


class SocketBench(StripeBench):
    """Behind a socket, over HTTP, with less patience."""

    gateway_class = QuickGateway

    def start(self):
        self.server = Server(Options(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET)).start()
        self.engine = self.server.engine
        self.config = settings(base_url=self.server.url)

    def stop(self):
        self.server.stop()

    def make_gateway(self):
        gateway = self.gateway_class(self.config, test=True)
        gateway.page = self.a_page_of_records
        return gateway

    def sent(self):
        return ()
