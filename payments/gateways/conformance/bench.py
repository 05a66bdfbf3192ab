"""What the author of a gateway sets up for the kit: the gateway, its sources, and the provider's side of the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, cast

from payments.gateways.base import Gateway, GatewayOptions, Response
from payments.gateways.http import Http

# What can befall a request. In those marked with a star it has been done all the same.
FAULTS = {
    "lost_request": "The connection drops before anything is done.",
    "lost_answer": "* The connection drops after it.",
    "late_answer": "* The answer comes after every time-out.",
    "truncated_body": "* Half an answer arrives.",
    "error_before": "503, and nothing is done.",
    "error_after": "* 500 or 502.",
    "rate_limited": "429 with a Retry-After, and nothing is done.",
    "wrong_amount": "* The answer states another amount.",
    "wrong_currency": "* The answer states another currency.",
    "unknown_status": "* The answer has a status that nobody has heard of.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a customer pays with, as a gateway sees it. A number is there to tempt; only few may look at it."""

    token: str = ""
    number: str = ""
    verification_value: str = ""
    is_hosted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the provider itself has written down for one authorization, in whole minor units of its currency."""

    currency: str
    authorized: int
    captured: int
    refunded: int
    voided: bool


class Bench:
    """Override what your provider has. `no_wire` says why there is none: then the gateway may open no connection."""

    gateway_class: ClassVar[type[Gateway]]
    config: Mapping[str, Any] = {}
    currency = "EUR"
    no_wire = ""
    secrets: Sequence[str] = ()  # Values that must never leave the gateway but to the provider.
    settlement: timedelta | None = None  # When an unsettled sale can be voided no more.
    over_capture_minor = 1_100  # What may be captured of 1000.
    a_page_of_records = 100  # How many records one answer of the listing has.
    notices_age = True  # Whether a notice says when it was signed.
    notified: Sequence[str] = ("authorize", "capture")  # The deeds of which the provider tells by itself.

    # The gateway

    def start(self) -> None:
        """Before each rule: make the provider's stand-in."""

    def stop(self) -> None:
        """After each rule."""

    def make_gateway(self) -> Gateway:
        return self.gateway_class(self.config, test=True)

    def waits(self) -> timedelta:
        """How long one call can take: the time-outs and tries of the client, added up."""
        rooms = [each for each in vars(self.gateway).values() if isinstance(each, Http)]
        if not rooms and not self.no_wire:
            raise NotImplementedError("Add up the time-outs and tries of your client in `waits`.")
        return max((room.patience.longest for room in rooms), default=timedelta(0))

    # Sources

    def source(self, does: str) -> Any:
        """What is approved (`approve`), declined (`decline`), challenged (`challenge`), decided later (`process`).

        None for the last three if the provider has no such thing.
        """
        raise NotImplementedError(f"Give a source that will do this: {does}.")

    def declines(self) -> Mapping[str, Any]:
        """Sources that are declined, by the standard code that is to come of each."""
        declined = self.source("decline")
        return {} if declined is None else {"card_declined": declined}

    def an_amount(self, currency: str, amount_minor: int) -> int:
        """The same amount, or the next one below that the provider takes in that currency."""
        return amount_minor

    # The provider's side

    def spoil(self, fault: str, *, kind: str = "", times: int = 1) -> None:
        """Let one of FAULTS befall the next request, or the next of that kind (`lookup`, `fetch`); 0 times: all."""
        raise NotImplementedError(f"Let this befall the next request: {fault}: {FAULTS[fault]}")

    def books(self, authorization: str) -> Books:
        """What the provider has written down, not asked through the gateway."""
        raise NotImplementedError("Tell what the provider has written down.")

    def deeds(self, order_id: str) -> int:
        """How many things the provider has done for this order id."""
        raise NotImplementedError("Count what the provider has done for an order id.")

    def sent(self) -> Sequence[bytes]:
        """Everything that the gateway has sent, headers aside."""
        return ()

    def let_pass(self, time: timedelta) -> None:
        """Move the provider's clock."""
        raise NotImplementedError("Move the provider's clock.")

    def pay_page(self, url: str) -> None:
        """Pay on the provider's page, as a customer with a good card does."""
        raise NotImplementedError("Pay on the provider's page.")

    def notices(self, authorization: str) -> Sequence[bytes]:
        """The bodies that the provider sends about this authorization, oldest first."""
        raise NotImplementedError("Give the bodies of the provider's notices.")

    def sign(self, body: bytes, *, secret: str = "", seconds_ago: int = 0) -> Mapping[str, str]:
        """The headers with which the provider sends this body; signed with another secret if one is given."""
        raise NotImplementedError("Sign as the provider does.")

    def seal(self, body: bytes, *, secret: str = "", seconds_ago: int = 0) -> tuple[Mapping[str, str], bytes]:
        """What arrives: headers and body. Override it, in place of `sign`, where the signature is in the body."""
        return self.sign(body, secret=secret, seconds_ago=seconds_ago), body

    def before_a_refund(self, authorization: str) -> None:
        """Let pass what this provider waits for until it gives back what was taken, such as a night."""

    def strange_notice(self, body: bytes) -> bytes:
        """The same notice, of a type that nobody has heard of."""
        return json.dumps({**json.loads(body), "type": "nobody.heard_of_this"}).encode()

    # For the rules

    def setup_method(self, _method: object = None) -> None:
        self.start()
        self.gateway = self.make_gateway()

    def teardown_method(self, _method: object = None) -> None:
        self.stop()

    def options(self, order_id: str = "", **more: Any) -> GatewayOptions:
        """Options as the core gives them, with an idempotency key of their own."""
        number = uuid.uuid4().hex[:8].upper()
        given = {
            "email": "ada@example.com",
            "customer": "ada@example.com",
            "customer_id": None,
            "ip": "203.0.113.9",
            "order_id": order_id or f"R1{number}-{number}",
            "originator": None,
            "currency": self.currency,
            "billing_address": None,
            "shipping_address": None,
            "idempotency_key": f"{number}-kit-1",
            "final": True,
            "return_url": "https://shop.example/orders/R1/",
            "notification_url": "",
            "description": "Order R1",
            "line_items": [{"sku": "TEE", "name": "Tee", "quantity": 1, "unit_price": 1_000, "total": 1_000}],
            "initiator": "checkout",
        }
        return cast(GatewayOptions, {**given, **more})

    def hold(self, amount_minor: int = 1_000, options: GatewayOptions | None = None) -> str:
        """An approved authorization's handle; "" where the gateway needs no source, and so has nothing to hold."""
        if not self.gateway_class.source_required:
            return ""
        return self.approved(amount_minor, options).authorization

    def approved(self, amount_minor: int = 1_000, options: GatewayOptions | None = None) -> Response:
        return self.gateway.authorize(amount_minor, self.source("approve"), options or self.options())

    def give_back(self, amount_minor: int, authorization: str, options: GatewayOptions | None = None) -> Response:
        """A refund of what was taken a moment ago."""
        self.before_a_refund(authorization)
        return self.gateway.credit(amount_minor, authorization, options or self.options())

    def taken(self, amount_minor: int = 1_000) -> str:
        """The handle of what is held and taken."""
        held = self.hold(amount_minor)
        return self.gateway.capture(amount_minor, held, self.options()).authorization or held
