"""Braintree's SDK on our own line: imported when it is needed, and bounded in time and size as every other call."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from payments.errors import GatewayError, GatewayUnavailable
from payments.gateways.http import Http, Patience, seconds_to_wait

if TYPE_CHECKING:
    from braintree.braintree_gateway import BraintreeGateway as Client

PATIENCE = Patience(connect_ms=3_000, answer_ms=12_000, tries=1)
BUDGET_S = 60  # One call of ours may need several of its requests: after this long, none is sent any more.
ADDRESSES = {True: "https://api.sandbox.braintreegateway.com", False: "https://api.braintreegateway.com"}
NAME = re.compile(r"[A-Za-z0-9_-]+")
NEEDED = ("merchant_id", "public_key", "private_key")


@cache
def sdk() -> Any:
    """The vendor's package, which warns of its own insides when it is imported: nothing that we could mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import braintree
    return braintree


class Carrier:
    """What the SDK calls an HTTP strategy. It speaks through `Http`, and stops when the time of the call is over."""

    def __init__(self, _configuration: Any, _environment: Any, *, http: Http) -> None:
        self.http = http
        self.until_ns = time.monotonic_ns() + BUDGET_S * 1_000_000_000

    def http_do(
        self, method: str, address: str, headers: Mapping[str, Any], body: str | bytes | None
    ) -> tuple[int, str]:
        longest_ns = int(self.http.patience.longest.total_seconds()) * 1_000_000_000
        if time.monotonic_ns() + longest_ns > self.until_ns:
            raise GatewayUnavailable(f"{self.http.host} takes too long.")
        parts = urlsplit(address)
        target = self.http.prefix + parts.path + (f"?{parts.query}" if parts.query else "")
        plain = {name: value.decode() if isinstance(value, bytes) else value for name, value in headers.items()}
        content = body.encode() if isinstance(body, str) else body or b""
        status, told, said = self.http.carry(method, target, content, {**plain, "Accept-Encoding": "identity"})
        if status == 429:
            wait = seconds_to_wait(told.get("retry-after"))
            raise GatewayUnavailable(f"{self.http.host} is asked too often at the moment.", retry_after=wait)
        if not (200 <= status < 300 or 400 <= status < 500) or status in (408, 425):
            raise GatewayUnavailable(f"{self.http.host} answered with status {status}.")
        try:
            return status, said.decode()
        except UnicodeDecodeError as error:
            raise GatewayUnavailable(f"{self.http.host} answered with something that is no text.") from error

    def handle_exception(self, error: Exception) -> None:
        raise error

    def close(self) -> None:
        """Each request has a connection of its own."""


def make_http(config: Mapping[str, Any], *, test: bool, patience: Patience) -> Http:
    return Http(str(config.get("base_url") or ADDRESSES[test]), headers={}, patience=patience)


def make_client(config: Mapping[str, Any], *, test: bool, http: Http) -> Client:
    """The SDK for one call of ours. Raises GatewayError where a key cannot be one."""
    keys = {name: str(config.get(name) or "") for name in NEEDED}
    wrong = next((name for name, key in keys.items() if not NAME.fullmatch(key)), "")
    if wrong:
        raise GatewayError(f"Braintree's {wrong.replace('_', ' ')} is not set, or has characters that none has.")
    braintree = sdk()
    configuration = braintree.Configuration(
        environment=braintree.Environment.Sandbox if test else braintree.Environment.Production,
        http_strategy=partial(Carrier, http=http),
        **keys,
    )
    client: Client = braintree.BraintreeGateway(configuration)
    return client
