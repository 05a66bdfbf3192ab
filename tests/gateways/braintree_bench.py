"""The bench of Braintree's gateway: a server that speaks the protocol, and knows nothing of the gateway."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from payments.gateways.braintree import BraintreeGateway
from payments.gateways.braintree_codes import CURRENCIES
from payments.gateways.braintree_wire import BUDGET_S
from payments.gateways.conformance import Books, GatewayConformance, Source
from payments.gateways.http import Patience
from payments.money import as_money, to_minor
from tests.providers.braintree_server import MERCHANT, PRIVATE_KEY, PUBLIC_KEY, BraintreeServer
from tests.providers.braintree_server.deeds import money_of
from tests.providers.braintree_server.notices import sealed, told_of

ACCOUNTS = {f"shop_{currency.lower()}": currency for currency in ("EUR", "USD", *sorted(CURRENCIES))}
KINDS = {"lookup": ("search", "fetch"), "fetch": ("fetch",)}
DECLINES = {
    "call_issuer": "fake-processor-declined-visa-nonce",
    "insufficient_funds": "local-insufficient-funds-nonce",
    "expired_card": "local-expired-nonce",
    "pickup_card": "local-stolen-card-nonce",
    "invalid_number": "fake-luhn-invalid-nonce",
    "velocity_exceeded": "local-activity-limit-nonce",
    "processing_error": "fake-processor-failure-jcb-nonce",
    "suspected_fraud": "fake-gateway-rejected-fraud-nonce",
    "incorrect_cvc": "local-cvv-rejected-nonce",
    "incorrect_address": "local-avs-rejected-nonce",
    "authentication_failed": "local-authentication-required-nonce",
}


def config_of(server):
    accounts = " ".join(f"{currency}={name}" for name, currency in server.books.accounts.items())
    keys = {"merchant_id": MERCHANT, "public_key": PUBLIC_KEY, "private_key": PRIVATE_KEY}
    return {**keys, "merchant_accounts": accounts, "base_url": server.address}


class QuickBraintree(BraintreeGateway):
    """With less patience: what is late is late soon. And in the currencies of which each stands for many."""

    capabilities = replace(BraintreeGateway.capabilities, currencies=frozenset("EUR USD GBP JPY KRW HUF TWD".split()))
    patience = Patience(connect_ms=500, answer_ms=400, tries=1)


class BraintreeBench(GatewayConformance):
    gateway_class = QuickBraintree
    secrets = (PRIVATE_KEY,)
    notices_age = False  # The signature has no time in it.
    notified = ("capture",)  # Of a hold, nothing is told.

    def start(self):
        self.server = BraintreeServer(accounts=ACCOUNTS, late_s=0.6).start()
        self.config = config_of(self.server)

    def stop(self):
        self.server.close()

    def waits(self):
        return timedelta(seconds=BUDGET_S)

    def source(self, does):
        tokens = {"approve": "fake-valid-nonce", "decline": "fake-processor-declined-visa-nonce"}
        return Source(token=tokens[does], number="4111111111111111") if does in tokens else None

    def declines(self):
        return {code: Source(token=nonce) for code, nonce in DECLINES.items()}

    def spoil(self, fault, *, kind="", times=1):
        self.server.faults.add(fault, kinds=KINDS.get(kind, ()), times=times)

    def books(self, authorization):
        with self.server.books.lock:
            said = money_of(self.server.books, authorization)
        currency = said["currency"]
        sums = {name: to_minor(as_money(said[name], currency)) for name in ("authorized", "captured", "refunded")}
        return Books(currency=currency, voided=said["voided"], **sums)

    def deeds(self, order_id):
        known = self.server.books.transactions.values()
        return sum((each["order_id"] or "").split("/")[0] == order_id for each in known)

    def sent(self):
        return [path.encode() + b"\n" + body for _, path, body in self.server.requests]

    def let_pass(self, time):
        self.server.books.ahead += time
        self.server.books.settle()

    def before_a_refund(self, authorization):
        self.server.books.settle()

    def notices(self, authorization):
        books = self.server.books
        books.settle()
        parts = books.children(authorization) or [books.find(authorization)]
        at = time_of(parts[0])
        return [told for part in parts if (told := told_of(part, at))]

    def seal(self, body, *, secret="", seconds_ago=0):
        return {}, sealed(body, public_key=PUBLIC_KEY, private_key=secret or PRIVATE_KEY)

    def strange_notice(self, body):
        return body.replace(b"transaction_settled", b"nobody_heard_of_this")


def time_of(transaction):
    return transaction["updated_at"]
