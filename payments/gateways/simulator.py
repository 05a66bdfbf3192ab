"""The simulator, spoken to as a real provider is: the example that has every capability."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from payments.errors import (
    GatewayError,
    GatewayUnavailable,
    InvalidSignature,
    PaymentDeclined,
    UnreadableNotice,
    UnsupportedAction,
)
from payments.gateways import simulator_words as words
from payments.gateways.base import (
    Capabilities,
    ConfigField,
    DeclineCode,
    Gateway,
    GatewayOptions,
    Kind,
    Outcome,
    Record,
    Response,
    Snapshot,
    WebhookNotice,
)
from payments.gateways.http import Http, Patience, Reply, segment
from payments.gateways.scrubbing import clean

PATIENCE = Patience(connect_ms=3_000, answer_ms=10_000, tries=2, longest_pause_s=5)
ADDRESS = "http://127.0.0.1:9000"


class SimulatorGateway(Gateway):
    """`payments/simulator` over HTTP. It is a stranger: all that we know of it is docs/reference/simulator.md."""

    capabilities = Capabilities(
        idempotency_keys=True,
        lookup=True,
        fetch=True,
        partial_capture=True,
        multiple_captures=True,
        over_capture=True,
        capture_without_authorization=True,
        void_after_capture=True,
        partial_refund=True,
        hosted_page=True,
        saved_sources=True,
        webhooks=True,
        listing=True,
        authorization_lifetime=timedelta(days=7),
        visibility_window=timedelta(seconds=2),
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = (
        ConfigField(name="base_url", label="Address", help=f"Where the simulator listens: {ADDRESS} if empty."),
        ConfigField(name="secret_key", label="Secret key", required=True, secret=True),
        ConfigField(
            name="answer_seconds", label="Patience", type=int, help="Seconds that an answer may take: 10 at most."
        ),
        ConfigField(
            name="webhook_secret", label="Webhook secret", secret=True, help="Needed to take in what it reports."
        ),
    )
    patience: ClassVar[Patience] = PATIENCE
    longest_call: ClassVar[timedelta] = PATIENCE.longest
    tolerance_s = 300  # How far a notice's time may be from ours.
    page = 100  # Lines that one answer of a list has.

    def __init__(self, config: Mapping[str, Any], *, test: bool) -> None:
        super().__init__(config, test=test)
        secret = {"Authorization": f"Bearer {config.get('secret_key', '')}"}
        address = str(config.get("base_url") or ADDRESS)
        wanted_ms = 1_000 * int(config.get("answer_seconds") or 0)
        less = min(wanted_ms, self.patience.answer_ms) if wanted_ms > 0 else self.patience.answer_ms
        # No TLS is needed, whatever the host: these keys open nothing but a simulator.
        self.http = Http(address, headers=secret, patience=replace(self.patience, answer_ms=less), plain=True)

    # The verbs

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._open(amount_minor, source, options, capture=False)

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._open(amount_minor, source, options, capture=True)

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        if not authorization:
            return self._commit("/v1/captures", words.payment(amount_minor, options), options)
        params = {"amount": amount_minor, "final": options.get("final", True)}
        return self._commit(f"/v1/payments/{segment(authorization)}/captures", params, options)

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        return self._commit(f"/v1/payments/{segment(authorization)}/void", {}, options)

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        return self._commit(f"/v1/payments/{segment(authorization)}/refunds", {"amount": amount_minor}, options)

    def _open(self, amount_minor: int, source: Any, options: GatewayOptions, *, capture: bool) -> Response:
        """A token is charged; a source without one is sent to the provider's page."""
        params = {**words.payment(amount_minor, options), "capture": capture}
        token = self.tokenize(source)
        if token:
            return self._commit("/v1/payments", {**params, "source": token}, options)
        if not options.get("return_url"):
            raise UnsupportedAction("A hosted page needs an address to come back to: set PUBLIC_ORIGIN.")
        if getattr(source, "to_keep", False) and options.get("customer_id"):
            params["save_card"] = True  # The page asks its customer once more.
        return self._commit("/v1/sessions", {**params, **words.lines(options)}, options)

    def _commit(self, path: str, params: Mapping[str, Any], options: GatewayOptions) -> Response:
        """The one call that every verb comes down to."""
        reply = self.http.ask("POST", path, body=params, key=options.get("idempotency_key", ""))
        if refused := self._refusal(reply):
            return refused
        return words.response(reply.data, currency=options.get("currency", ""))

    def _refusal(self, reply: Reply) -> Response | None:
        """What the provider would not do: surely not done. None if it did something, a decline included."""
        if reply.status < 400 or "action" in reply.data:
            return None
        error = words.part(reply.data, "error")
        if reply.status == 409 or error.get("type") == "idempotency_error":
            raise GatewayUnavailable("This request was sent before, and its first answer is not known.")
        return Response(
            outcome=Outcome.DECLINED, message=clean(error.get("message")), error_code=words.code_of(error, reply.status)
        )

    # Evidence

    def lookup(self, *, kind: Kind, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        if idempotency_key:
            found = self._actions(kind=kind, idempotency_key=idempotency_key)
            if found:
                return words.response(found[-1])
        # What we asked without a key: one deed of that kind, of ours, and no other that it might be.
        candidates = self._actions(kind=kind, order_id=order_id) if order_id else []
        keyless = [each for each in candidates if words.is_ours_without_key(each)]
        return words.response(keyless[0]) if len(keyless) == 1 else None

    def _actions(self, **query: str) -> list[Mapping[str, Any]]:
        return list(self._pages("/v1/actions", query))

    def fetch(self, authorization: str) -> Snapshot:
        reply = self.http.ask("GET", f"/v1/payments/{segment(authorization)}")
        self._refuse_unless_read(reply)
        return words.snapshot(words.part(reply.data, "payment"))

    def list_records(self, since: datetime, until: datetime) -> Iterator[Record]:
        query = {"since": since.astimezone(UTC).isoformat(), "until": until.astimezone(UTC).isoformat()}
        return map(words.record, self._pages("/v1/records", query))

    def _pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        after: dict[str, Any] = {}
        while True:
            reply = self.http.ask("GET", path, query={**query, "limit": self.page, **after})
            self._refuse_unless_read(reply)
            yield from words.lines_of(reply.data)
            if not reply.data.get("has_more"):
                return
            after = {"after": reply.data.get("next")}

    def _refuse_unless_read(self, reply: Reply) -> None:
        if reply.status == 404:
            raise GatewayError(f"{self.http.host} does not know it.")
        if reply.status >= 400:
            said = clean(words.part(reply.data, "error").get("message"))
            raise GatewayError(f"{self.http.host} refused to say: {said}")

    # Sources

    def supports(self, source: Any) -> bool:
        """A token, or what is paid on the provider's page: a source that says `is_hosted`."""
        return super().supports(source) or bool(getattr(source, "is_hosted", False))

    def store(self, source: Any, options: GatewayOptions) -> str:
        params = {"customer": words.customer(options), "source": self.tokenize(source)}
        reply = self.http.ask("POST", "/v1/cards", body=params, key=options.get("idempotency_key", ""))
        if refused := self._refusal(reply):
            raise PaymentDeclined(refused.message, refused.error_code)
        return str(words.part(reply.data, "card").get("id", ""))

    def forget(self, source: Any) -> None:
        reply = self.http.ask("DELETE", f"/v1/cards/{segment(self.tokenize(source))}")
        if reply.status != 404:
            self._refuse_unless_read(reply)

    def kept_card(self, authorization: str) -> str:
        reply = self.http.ask("GET", f"/v1/payments/{segment(authorization)}")
        self._refuse_unless_read(reply)
        return str((words.part(reply.data, "payment").get("card") or {}).get("id") or "")

    def describe(self, token: str) -> dict[str, Any]:
        if token.startswith("tok_"):
            return {}  # A test token has no page of its own.
        reply = self.http.ask("GET", f"/v1/cards/{segment(token)}")
        if reply.status == 404:
            raise PaymentDeclined("No such card is kept.", DeclineCode.NOT_FOUND)
        self._refuse_unless_read(reply)
        return words.face(words.part(reply.data, "card"))

    # Notices

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[WebhookNotice]:
        named = {name.lower(): value for name, value in headers.items()}
        self._verify(named.get("simulator-signature", ""), body)
        try:
            return [words.notice(json.loads(body))]
        except (ValueError, RecursionError, GatewayUnavailable) as error:
            raise UnreadableNotice("The notice is signed, and cannot be understood.") from error

    def _verify(self, header: str, body: bytes) -> None:
        """Raise InvalidSignature unless the provider signed exactly this, a moment ago."""
        secret = str(self.config.get("webhook_secret") or "")
        given = [tuple(part.strip().split("=", 1)) for part in header.split(",") if "=" in part]
        stamp = next((value for name, value in given if name == "t"), "")
        if not secret or not stamp.isdecimal() or not stamp.isascii() or len(stamp) > 12:
            raise InvalidSignature("The notice is not signed.")
        if abs(int(time.time()) - int(stamp)) > self.tolerance_s:
            raise InvalidSignature("The notice was signed too long ago, or in the future.")
        signed = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        if not any(name == "v1" and hmac.compare_digest(value.encode(), signed.encode()) for name, value in given):
            raise InvalidSignature("The notice was not signed by the simulator.")
