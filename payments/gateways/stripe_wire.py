"""Stripe's SDK, tamed: one bounded connection a request, asked again under one key only, and two kinds of trouble.

This module imports the SDK, which takes a third of a second: the gateway imports it when it first has to speak.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from payments.errors import GatewayError, GatewayUnavailable
from payments.gateways.http import LOOPBACK, TROUBLE, Line, Patience, Wire, seconds_to_wait
from payments.gateways.scrubbing import clean

stripe.enable_telemetry = False  # Else it writes an id into the home directory and tells of our machine.
LIVE_API = stripe.DEFAULT_API_BASE
REFUSALS = (400, 401, 402, 403, 404)
UNREAD = (401, 403, 429)  # Said before anybody looks at what is asked, and whether it was asked before.


class Refused(Exception):
    """Stripe has answered that it did not do it. `error` is what it says."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status, self.error = status, error


class Courier(stripe.HTTPClient):
    """What carries the SDK's requests. Asks again after silence, a conflict and a 5xx, with the key it already has."""

    name = "urllib3"

    def __init__(self, base_url: str, patience: Patience, wire: Wire | None, pause: Callable[[], None]) -> None:
        super().__init__()
        parts = urlsplit(base_url)
        plain_abroad = parts.scheme == "http" and parts.hostname not in LOOPBACK
        if parts.scheme not in ("http", "https") or not parts.hostname or plain_abroad:
            raise GatewayError("Stripe's address is to begin with https: what is sent there is secret.")
        self.patience, self.pause = patience, pause
        self.wire: Wire = wire or Line(parts.scheme, parts.hostname, parts.port, patience)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        content = post_data.encode() if isinstance(post_data, str) else post_data or b""
        sent = {"Accept-Encoding": "identity", **(headers or {})}
        was_silent = False
        for tries_left in reversed(range(self.patience.tries)):
            try:
                status, told, said = self.wire.request(method.upper(), target, content, sent)
            except TROUBLE as trouble:
                was_silent = True
                if tries_left:
                    self.pause()
                    continue
                raise stripe.APIConnectionError(f"No answer ({type(trouble).__name__}).") from None
            if not (tries_left and _may_ask_again(status, told)):
                break
            was_silent = was_silent or status >= 500
            self.pause()
        if status in UNREAD and was_silent:  # This one was not read, but the try before it may have been.
            raise stripe.APIConnectionError(f"No answer, and then refused unread (status {status}).")
        return said, status, told

    def close(self) -> None:
        """Nothing is kept open."""


def _may_ask_again(status: int, told: Mapping[str, str]) -> bool:
    advice = told.get("stripe-should-retry")
    if advice in ("true", "false"):
        return advice == "true"
    return status == 409 or status >= 500


def make_client(
    key: str, *, base_url: str, version: str, patience: Patience, wire: Wire | None, pause: Callable[[], None]
) -> stripe.StripeClient:
    """Raises GatewayError for a key that no header can carry."""
    if not key.isprintable() or not key.isascii():
        raise GatewayError("The secret key of this payment method has characters that no key has.")
    courier = Courier(base_url or LIVE_API, patience, wire, pause)
    return stripe.StripeClient(
        key,
        base_addresses={"api": (base_url or LIVE_API).rstrip("/")},
        http_client=courier,
        max_network_retries=0,  # The courier's own are under the same key, and are counted in `longest_call`.
        stripe_version=version,
    )


def told(call: Callable[..., Any], *args: Any, key: str = "") -> dict[str, Any]:
    """The answer as plain data. Raises Refused for a no, GatewayUnavailable for everything that is no answer."""
    try:
        found = call(*args, options={"idempotency_key": key} if key else {})
    except stripe.RateLimitError as error:
        wait = seconds_to_wait((error.headers or {}).get("retry-after"))
        raise GatewayUnavailable("Stripe is asked too often at the moment.", retry_after=wait or 1) from None
    except stripe.IdempotencyError:
        raise GatewayUnavailable("This request was sent before, and its first answer is not known.") from None
    except stripe.StripeError as error:
        body = error.json_body if isinstance(error.json_body, dict) else {}
        said = body.get("error")
        if error.http_status in REFUSALS and isinstance(said, dict):
            raise Refused(error.http_status, said) from None
        how = f"status {error.http_status}" if error.http_status else clean(error.user_message)
        raise GatewayUnavailable(f"Stripe gave no answer that can be trusted ({how}).") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # JSON, and nothing that the SDK can read.
        raise GatewayUnavailable(f"Stripe answered with a riddle ({type(error).__name__}).") from None
    data: dict[str, Any] = found.to_dict()
    return data


def verify(body: str, header: str, secret: str, tolerance_s: int) -> bool:
    """Whether Stripe signed exactly this, not long ago."""
    try:
        stripe.WebhookSignature.verify_header(body, header, secret, tolerance_s)
    except stripe.SignatureVerificationError:
        return False
    return True
