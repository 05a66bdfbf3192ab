"""What every gateway must do. The shapes of its answers are in `answers`, its standard decline codes in `codes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from payments.errors import UnsupportedAction
from payments.gateways.answers import (
    Capabilities,
    ConfigField,
    Fact,
    GatewayOptions,
    Kind,
    Outcome,
    Record,
    RecordKind,
    Response,
    Snapshot,
    Source,
    WebhookNotice,
)
from payments.gateways.codes import DeclineCode

__all__ = [
    "Capabilities",
    "ConfigField",
    "DeclineCode",
    "Fact",
    "Gateway",
    "GatewayOptions",
    "Kind",
    "Outcome",
    "Record",
    "RecordKind",
    "Response",
    "Snapshot",
    "Source",
    "WebhookNotice",
]


class Gateway:
    """Our stateless adapter to one provider, built from a payment method's settings and the secrets they name.

    Amounts are whole minor units of `options["currency"]`. A refusal is a Response; silence, a dropped
    connection and a 5xx are GatewayUnavailable. A gateway imports no model, no setting and no request.
    """

    capabilities: ClassVar[Capabilities] = Capabilities()
    config_fields: ClassVar[tuple[ConfigField, ...]] = ()
    source_required: ClassVar[bool] = True
    takes_card_numbers: ClassVar[bool] = False  # Only where nothing but test numbers can be typed: see `bogus`.
    # How long one call can keep sending, time-outs and retries added up: until then its asker may be alive.
    longest_call: ClassVar[timedelta] = timedelta(seconds=90)

    def __init__(self, config: Mapping[str, Any], *, test: bool) -> None:
        self.config = config
        self.test = test

    @classmethod
    def require(cls, capability: str) -> None:
        """Raise UnsupportedAction, naming the capability, unless this gateway declares it."""
        if not getattr(cls.capabilities, capability):
            raise UnsupportedAction(f"{cls.__name__} cannot do that: it does not declare `{capability}`.")

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        raise self._cannot("authorize")

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        raise self._cannot("purchase")

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        raise self._cannot("capture")

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        raise self._cannot("void")

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        raise self._cannot("credit")

    def lookup(self, *, kind: Kind, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        """What became of that request; None if the provider does not find it. Raises GatewayUnavailable."""
        raise self._cannot("lookup", "lookup")

    def fetch(self, authorization: str) -> Snapshot:
        """What the provider holds now. Raises GatewayUnavailable."""
        raise self._cannot("fetch", "fetch")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[WebhookNotice]:
        """What the provider tells us. Raises InvalidSignature before anything is believed, and UnreadableNotice.

        A type that nobody knows is a notice without facts. `headers` may be in any case.
        """
        raise self._cannot("parse_webhook", "webhooks")

    def store(self, source: Any, options: GatewayOptions) -> str:
        """Have the provider keep a source for the customer of `options`: the token to charge it by later."""
        raise self._cannot("store", "saved_sources")

    def forget(self, source: Any) -> None:
        """Have the provider forget a kept source. One that is forgotten already is no error."""
        raise self._cannot("forget", "saved_sources")

    def list_records(self, since: datetime, until: datetime) -> Iterator[Record]:
        """The provider's own books from `since` (included) until `until` (excluded), oldest first, page by page."""
        raise self._cannot("list_records", "listing")

    def supports(self, source: Any) -> bool:
        """Whether this source can be charged: by default anything that a provider has given a token."""
        return bool(getattr(source, "token", ""))

    def tokenize(self, source: Any) -> str:
        """The token to keep for a new source. Only a gateway that accepts raw card numbers makes one itself."""
        return str(getattr(source, "token", ""))

    def _cannot(self, action: str, capability: str = "") -> UnsupportedAction:
        why = f": it does not declare `{capability}`" if capability else ""
        return UnsupportedAction(f"{type(self).__name__} cannot {action}{why}.")
