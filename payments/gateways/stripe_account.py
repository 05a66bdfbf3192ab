"""An account at Stripe: its settings, its client, the cards that it keeps, and whether it is ready to go live."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from payments.errors import GatewayError, GatewayUnavailable, PaymentDeclined
from payments.gateways import stripe_checks, stripe_keeping, stripe_looking
from payments.gateways import stripe_params as params
from payments.gateways import stripe_words as words
from payments.gateways.base import Checkpoint, ConfigField, Gateway, GatewayOptions
from payments.gateways.http import Patience, Wire
from payments.gateways.stripe_settings import API_VERSION, FIELDS, PATIENCE, SCRIPT

if TYPE_CHECKING:
    import stripe


class StripeAccount(Gateway):
    """What the verbs in `stripe` stand on. The SDK is imported when it first has to speak."""

    config_fields: ClassVar[tuple[ConfigField, ...]] = FIELDS
    patience: ClassVar[Patience] = PATIENCE
    longest_call: ClassVar[timedelta] = 3 * PATIENCE.longest  # A card to be kept needs its customer first: two calls.
    page = 100  # Lines that one answer of a list has.
    wire: Wire | None = None  # In place of a socket, in tests.

    def __init__(self, config: Mapping[str, Any], *, test: bool) -> None:
        super().__init__(config, test=test)
        self.csp_sources = stripe_keeping.hosts(self.script_url)

    @property
    def script_url(self) -> str:
        return str(self.config.get("script_url") or SCRIPT)

    @property
    def event_version(self) -> str:
        return str(self.config.get("api_version") or API_VERSION)

    @cached_property
    def client(self) -> stripe.StripeClient:
        from payments.gateways import stripe_wire

        wanted_ms = 1_000 * int(self.config.get("answer_seconds") or 0)
        less = min(wanted_ms, self.patience.answer_ms) if wanted_ms > 0 else self.patience.answer_ms
        retries = self.config.get("retries")
        tries = self.patience.tries if retries is None else min(max(int(retries), 0) + 1, self.patience.tries)
        return stripe_wire.make_client(
            str(self.config.get("secret_key") or ""),
            base_url=str(self.config.get("base_url") or ""),
            version=API_VERSION,
            patience=replace(self.patience, answer_ms=less, tries=tries),
            wire=self.wire,
            pause=self.pause,
        )

    def pause(self) -> None:
        """Between two tries of one request."""
        time.sleep(0.5)

    # Asking

    def _adjusted(self, call: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        extra = self.config.get("extra_params")
        return params.adjusted(asked, extra.get(call) if isinstance(extra, Mapping) else None)

    def _read(self, call: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """A question that changes nothing. Raises GatewayError for a no, GatewayUnavailable for silence."""
        from payments.gateways.stripe_wire import Refused, told

        try:
            return told(call, *args)
        except Refused as refused:
            said = words.refusal(refused.status, refused.error)
            raise stripe_looking.NotSaid(refused.status, said.message, said.error_code) from None

    def _pages(self, call: Callable[..., Any], query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        return stripe_looking.pages(lambda asked: self._read(call, asked), {**query, "limit": self.page})

    # Sources

    def store(self, source: Any, options: GatewayOptions) -> str:
        """A SetupIntent for the customer of `options`: the token is `cus_…/pm_…`.

        Raises PaymentDeclined, also where the bank wants to see the customer first: then it is kept nowhere.
        """
        from payments.gateways.stripe_wire import Refused

        try:
            return self._keeping().store(self.tokenize(source), options)
        except Refused as refused:
            said = words.refusal(refused.status, refused.error)
            raise PaymentDeclined(said.message, said.error_code) from None

    def _keeping(self) -> stripe_keeping.Keeping:
        from payments.gateways.stripe_wire import told

        return stripe_keeping.Keeping(self.client.v1, told, self._adjusted)

    def _customer_to_be(self, source: Any, options: GatewayOptions) -> str:
        """Stripe's customer for a card that its owner, who is there, wants us to keep. "" where nothing is to be kept.

        Whatever goes wrong here, the payment is what counts: then it is made without keeping the card.
        """
        from payments.gateways.stripe_wire import Refused

        is_kept = bool(params.split(self.tokenize(source))[0])
        if is_kept or not getattr(source, "to_keep", False) or not params.is_attended(options):
            return ""
        try:
            return self._keeping().customer(options)
        except (Refused, GatewayUnavailable):
            return ""

    def forget(self, source: Any) -> None:
        try:
            self._read(self.client.v1.payment_methods.detach, params.split(self.tokenize(source))[1], {})
        except stripe_looking.NotSaid as refusal:
            if refusal.status not in (400, 404):  # It is not attached any more, or never was.
                raise

    def describe(self, token: str) -> dict[str, Any]:
        _customer, method = params.split(token)
        try:
            return stripe_keeping.card(self._read(self.client.v1.payment_methods.retrieve, method))
        except stripe_looking.NotSaid as refusal:
            raise PaymentDeclined(refusal.message, refusal.code) from None

    def client_config(self, order_info: Mapping[str, Any]) -> dict[str, Any]:
        public = {"publishable_key": str(self.config.get("publishable_key") or ""), "script_url": self.script_url}
        named = ("currency", "email", "country", "return_url")
        return {**public, **{name: str(order_info[name]) for name in named if order_info.get(name)}}

    # Before it goes live

    def check(self, *, notification_url: str, currencies: frozenset[str]) -> list[Checkpoint]:
        found = [*stripe_checks.keys(self.config, test=self.test), stripe_checks.currencies(currencies)]
        try:
            found.append(stripe_checks.account(self._read(self.client.v1.accounts.retrieve_current), test=self.test))
            endpoints = list(self._pages(self.client.v1.webhook_endpoints.list, {}))
        except GatewayError as error:
            return [*found, Checkpoint(name="stripe", state="problem", says=error.message)]
        return [*found, *stripe_checks.webhook(endpoints, address=notification_url, version=self.event_version)]
