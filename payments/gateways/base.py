"""What every gateway must do. The shapes of its answers are in `answers`, its standard decline codes in `codes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from payments.errors import UnsupportedAction
from payments.gateways.answers import (
    Capabilities,
    Checkpoint,
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
    "Checkpoint",
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
    # Whether `parse_webhook` proves who spoke. If not, what a notice says is asked for again: see `lookup_knowing`.
    signs_webhooks: ClassVar[bool] = True
    # How long one call can keep sending, time-outs and retries added up: until then its asker may be alive.
    longest_call: ClassVar[timedelta] = timedelta(seconds=90)
    # What `templates/gateways/<key>.html` loads, by CSP directive: {"script-src": ("https://js.example.com",)}.
    csp_sources: Mapping[str, tuple[str, ...]] = {}

    def __init__(self, config: Mapping[str, Any], *, test: bool) -> None:
        self.config = config
        self.test = test

    @classmethod
    def capabilities_with(cls, config: Mapping[str, Any]) -> Capabilities:  # noqa: ARG003 (a gateway's own looks at it)
        """What it can do for one payment method: less than it could, where the account behind `config` may not."""
        return cls.capabilities

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

    def lookup_knowing(
        self,
        *,
        kind: Kind,
        idempotency_key: str,
        order_id: str,
        authorization: str,
        reference: str = "",
        since: datetime | None = None,
    ) -> Response | None:
        """`lookup`, with what else is known: the provider's name for the deed, when it was asked for at the earliest.

        For a provider that finds nothing by our names, but fetches by its own, or lists the newest first.
        """
        named = {"idempotency_key": idempotency_key, "order_id": order_id, "authorization": authorization}
        return self.lookup(kind=kind, **named)

    def fetch(self, authorization: str) -> Snapshot:
        """What the provider holds now. Raises GatewayUnavailable."""
        raise self._cannot("fetch", "fetch")

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[WebhookNotice]:
        """What the provider tells us. Raises InvalidSignature before anything is believed, and UnreadableNotice.

        A type that nobody knows is a notice without facts. `headers` may be in any case. One adapter reads many
        notices, several at a time: it keeps nothing of them.
        """
        raise self._cannot("parse_webhook", "webhooks")

    def store(self, source: Any, options: GatewayOptions) -> str:
        """Have the provider keep a source for the customer of `options`: the token to charge it by later."""
        raise self._cannot("store", "saved_sources")

    def forget(self, source: Any) -> None:
        """Have the provider forget a kept source. One that is forgotten already is no error."""
        raise self._cannot("forget", "saved_sources")

    def kept_card(self, authorization: str) -> str:
        """The token of the card that the provider kept when this was paid on its page; "" if it kept none.

        `describe` says what card it is. Raises GatewayUnavailable.
        """
        raise self._cannot("kept_card", "saved_sources")

    def client_config(self, order_info: Mapping[str, Any]) -> dict[str, Any]:
        """What the customer's browser is told: JSON, and nothing secret. `order_info` may be empty, else it says
        `amount_minor`, `currency`, `email`, `country` and `return_url`. Asks the provider for a moment at most."""
        return {}

    def describe(self, token: str) -> dict[str, Any]:
        """What the provider says of a token: `brand last_four month year name`, as far as it knows; {} if it cannot.

        Raises PaymentDeclined for a token that it does not know, and GatewayUnavailable.
        """
        return {}

    def describe_kept(self, token: str, authorization: str) -> dict[str, Any]:
        """`describe`, of a card that was kept when `authorization` was paid: some providers tell of it only there."""
        return self.describe(token)

    def check(self, *, notification_url: str, currencies: frozenset[str]) -> list[Checkpoint]:
        """What the provider says of our account, for whoever is about to go live. Raises GatewayUnavailable."""
        return []

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
