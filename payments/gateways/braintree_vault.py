"""Braintree's account and vault: which account takes a currency, kept cards, and what a browser is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar
from urllib.parse import urlsplit

from payments.errors import GatewayError, GatewayUnavailable, PaymentDeclined, UnsupportedAction
from payments.gateways import braintree_checks as checks
from payments.gateways import braintree_params as params
from payments.gateways import braintree_words as words
from payments.gateways.base import Checkpoint, DeclineCode, Gateway, GatewayOptions, Kind, Response
from payments.gateways.braintree_codes import EXISTS_ALREADY
from payments.gateways.braintree_wire import PATIENCE, make_client, make_http, sdk
from payments.gateways.http import Patience

# Where the vendor's script comes from, in the version that our fragment was written for, and what it asks.
SCRIPTS = "https://js.braintreegateway.com/web/3.134.0/js"
ASSETS = "https://assets.braintreegateway.com"
BRIEF = Patience(connect_ms=1_500, answer_ms=3_500, tries=1)  # Somebody waits for the page.
ASKED = {
    True: ("https://api.sandbox.braintreegateway.com", "https://client-analytics.sandbox.braintreegateway.com"),
    False: ("https://api.braintreegateway.com", "https://client-analytics.braintreegateway.com"),
}


def merchant_accounts(config: Mapping[str, Any]) -> dict[str, str]:
    """Currency → merchant account, of `EUR=myshop_eur USD=myshop_usd`."""
    pairs = (pair.partition("=") for pair in str(config.get("merchant_accounts") or "").replace(",", " ").split())
    return {name.upper(): account for name, _, account in pairs if account}


class BraintreeVault(Gateway):
    """What the verbs stand on: the client, one way of asking, the vault, and what a browser needs."""

    patience: ClassVar[Patience] = PATIENCE

    def __init__(self, config: Mapping[str, Any], *, test: bool) -> None:
        super().__init__(config, test=test)
        self.http = make_http(config, test=test, patience=self.patience)
        self.scripts = str(config.get("script_url") or SCRIPTS).rstrip("/")
        parts = urlsplit(self.scripts)
        origin = f"{parts.scheme}://{parts.netloc}"
        self.csp_sources = dict.fromkeys(("script-src", "frame-src", "connect-src"), (origin,))
        if self.scripts == SCRIPTS:
            self.csp_sources = {
                "script-src": (origin, ASSETS),
                "frame-src": (ASSETS,),
                "img-src": (ASSETS,),
                "connect-src": (*ASKED[test], "https://*.braintree-api.com"),
            }

    def client(self) -> Any:
        """The SDK, for one call: its time begins now."""
        return make_client(self.config, test=self.test, http=self.http)

    def account(self, currency: str) -> str:
        """The merchant account of a currency: each has one, and Braintree converts nothing."""
        accounts = merchant_accounts(self.config)
        if currency.upper() not in accounts:
            raise UnsupportedAction(f"No merchant account of Braintree is set for {currency}.")
        return accounts[currency.upper()]

    # Asking

    def ask(self, kind: Kind, call: Callable[[], Any], options: GatewayOptions, authorization: str = "") -> Response:
        """The one way in which every verb asks. A refusal is a Response, whatever is no answer GatewayUnavailable."""
        refusals = sdk().exceptions
        with self.reading():
            try:
                return self.read(kind, call(), options, authorization)
            except refusals.NotFoundError:
                return words.declined(DeclineCode.NOT_FOUND, "Braintree does not know it.")
            except (refusals.AuthenticationError, refusals.AuthorizationError, refusals.UpgradeRequiredError) as error:
                return words.declined(DeclineCode.CONFIG_ERROR, f"Braintree refused the keys ({type(error).__name__}).")

    def read(self, kind: Kind, result: Any, options: GatewayOptions, authorization: str) -> Response:
        if isinstance(result, Response):
            return result
        if result is None:
            raise GatewayUnavailable("Braintree's answer says nothing.")
        if not result.is_success:
            return words.refusal(result, kind)
        currency = options.get("currency", "")
        return words.response(result.transaction, kind, currency=currency, authorization=authorization)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Whatever cannot be read, and whatever else the SDK stumbles over, is no answer."""
        refusals = sdk().exceptions
        known = (refusals.NotFoundError, refusals.AuthenticationError, refusals.AuthorizationError)
        try:
            yield
        except GatewayError:
            raise
        except known as error:
            raise GatewayError(f"Braintree refused to say ({type(error).__name__}).") from error
        except Exception as error:
            raise GatewayUnavailable(f"Braintree's answer cannot be read ({type(error).__name__}).") from error

    # Kept cards

    def store(self, source: Any, options: GatewayOptions) -> str:
        """Keep what a nonce stands for: `customer/token`. What was paid with a nonce has to be kept by that sale.

        The vault's token is drawn from the nonce, so asked twice it is kept once.
        """
        nonce, client, customer = self.tokenize(source), self.client(), params.customer_id(options)
        if params.split(nonce)[1]:
            return nonce
        if token := self._kept_by_sale(client, options):
            return f"{customer}/{token}"
        token = f"card_{params.digest(nonce)[:28]}"
        wanted = {"verify_card": True, "verification_merchant_account_id": self.account(options.get("currency", ""))}
        asked = {"customer_id": customer, "payment_method_nonce": nonce, "token": token, "options": wanted}
        with self.reading():
            self.add_customer(client, options)
            self._add(client.payment_method.create, asked)
        return f"{customer}/{token}"

    def kept_with_the_sale(self, client: Any, source: Any, options: GatewayOptions) -> str:
        """For whom a sale is to keep its card, if its customer wants that: a nonce cannot be used for it later."""
        if not getattr(source, "to_keep", False) or params.split(self.tokenize(source))[1]:
            return ""
        self.add_customer(client, options)
        return params.customer_id(options)

    def _kept_by_sale(self, client: Any, options: GatewayOptions) -> str:
        """The vault's token of the card that this payment was made with; "" if it was not kept."""
        paid = str(getattr(options.get("originator"), "response_code", "") or "")
        if not paid:
            return ""
        with self.reading():
            try:
                card = words.get(client.transaction.find(paid), "credit_card_details")
            except sdk().exceptions.NotFoundError:
                return ""
        return str(words.get(card, "token") or "")

    def add_customer(self, client: Any, options: GatewayOptions) -> None:
        """The vault's customer for ours, made where there is none."""
        self._add(client.customer.create, {"id": params.customer_id(options), "email": options.get("email", "")})

    def _add(self, create: Callable[[dict[str, Any]], Any], asked: dict[str, Any]) -> None:
        """Raises PaymentDeclined unless it is there now."""
        result = create(asked)
        if result is None:
            raise GatewayUnavailable("Braintree's answer says nothing.")
        if result.is_success or EXISTS_ALREADY.intersection(error.code for error in result.errors.deep_errors):
            return
        refused = words.refusal(result, "authorize")
        raise PaymentDeclined(refused.message, refused.error_code)

    def forget(self, source: Any) -> None:
        kept = params.split(self.tokenize(source))[1]
        if not kept:
            return  # A nonce is forgotten by itself.
        client = self.client()
        with self.reading():
            try:
                client.payment_method.delete(kept)
            except sdk().exceptions.NotFoundError:
                return

    def check(self, *, notification_url: str, currencies: frozenset[str]) -> list[Checkpoint]:
        client = self.client()

        def find(id: str) -> Any:
            try:
                return client.merchant_account.find(id)
            except sdk().exceptions.NotFoundError:
                return None

        try:
            with self.reading():
                found = [*checks.accounts(merchant_accounts(self.config), find, currencies)]
        except GatewayUnavailable:
            raise
        except GatewayError as error:
            found = [Checkpoint(name="keys", state="problem", says=error.message)]
        return [*found, checks.webhook(notification_url)]

    def client_config(self, order_info: Mapping[str, Any]) -> dict[str, Any]:
        """A client token, good for a day and for entering a card only. Without one, the fragment says so."""
        shown = {"script_url": self.scripts, "language": str(order_info.get("language") or "en")}
        currency = str(order_info.get("currency") or "")
        if not currency:
            return shown
        account = self.account(currency)
        brief = make_http(self.config, test=self.test, patience=BRIEF)
        client = make_client(self.config, test=self.test, http=brief)
        try:
            with self.reading():
                return {**shown, "authorization": client.client_token.generate({"merchant_account_id": account})}
        except GatewayUnavailable:
            return shown

    def describe(self, token: str) -> dict[str, Any]:
        client, kept = self.client(), params.split(token)[1]
        with self.reading():
            try:
                if kept:
                    return words.card_of(client.payment_method.find(kept))
                return words.card_of(client.payment_method_nonce.find(token).details)
            except sdk().exceptions.NotFoundError as error:
                raise PaymentDeclined("Braintree does not know this card.", DeclineCode.NOT_FOUND) from error
