"""Stripe, spoken through PaymentIntents with its own SDK, which is imported when it first has to speak."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Any

from payments.errors import (
    GatewayUnavailable,
    InvalidSignature,
    UnreadableNotice,
    UnsupportedAction,
)
from payments.gateways import stripe_books, stripe_looking, stripe_notices
from payments.gateways import stripe_params as params
from payments.gateways import stripe_words as words
from payments.gateways.base import (
    Capabilities,
    GatewayOptions,
    Kind,
    Record,
    Response,
    Snapshot,
    WebhookNotice,
)
from payments.gateways.stripe_account import StripeAccount
from payments.gateways.stripe_amounts import TAKEN


class StripeGateway(StripeAccount):
    """One PaymentIntent for each authorize or purchase, confirmed at once; its id is the handle for the rest."""

    capabilities = Capabilities(
        idempotency_keys=True,
        lookup=True,
        fetch=True,
        partial_capture=True,
        multiple_captures=True,
        partial_refund=True,
        saved_sources=True,
        webhooks=True,
        listing=True,
        authorization_lifetime=timedelta(days=7),
        visibility_window=timedelta(minutes=5),  # Until then it may still be at it. Its lists are never late.
        currencies=TAKEN,
    )
    tolerance_s = 300  # How far a notice's time may be from ours.

    @classmethod
    def capabilities_with(cls, config: Mapping[str, Any]) -> Capabilities:
        return replace(cls.capabilities, multiple_captures=config.get("multiple_captures") is True)

    # The verbs

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._open(amount_minor, source, options, kind="authorize")

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._open(amount_minor, source, options, kind="purchase")

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        if not options.get("final", True) and not self.capabilities_with(self.config).multiple_captures:
            raise UnsupportedAction("This payment method's settings do not allow `multiple_captures`.")
        asked = self._adjusted("capture", params.capturing(amount_minor, options))
        read, ask = partial(words.captured, options=options), self.client.v1.payment_intents.capture
        return self._send("capture", options, read, ask, authorization, asked)

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        asked = self._adjusted("cancel", {"cancellation_reason": "requested_by_customer", "expand": ["latest_charge"]})
        read, ask = partial(_canceled, currency=options.get("currency", "")), self.client.v1.payment_intents.cancel
        return self._send("void", options, read, ask, authorization, asked)

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        asked = self._adjusted("refund", params.refunding(amount_minor, authorization, options))
        read = partial(words.refunded, currency=options.get("currency", ""))
        return self._send("refund", options, read, self.client.v1.refunds.create, asked)

    def _open(self, amount_minor: int, source: Any, options: GatewayOptions, *, kind: Kind) -> Response:
        asked = params.opening(amount_minor, self.tokenize(source), options, capture=kind == "purchase")
        if self.config.get("challenge") == "script" and "return_url" in asked:
            asked = {**asked, "use_stripe_sdk": True}
        if kind == "authorize" and self.capabilities_with(self.config).multiple_captures:
            asked["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
        if customer := self._customer_to_be(source, options):
            asked = params.keeping(asked, customer)
        read = partial(words.attempt, kind=kind, currency=options.get("currency", ""))
        return self._send(kind, options, read, self.client.v1.payment_intents.create, self._adjusted("create", asked))

    def _send(
        self,
        kind: Kind,
        options: GatewayOptions,
        read: Callable[[Mapping[str, Any]], Response],
        call: Callable[..., Any],
        *args: Any,
    ) -> Response:
        """The one call that every verb comes down to."""
        from payments.gateways.stripe_wire import Refused, told

        try:
            return read(told(call, *args, key=options.get("idempotency_key", "")))
        except Refused as refused:
            return words.refusal(refused.status, refused.error, kind)

    # Evidence

    def lookup(self, *, kind: Kind, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        """By what we wrote into the metadata: the search may be late, so that what is young is listed as well."""
        looking = stripe_looking.Looking(self.client.v1, self._read, self._pages)
        return looking.up(kind, idempotency_key, order_id, authorization)

    def fetch(self, authorization: str) -> Snapshot:
        intents, refunds = self.client.v1.payment_intents, self.client.v1.refunds
        intent = self._read(intents.retrieve, authorization, {"expand": ["latest_charge"]})
        return words.snapshot(intent, list(self._pages(refunds.list, {"payment_intent": authorization})))

    def list_records(self, since: datetime, until: datetime) -> Iterator[Record]:
        """What moved money with its fee, and holds and voids beside it; of voids, Stripe knows the last thirty days."""
        for begin, end in stripe_books.days(since, until):
            created = {"created": stripe_books.within(begin, end)}
            ordered = heapq.merge(*map(_oldest_first, self._books(created)), key=attrgetter("occurred_at"))
            yield from ordered

    def _books(self, created: Mapping[str, Any]) -> Iterator[Iterator[Record]]:
        v1 = self.client.v1
        yield stripe_books.holds(self._pages(v1.charges.list, created))
        expanded = {**created, "expand": ["data.source"]}
        yield stripe_books.moves(self._pages(v1.balance_transactions.list, expanded), self._transactions_of)
        yield stripe_books.voids(self._pages(v1.events.list, {**created, "type": "payment_intent.canceled"}))

    def _transactions_of(self, **query: str) -> Iterator[Mapping[str, Any]]:
        return self._pages(self.client.v1.balance_transactions.list, query)

    # Notices

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[WebhookNotice]:
        named = {name.lower(): value for name, value in headers.items()}
        try:
            written = body.decode()
        except UnicodeDecodeError as error:
            raise UnreadableNotice("The notice is no text.") from error
        self._verify(named.get("stripe-signature", ""), written)
        try:
            return [stripe_notices.notice(json.loads(written), version=self.event_version, test=self.test)]
        except (ValueError, RecursionError, GatewayUnavailable) as error:
            raise UnreadableNotice("The notice is signed, and cannot be understood.") from error

    def _verify(self, header: str, body: str) -> None:
        """Raise InvalidSignature unless Stripe signed exactly this, a moment ago by either clock."""
        from payments.gateways.stripe_wire import verify

        if not verify(body, header, str(self.config.get("webhook_secret") or ""), self.tolerance_s):
            raise InvalidSignature("The notice was not signed by Stripe, or too long ago.")
        stamps = [part.partition("=")[2] for part in header.split(",") if part.startswith("t=")]
        if not stamps or int(stamps[0]) - int(time.time()) > self.tolerance_s:  # The SDK looks only backwards.
            raise InvalidSignature("The notice was signed in the future.")


def _canceled(intent: Mapping[str, Any], *, currency: str) -> Response:
    words.demand_currency(intent, currency)
    done = words.voided(intent)
    if done is None:
        raise GatewayUnavailable("Stripe answered to a cancellation with an intent that is not canceled.")
    return done


def _oldest_first(records: Iterator[Record]) -> Iterator[Record]:
    return iter(sorted(records, key=attrgetter("occurred_at")))
