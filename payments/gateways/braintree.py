"""Braintree, on the vendor's SDK: one transaction per authorization, a child of it for each part that is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from payments.errors import GatewayError, GatewayUnavailable, UnsupportedAction
from payments.gateways import braintree_notices as notices
from payments.gateways import braintree_params as params
from payments.gateways import braintree_words as words
from payments.gateways.base import (
    Capabilities,
    ConfigField,
    DeclineCode,
    GatewayOptions,
    Kind,
    Response,
    Snapshot,
    WebhookNotice,
)
from payments.gateways.braintree_codes import CURRENCIES
from payments.gateways.braintree_vault import SCRIPTS, BraintreeVault, merchant_accounts
from payments.gateways.braintree_wire import BUDGET_S, sdk

UNSETTLED = ("submitted_for_settlement", "voided")  # Voided: asked again, the same key has the same answer.


class BraintreeGateway(BraintreeVault):
    """Sales, settlements, voids and refunds. Each is named by our order id with the operation's key behind it."""

    capabilities = Capabilities(
        idempotency_keys=True,
        lookup=True,
        fetch=True,
        partial_capture=True,
        multiple_captures=True,
        void_after_capture=True,
        partial_refund=True,
        saved_sources=True,
        webhooks=True,
        authorization_lifetime=timedelta(days=7),
        visibility_window=timedelta(minutes=10),
        currencies=CURRENCIES,
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = (
        ConfigField(name="merchant_id", label="Merchant ID", required=True),
        ConfigField(name="public_key", label="Public key", required=True),
        ConfigField(name="private_key", label="Private key", required=True, secret=True),
        ConfigField(
            name="merchant_accounts",
            label="Merchant accounts",
            required=True,
            help="One for each currency that you take, such as: EUR=myshop_eur USD=myshop_usd",
        ),
        ConfigField(
            name="without_request_keys",
            label="Send no request keys",
            type=bool,
            help="For accounts that may not use them (error 915231). What became of a request is then looked up only.",
        ),
        ConfigField(
            name="multiple_captures",
            label="Several captures",
            type=bool,
            help="If Braintree has switched multiple partial settlements on for your account.",
        ),
        ConfigField(name="base_url", label="Address", help="Of a stand-in for Braintree; Braintree's own if empty."),
        ConfigField(name="script_url", label="Scripts", help=f"Of a stand-in; {SCRIPTS} if empty."),
    )
    longest_call: ClassVar[timedelta] = timedelta(seconds=BUDGET_S)

    @classmethod
    def capabilities_with(cls, config: Mapping[str, Any]) -> Capabilities:
        taken = frozenset(merchant_accounts(config)) & CURRENCIES or CURRENCIES
        return replace(cls.capabilities, multiple_captures=config.get("multiple_captures") is True, currencies=taken)

    # The verbs

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._sale(amount_minor, source, options, "authorize")

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._sale(amount_minor, source, options, "purchase")

    def _sale(self, amount_minor: int, source: Any, options: GatewayOptions, kind: Kind) -> Response:
        currency, wanted = options.get("currency", ""), {"submit_for_settlement": kind == "purchase"}
        asked = {
            "amount": params.major(amount_minor, currency),
            "merchant_account_id": self.account(currency),
            "options": wanted,
            **params.sale(options, self.tokenize(source)),
            **self._key(options),
        }
        client = self.client()

        def sell() -> Any:
            if keeping := self.kept_with_the_sale(client, source, options):
                asked.pop("customer", None)
                asked["customer_id"], wanted["store_in_vault_on_success"] = keeping, True
            return client.transaction.sale(asked)

        return self.ask(kind, sell, options)

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        """The whole or less of a hold at once, or one part of several: those are transactions of their own."""
        if not authorization:
            raise self._cannot("capture without an authorization", "capture_without_authorization")
        client, final = self.client(), options.get("final", True)
        amount = params.major(amount_minor, options.get("currency", ""))

        def settle() -> Any:
            found = client.transaction.find(authorization)
            if final and not words.get(found, "partial_settlement_transaction_ids"):
                return client.transaction.submit_for_settlement(authorization, amount, self._key(options))
            named = {"order_id": params.order_id(options, final=final), **self._key(options)}
            asked = {**named, "final_capture": True} if final else named
            return client.transaction.submit_for_partial_settlement(authorization, amount, asked)

        return self.ask("capture", settle, options, authorization)

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        """Lets go of a hold, of what a hold has left, or of a sale that is not settled. Parts that were taken stay."""
        client = self.client()

        def let_go() -> Any:
            found = client.transaction.find(authorization)
            parts = self.parts(client, found)
            if any(params.order_and_key(words.get(part, "order_id"))[2] for part in parts):
                return words.declined(DeclineCode.ALREADY_CAPTURED, "All of it has been submitted for settlement.")
            if words.text(found, "status") in ("settling", "settled"):
                return words.declined(DeclineCode.ALREADY_SETTLED, "It is settled already.")
            return client.transaction.void(authorization, self._key(options))

        return self.ask("void", let_go, options, authorization)

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        """Gives back of what was taken; what is not settled yet is reversed, if it is asked for as a whole."""
        client = self.client()

        def give_back() -> Any:
            found = client.transaction.find(authorization)
            parts = self.parts(client, found)
            if not parts:
                return self._give_back(client, found, amount_minor, options)
            return self._spread(client, parts, amount_minor, authorization, options)

        return self.ask("refund", give_back, options, authorization)

    def _give_back(
        self, client: Any, deed: Any, amount_minor: int, options: GatewayOptions, key: str = ""
    ) -> Response | Any:
        """All or some of one transaction."""
        named = {"api_request_key": key} if key else self._key(options)
        if words.text(deed, "status") in UNSETTLED and amount_minor == words.amount_of(deed):
            result = client.transaction.reverse(deed.id, named or None)
            if result is None or not result.is_success or result.transaction.id != deed.id:
                return result
            return words.reversed_by_void(result.transaction, options.get("currency", ""))
        amount = params.major(amount_minor, options.get("currency", ""))
        return client.transaction.refund(deed.id, {"amount": amount, "order_id": params.order_id(options), **named})

    def _spread(
        self, client: Any, parts: list[Any], amount_minor: int, authorization: str, options: GatewayOptions
    ) -> Response:
        """Over the parts that were taken, the newest first. What an earlier try has given back counts."""
        mine, left = params.order_id(options), amount_minor
        done: list[Any] = []
        with halfway(done):
            for number, part in enumerate(reversed(parts), start=1):
                refunds = self.refunds(client, [part])
                before = [each for each in refunds if words.get(each, "order_id") == mine]
                done += before
                left -= sum(words.amount_of(each) for each in before)
                rest = words.amount_of(part) - sum(words.amount_of(each) for each in refunds)
                wanted = min(left, rest)
                if words.text(part, "status") not in words.TAKEN or wanted <= 0:
                    continue
                key = f"{options['idempotency_key']}-{number}" if self._key(options) else ""
                answer = self.read(
                    "refund", self._give_back(client, part, wanted, options, key), options, authorization
                )
                if not answer.success:
                    return answer if not done else words.together(done, authorization)
                done.append(answer)
                left -= wanted
        if not done:
            return words.declined(DeclineCode.INVALID_AMOUNT, "Nothing of it is left to give back.")
        return words.together(done, authorization)

    def _key(self, options: GatewayOptions) -> dict[str, str]:
        key = options.get("idempotency_key", "")
        return {"api_request_key": key} if key and not self.config.get("without_request_keys") else {}

    # Evidence

    def lookup(self, *, kind: Kind, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        client = self.client()
        named = {"order_id": order_id, "idempotency_key": idempotency_key}
        options = GatewayOptions(**named)  # type: ignore[typeddict-item]
        with self.reading():
            if kind in ("authorize", "purchase"):
                return words.one_of(kind, self._search(client, options, "sale"))
            if not authorization:
                return None
            try:
                found = client.transaction.find(authorization)
            except sdk().exceptions.NotFoundError:
                return None
            return self._look(client, kind, found, options)

    def _look(self, client: Any, kind: Kind, found: Any, options: GatewayOptions) -> Response | None:
        """What became of a capture, a void or a refund of this transaction."""
        status, parts = words.text(found, "status"), self.parts(client, found)
        if kind == "void":
            return words.response(found, kind) if status == "voided" else None
        if kind == "capture":
            if not parts:
                return None if status == "authorized" else words.response(found, kind)
            named = [part for part in parts if words.is_named(part, options)]
            return words.response(named[0], kind, authorization=found.id) if named else None
        return self._look_for_refund(client, found, parts, options)

    def _look_for_refund(self, client: Any, found: Any, parts: list[Any], options: GatewayOptions) -> Response | None:
        """A refund has our key in its order id. A reversal has none: it voids, or refunds under the sale's order id."""
        named = [each for each in self._search(client, options, "credit") if words.is_named(each, options)]
        reversed_ = [
            words.reversed_by_void(part) if words.text(part, "status") == "voided" else refund
            for part in parts or [found]
            for refund in [part, *self.refunds(client, [part])]
            if words.is_reversal(part, refund)
        ]
        if parts and reversed_:
            # The sums can tell: see `fetch`.
            raise UnsupportedAction("Parts of it were reversed, and Braintree does not say for which request.")
        done = named or reversed_
        return words.together(done, found.id) if done else None

    def _search(self, client: Any, options: GatewayOptions, type: str) -> list[Any]:
        """Transactions with this very order id and key; without a key, of the order if there is just one."""
        fields, wanted = sdk().TransactionSearch, params.order_id(options)
        same = client.transaction.search(fields.order_id.starts_with(wanted), fields.type == type)
        found = [each for each in same.items if words.is_named(each, options)]
        return found if options.get("idempotency_key") or len(found) == 1 else []

    def fetch(self, authorization: str) -> Snapshot:
        client = self.client()
        with self.reading():
            try:
                found = client.transaction.find(authorization)
            except sdk().exceptions.NotFoundError as error:
                raise GatewayError("Braintree does not know it.") from error
            parts = self.parts(client, found) or [found]
            return words.snapshot(authorization, found, parts, self.refunds(client, parts))

    def parts(self, client: Any, found: Any) -> list[Any]:
        """The transactions by which an authorization was taken in parts, oldest first."""
        return [client.transaction.find(id) for id in words.get(found, "partial_settlement_transaction_ids") or ()]

    def refunds(self, client: Any, parts: list[Any]) -> list[Any]:
        found = [client.transaction.find(id) for part in parts for id in words.get(part, "refund_ids") or ()]
        return [each for each in found if words.get(each, "status") not in (*words.REFUSED, *words.NOT_SETTLED)]

    # Notices

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[WebhookNotice]:
        return [notices.notice(notices.verified(self.client(), body))]


@contextmanager
def halfway(done: list[Any]) -> Iterator[None]:
    """Once something is done, no refusal of the next request means that nothing was."""
    try:
        yield
    except Exception as error:
        if not done:
            raise
        raise GatewayUnavailable(f"A part of it was given back, and then not ({type(error).__name__}).") from error
