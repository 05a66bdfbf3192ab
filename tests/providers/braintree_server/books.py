"""Braintree's books: transactions, customers and cards, what may follow what, and who asked with which key."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.providers.braintree_server.says import APPROVED, NONCES, NotThere, Refused, Verdict, by_amount

NO_DECIMALS = set("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
UNSETTLED = ("submitted_for_settlement",)
SETTLED = ("settled", "settling")
DONE = ("submitted_for_settlement", "settling", "settled", "settlement_pending")
GOOD_CARD = NONCES["fake-valid-nonce"]


@dataclass
class Books:
    """All that the server knows. Every deed is done under `lock`."""

    accounts: dict[str, str] = field(default_factory=dict)  # Merchant account → currency; the first is the default.
    hold: timedelta = timedelta(days=7)
    several_captures: bool = True
    keys_allowed: bool = True
    ahead: timedelta = timedelta(0)  # How far this clock is ahead of the world's.
    transactions: dict[str, dict[str, Any]] = field(default_factory=dict)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)  # Nonces that were used: the sandbox's own may be used again.
    keys: dict[str, tuple[str, str, bool]] = field(default_factory=dict)  # Key → request, transaction, whether done.
    final: set[str] = field(default_factory=set)  # Authorizations of which the last part was taken.
    lock: threading.RLock = field(default_factory=threading.RLock)

    def now(self) -> datetime:
        return (datetime.now(UTC) + self.ahead).replace(microsecond=0)

    # What is there

    def find(self, id: str) -> dict[str, Any]:
        if id not in self.transactions:
            raise NotThere(id)
        found = self.transactions[id]
        if found["status"] == "authorized" and self.now() > found["authorization_expires_at"]:
            self.move(found, "authorization_expired")
        return found

    def move(self, transaction: dict[str, Any], status: str) -> None:
        transaction["status"], transaction["updated_at"] = status, self.now()
        event = {
            "timestamp": self.now(),
            "status": status,
            "amount": transaction["amount"],
            "user": "shop",
            "transaction_source": "api",
        }
        transaction["status_history"] = [*transaction["status_history"], event]

    def children(self, id: str) -> list[dict[str, Any]]:
        return [self.transactions[child] for child in self.transactions[id]["partial_settlement_transaction_ids"]]

    def refunds(self, id: str) -> list[dict[str, Any]]:
        found = [self.transactions[refund] for refund in self.transactions[id]["refund_ids"]]
        return [each for each in found if each["status"] in DONE]

    def left(self, transaction: dict[str, Any]) -> Decimal:
        """What may still be given back of what was taken."""
        return transaction["amount"] - sum((each["amount"] for each in self.refunds(transaction["id"])), Decimal(0))

    def held(self, id: str) -> Decimal:
        """What of an authorization was not taken yet. A part that was voided again is not there a second time."""
        taken = [child["amount"] for child in self.children(id)]
        return self.transactions[id]["amount"] - sum(taken, Decimal(0))

    # Asked twice

    def known(self, key: str, request: Any) -> tuple[dict[str, Any], bool] | None:
        """The transaction that this key stands for, and whether the first answer was yes."""
        if not key:
            return None
        if not self.keys_allowed:
            raise Refused("915231")
        if key not in self.keys:
            return None
        same, id, done = self.keys[key]
        if same != json.dumps(request, sort_keys=True, default=str):
            raise Refused("915232")
        return self.find(id), done

    def remember(self, key: str, request: Any, id: str, *, done: bool) -> None:
        if key:
            self.keys[key] = (json.dumps(request, sort_keys=True, default=str), id, done)

    # Making transactions

    def sale(self, params: dict[str, Any]) -> tuple[dict[str, Any], Verdict]:
        if params.get("type") not in ("sale", "credit"):
            raise Refused("91523")
        account, currency = self.account(params.get("merchant_account_id"))
        amount = read_amount(params.get("amount"), currency)
        if params.get("customer_id") and params["customer_id"] not in self.customers:
            raise Refused("91510")
        card, nonce = self._card(params)
        verdict = nonce.verdict if nonce.verdict != APPROVED else by_amount(amount)
        made = self._new(amount, account, currency, params, card)
        made["customer"] = self._customer(params, card)
        checks = {"avs_postal_code": nonce.avs_postal, "avs_street_address": nonce.avs_street, "cvv": nonce.cvv}
        address = params.get("billing") or {}
        if not address.get("postal_code"):
            checks["avs_postal_code"] = "I"
        if not address.get("street_address"):
            checks["avs_street_address"] = "I"
        made.update({f"{name}_response_code": said for name, said in checks.items()})
        made["avs_error_response_code"] = None
        made["processor_response_code"], made["processor_response_text"] = verdict.code, verdict.text
        made["processor_response_type"] = verdict.kind
        made["gateway_rejection_reason"] = verdict.rejection
        made["authorization_expires_at"] = self.now() + self.hold
        if verdict.code == "1000":
            made["processor_authorization_code"] = secrets.token_hex(3).upper()
        self.move(made, verdict.status)
        options = params.get("options") or {}
        if verdict.status == "authorized" and is_on(options.get("store_in_vault_on_success")):
            self._keep(made, card, params.get("customer_id") or "")
        if verdict.status == "authorized" and is_on(options.get("submit_for_settlement")):
            self.move(made, "submitted_for_settlement")
        return made, verdict

    def _keep(self, made: dict[str, Any], card: dict[str, Any], customer: str) -> None:
        """Put the card of a sale into the vault of its customer."""
        if card["token"] is None:
            card = {**card, "token": secrets.token_hex(3), "customer_id": customer}
            self.cards[card["token"]] = card
            made["credit_card"] = {**made["credit_card"], "token": card["token"]}

    def account(self, id: str | None) -> tuple[str, str]:
        name = id or next(iter(self.accounts))
        if name not in self.accounts:
            raise Refused("91513")
        return name, self.accounts[name]

    def _card(self, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """The card that pays, and what a sale with it becomes."""
        token, nonce = params.get("payment_method_token"), params.get("payment_method_nonce")
        if token:
            card = self.cards.get(token)
            if card is None:
                raise Refused("91518")
            if params.get("customer_id") not in (None, card["customer_id"]):
                raise Refused("91516")
            return card, NONCES.get(card["nonce"], GOOD_CARD)
        if not nonce:
            raise Refused("91508")
        return self.spend(nonce, token=None), NONCES[nonce.partition("--")[0]]

    def spend(self, nonce: str, *, token: str | None, unknown: str = "91565", used: str = "91564") -> dict[str, Any]:
        """The card behind a nonce. `name--anything` is a nonce of its own with that name's fate, and is used once."""
        known = NONCES.get(nonce.partition("--")[0])
        if known is None:
            raise Refused(unknown)
        if known.consumed or nonce in self.spent:
            raise Refused(used)
        if "--" in nonce:
            self.spent.add(nonce)
        return {
            "token": token,
            "bin": known.bin,
            "last_4": known.last_4,
            "card_type": known.brand,
            "expiration_month": "12",
            "expiration_year": "2030",
            "customer_location": "US",
            "cardholder_name": None,
            "prepaid": "Unknown",
            "image_url": None,
            "unique_number_identifier": None,
            "nonce": nonce,
        }

    def _customer(self, params: dict[str, Any], card: dict[str, Any]) -> dict[str, Any]:
        known = self.customers.get(card.get("customer_id") or params.get("customer_id") or "", {})
        given = {**known, **(params.get("customer") or {})}
        names = ("id", "first_name", "last_name", "company", "email", "website", "phone", "fax")
        return {name: given.get(name) or None for name in names}

    def _new(
        self, amount: Decimal, account: str, currency: str, params: dict[str, Any], card: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        id, now = secrets.token_hex(4), self.now()
        made = {
            "id": id,
            "status": "authorizing",
            "type": "sale",
            "currency_iso_code": currency,
            "amount": amount,
            "merchant_account_id": account,
            "order_id": params.get("order_id") or None,
            "created_at": now,
            "updated_at": now,
            "credit_card": {name: value for name, value in card.items() if name not in ("nonce", "customer_id")},
            "payment_instrument_type": "credit_card",
            "refund_id": None,
            "refund_ids": [],
            "refunded_transaction_id": None,
            "partial_settlement_transaction_ids": [],
            "authorized_transaction_id": None,
            "status_history": [],
            "settlement_batch_id": None,
            "disputes": [],
            **more,
        }
        self.transactions[id] = made
        return made

    def child(self, parent: dict[str, Any], amount: Decimal, **more: Any) -> dict[str, Any]:
        """A transaction of an earlier one: a part of an authorization, or a refund."""
        account, currency, card = parent["merchant_account_id"], parent["currency_iso_code"], parent["credit_card"]
        params = {"order_id": more.pop("order_id", None) or parent["order_id"]}
        made = self._new(amount, account, currency, params, card, **more)
        made.update(processor_response_code="1000", processor_response_text="Approved")
        return made

    # Time

    def settle(self) -> None:
        """What a night does: everything that was submitted is settled, and the holds whose time is over have ended."""
        for transaction in list(self.transactions.values()):
            if transaction["status"] in UNSETTLED:
                self.settle_one(transaction)
            self.find(transaction["id"])

    def settle_one(self, transaction: dict[str, Any]) -> None:
        transaction["settlement_batch_id"] = f"{self.now():%Y-%m-%d}_{transaction['merchant_account_id']}"
        self.move(transaction, "settling")
        self.move(transaction, "settled")


def is_on(said: Any) -> bool:
    return said in (True, "true", "1")


def read_amount(said: Any, currency: str) -> Decimal:
    if said in (None, ""):
        raise Refused("81502")
    try:
        amount = Decimal(said)
    except InvalidOperation:
        raise Refused("81503") from None
    if not amount.is_finite() or -int(amount.as_tuple().exponent) > (0 if currency in NO_DECIMALS else 2):
        raise Refused("81503")
    if amount <= 0:
        raise Refused("81531")
    return amount
