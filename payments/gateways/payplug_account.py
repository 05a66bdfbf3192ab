"""PayPlug's account: how it is asked, kept cards, and what it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from payments.errors import GatewayError, UnsupportedAction
from payments.gateways import payplug_words as words
from payments.gateways.base import Capabilities, Checkpoint, Gateway, GatewayOptions
from payments.gateways.http import Http, Patience, Reply, segment
from payments.gateways.scrubbing import clean

ADDRESS = "https://api.payplug.com"
VERSION = "2019-08-06"
PATIENCE = Patience(connect_ms=3_000, answer_ms=10_000, tries=2, longest_pause_s=5)


class PayPlugAccount(Gateway):
    """What the verbs stand on."""

    patience: ClassVar[Patience] = PATIENCE
    longest_call: ClassVar[timedelta] = 2 * PATIENCE.longest  # A capture looks first.

    def __init__(self, config: Mapping[str, Any], *, test: bool) -> None:
        super().__init__(config, test=test)
        self.key = str(config.get("secret_key") or "")
        headers = {"Authorization": f"Bearer {self.key}", "PayPlug-Version": VERSION}
        self.http = Http(str(config.get("base_url") or ADDRESS), headers=headers, patience=self.patience)

    @classmethod
    def capabilities_with(cls, config: Mapping[str, Any]) -> Capabilities:
        return replace(cls.capabilities, saved_sources=config.get("without_saved_cards") is not True)

    # Asking

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Reply:
        """The one request that everything comes down to. A key of the other mode asks nobody."""
        mode = "sk_test_" if self.test else "sk_live_"
        if not self.key.startswith(mode):
            raise GatewayError(f"PayPlug's secret key is to begin with {mode} here: it decides whether money moves.")
        return self.http.ask(method, path, body=body, query=query)

    def payment(self, authorization: str) -> Mapping[str, Any] | None:
        return self.read(payment_path(authorization))

    def read(self, path: str, query: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """None where PayPlug does not know it. Raises GatewayError where it refuses to say."""
        reply = self.ask("GET", path, query=query)
        if reply.status == 404:
            return None
        if reply.status >= 400:
            raise GatewayError(f"PayPlug refused to say: {words.refused(reply.status, reply.data).message}")
        return reply.data

    def known(self, authorization: str) -> Mapping[str, Any]:
        found = self.payment(authorization)
        if found is None:
            raise GatewayError("PayPlug does not know it.")
        return found

    # Sources

    def supports(self, source: Any) -> bool:
        """A kept card, or what is paid on PayPlug's page: a source that says `is_hosted`."""
        return self.tokenize(source).startswith("card_") or bool(getattr(source, "is_hosted", False))

    def keeps_cards(self) -> bool:
        return self.capabilities_with(self.config).saved_sources

    def store(self, source: Any, options: GatewayOptions) -> str:
        """PayPlug keeps cards by itself, when one is paid with on its page; such a card has its token already."""
        token = self.tokenize(source)
        if not token.startswith("card_"):
            raise UnsupportedAction("PayPlug keeps a card only when it is paid with on PayPlug's page.")
        return token

    def forget(self, source: Any) -> None:
        reply = self.ask("DELETE", f"/v1/cards/{segment(self.tokenize(source))}")
        if reply.status >= 400 and reply.status != 404:
            raise GatewayError(f"PayPlug did not forget it: {words.refused(reply.status, reply.data).message}")

    def kept_card(self, authorization: str) -> str:
        """A payment in one click repeats the card's name, and nothing else of it: that one was kept before."""
        card = words.part(self.known(authorization), "card")
        return clean(card.get("id")) if card.get("last4") else ""

    def describe_kept(self, token: str, authorization: str) -> dict[str, Any]:
        """Only the payment by which a card was kept says which card it is."""
        said = self.known(authorization)
        return words.face(said) if words.part(said, "card").get("id") == token else {}

    # The account

    def check(self, *, notification_url: str, currencies: frozenset[str]) -> list[Checkpoint]:
        account = self.read("/v1/account")
        if account is None:
            return [Checkpoint(name="account", state="warning", says="PayPlug does not show the account of this key.")]
        may = words.part(account, "permissions")
        return [
            Checkpoint(name="account", state="ok", says=f"The key is {'for tests' if self.test else 'live'}."),
            _permitted("capture later", may.get("can_create_deferred_payment")),
            *([_permitted("kept cards", may.get("can_save_cards"))] if self.keeps_cards() else []),
            Checkpoint(
                name="notices",
                state="ok" if notification_url.startswith("https://") else "problem",
                says=f"Each payment asks PayPlug to send its notices to {notification_url or 'nowhere'}.",
            ),
        ]


def payment_path(authorization: str) -> str:
    return f"/v1/payments/{segment(authorization)}"


def _permitted(name: str, granted: Any) -> Checkpoint:
    if granted is True:
        return Checkpoint(name=name, state="ok", says="The account may.")
    if granted is False:
        return Checkpoint(name=name, state="warning", says="The account may not: ask PayPlug, or switch it off here.")
    return Checkpoint(name=name, state="warning", says="PayPlug does not say whether the account may.")
