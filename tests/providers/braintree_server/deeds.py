"""What can be asked: each request is done here, under the books' lock, or refused with a number."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from tests.providers.braintree_server.books import DONE, SETTLED, UNSETTLED, Books, is_on, read_amount
from tests.providers.braintree_server.says import NONCES, NotThere, Refused
from tests.providers.braintree_server.xml import Collection

Answer = tuple[int, str, Any]  # Status, the name of the root element, its content.
PAGE = 50


class Deeds:
    """The API: one method a request. A path's last step is the method's name where a transaction is meant."""

    def __init__(self, books: Books, *, page: int = PAGE) -> None:
        self.books, self.page = books, page

    def do(self, method: str, steps: list[str], body: dict[str, Any]) -> Answer:
        with self.books.lock:
            match (method, *steps):
                case ("POST", "transactions"):
                    return self.create(body.get("transaction") or {})
                case ("POST", "transactions", "advanced_search_ids"):
                    return self.search_ids(body.get("search") or {})
                case ("POST", "transactions", "advanced_search"):
                    return self.search(body.get("search") or {})
                case ("GET", "transactions", id):
                    return 200, "transaction", shown(self.books.find(id))
                case (_, "transactions", id, deed) if deed in DEEDS and DEEDS[deed] == method:
                    return self.deed(deed, id, body.get("transaction") or {})
                case _:
                    return self.vault(method, steps, body)

    # Transactions

    def create(self, params: dict[str, Any]) -> Answer:
        key, request = params.get("api_request_key") or "", ["create", params]
        if known := self.books.known(key, request):
            return self._made(known[0], done=known[1])
        made, verdict = self.books.sale(params)
        done = verdict.status == "authorized"
        self.books.remember(key, request, made["id"], done=done)
        return self._made(made, done=done)

    def _made(self, transaction: dict[str, Any], *, done: bool) -> Answer:
        if done:
            return 201, "transaction", shown(transaction)
        reason = transaction["gateway_rejection_reason"]
        said = f"Gateway Rejected: {reason}" if reason else transaction["processor_response_text"]
        return 422, "api_error_response", {"errors": {"errors": []}, "message": said, "transaction": shown(transaction)}

    def deed(self, deed: str, id: str, params: dict[str, Any]) -> Answer:
        key, request = params.get("api_request_key") or "", [deed, id, params]
        if known := self.books.known(key, request):
            return 200, "transaction", shown(known[0])
        made = getattr(self, deed)(self.books.find(id), params)
        self.books.remember(key, request, made["id"], done=True)
        return 201 if made["id"] != id else 200, "transaction", shown(made)

    def submit_for_settlement(self, found: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        if found["status"] != "authorized" or found["partial_settlement_transaction_ids"]:
            raise Refused("91507")
        if params.get("amount"):
            amount = read_amount(params["amount"], found["currency_iso_code"])
            if amount > found["amount"]:
                raise Refused("91522")
            found["amount"] = amount
        if params.get("order_id"):
            found["order_id"] = params["order_id"]
        self.books.move(found, "submitted_for_settlement")
        return found

    def submit_for_partial_settlement(self, found: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        if not self.books.several_captures:
            raise Refused("915102")
        if found["status"] not in ("authorized", "settlement_pending") or found["id"] in self.books.final:
            raise Refused("915103")
        amount = read_amount(params.get("amount"), found["currency_iso_code"])
        if amount > self.books.held(found["id"]):
            raise Refused("91522")
        made = self.books.child(found, amount, order_id=params.get("order_id"), authorized_transaction_id=found["id"])
        self.books.move(made, "submitted_for_settlement")
        found["partial_settlement_transaction_ids"] = [*found["partial_settlement_transaction_ids"], made["id"]]
        if is_on(params.get("final_capture")) or not self.books.held(found["id"]):
            self.books.final.add(found["id"])
        if found["status"] == "authorized":
            self.books.move(found, "settlement_pending")
        return made

    def void(self, found: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
        part_held = found["status"] == "settlement_pending" and found["id"] not in self.books.final
        if found["status"] not in ("authorized", *UNSETTLED) and not part_held:
            raise Refused("91504")
        self.books.move(found, "voided")
        return found

    def refund(self, found: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        if found["type"] == "credit":
            raise Refused("91505")
        if found["status"] not in SETTLED:
            raise Refused("91506")
        left = self.books.left(found)
        if not left:
            raise Refused("91512")
        amount = read_amount(params["amount"], found["currency_iso_code"]) if params.get("amount") else left
        if amount > left:
            raise Refused("91521")
        made = self.books.child(
            found, amount, order_id=params.get("order_id"), type="credit", refunded_transaction_id=found["id"]
        )
        self.books.move(made, "submitted_for_settlement")
        found["refund_ids"] = [*found["refund_ids"], made["id"]]
        found["refund_id"] = made["id"]
        return made

    def reverse(self, found: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Void if that is still possible, else give all of it back."""
        if found["status"] in SETTLED:
            return self.refund(found, {})
        if found["status"] not in ("authorized", *UNSETTLED):
            raise Refused("915282")
        return self.void(found, params)

    # For tests, as in the sandbox

    def settle(self, found: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
        if found["status"] not in UNSETTLED:
            raise Refused("91575")
        self.books.settle_one(found)
        return found

    def settlement_decline(self, found: dict[str, Any], _params: dict[str, Any]) -> dict[str, Any]:
        if found["status"] not in UNSETTLED:
            raise Refused("91575")
        found.update(
            processor_settlement_response_code="4001", processor_settlement_response_text="Settlement Declined"
        )
        self.books.move(found, "settlement_declined")
        return found

    # Searching: ids first, then page by page

    def search_ids(self, search: dict[str, Any]) -> Answer:
        found = [id for id, each in self.books.transactions.items() if _fits(each, search)]
        return 200, "search_results", {"page_size": self.page, "ids": found}

    def search(self, search: dict[str, Any]) -> Answer:
        asked = search.get("ids") or []
        if len(asked) > self.page:
            raise Refused("81503", "search")
        found = [each for id, each in self.books.transactions.items() if id in asked and _fits(each, search)]
        numbers = {"current_page_number": 1, "page_size": self.page, "total_items": len(found)}
        listed = [("transaction", shown(each)) for each in found]
        return 200, "credit_card_transactions", Collection([*numbers.items(), *listed])

    # The vault

    def vault(self, method: str, steps: list[str], body: dict[str, Any]) -> Answer:
        match (method, *steps):
            case ("POST", "customers"):
                return self.add_customer(body.get("customer") or {})
            case ("GET", "customers", id) if id in self.books.customers:
                return 200, "customer", self._customer(id)
            case ("DELETE", "customers", id) if id in self.books.customers:
                del self.books.customers[id]
                return 200, "", None
            case ("POST", "payment_methods"):
                return self.add_card(body.get("payment_method") or {})
            case ("GET", "payment_methods", "any", token) if token in self.books.cards:
                return 200, "credit_card", card_shown(self.books.cards[token])
            case ("DELETE", "payment_methods", "any", token) if token in self.books.cards:
                del self.books.cards[token]
                return 200, "", None
            case ("GET", "payment_method_nonces", nonce) if nonce.partition("--")[0] in NONCES:
                return 200, "payment_method_nonce", nonce_shown(nonce)
            case ("GET", "merchant_accounts", id) if id in self.books.accounts:
                default = id == next(iter(self.books.accounts))
                said = {"id": id, "currency_iso_code": self.books.accounts[id], "status": "active", "default": default}
                return 200, "merchant_account", said
            case ("POST", "client_token"):
                params = body.get("client_token") or {}
                if params.get("customer_id") and params["customer_id"] not in self.books.customers:
                    raise Refused("91510", "client_token")
                return 201, "client_token", {"value": f"local-client-token-{secrets.token_hex(8)}"}
        raise NotThere("/".join(steps))

    def add_customer(self, params: dict[str, Any]) -> Answer:
        id = params.get("id") or str(secrets.randbelow(10**9))
        if id in self.books.customers:
            raise Refused("91609", "customer")
        names = ("first_name", "last_name", "company", "email", "phone")
        now = self.books.now()
        self.books.customers[id] = {"id": id, **{name: params.get(name) or None for name in names}, "created_at": now}
        return 201, "customer", self._customer(id)

    def _customer(self, id: str) -> dict[str, Any]:
        cards = [("credit_card", card_shown(card)) for card in self.books.cards.values() if card["customer_id"] == id]
        return {**self.books.customers[id], "credit_cards": cards}

    def add_card(self, params: dict[str, Any]) -> Answer:
        customer, nonce = params.get("customer_id"), params.get("payment_method_nonce") or ""
        if not customer:
            raise Refused("93104", "payment_method")
        if customer not in self.books.customers:
            raise Refused("93105", "payment_method")
        token = params.get("token") or secrets.token_hex(3)
        if token in self.books.cards:
            raise Refused("91719", "credit_card")
        verify = is_on((params.get("options") or {}).get("verify_card"))
        card = {**self.books.spend(nonce, token=token, unknown="93108", used="93107"), "customer_id": customer}
        verdict = NONCES[nonce.partition("--")[0]].verdict
        if verify and verdict.status != "authorized":
            return 422, "api_error_response", self._unverified(verdict)
        self.books.cards[token] = card
        return 201, "credit_card", card_shown(card)

    def _unverified(self, verdict: Any) -> dict[str, Any]:
        said = {
            "id": secrets.token_hex(4),
            "status": verdict.status,
            "processor_response_code": verdict.code,
            "processor_response_text": verdict.text,
            "gateway_rejection_reason": verdict.rejection,
        }
        return {"errors": {"errors": []}, "message": verdict.text, "verification": said}


DEEDS = {
    "submit_for_settlement": "PUT",
    "submit_for_partial_settlement": "POST",
    "void": "PUT",
    "refund": "POST",
    "reverse": "POST",
    "settle": "PUT",
    "settlement_decline": "PUT",
}


def _fits(transaction: dict[str, Any], search: dict[str, Any]) -> bool:
    for name, wanted in search.items():
        if name == "ids":
            continue
        value = transaction.get(name)
        if isinstance(wanted, list):
            if value not in wanted:
                return False
        elif not _compared(value, wanted):
            return False
    return True


def _compared(value: Any, wanted: dict[str, Any]) -> bool:
    text = str(value or "")
    tests = {
        "is": lambda given: text == given,
        "is_not": lambda given: text != given,
        "starts_with": text.startswith,
        "ends_with": text.endswith,
        "contains": lambda given: given in text,
        "min": lambda given: value is not None and text >= given,
        "max": lambda given: value is not None and text <= given,
    }
    return all(tests[how](given) for how, given in wanted.items())


def shown(transaction: dict[str, Any]) -> dict[str, Any]:
    return dict(transaction)


def card_shown(card: dict[str, Any]) -> dict[str, Any]:
    named = {name: value for name, value in card.items() if name != "nonce"}
    return {**named, "default": False, "expired": False, "subscriptions": [], "verifications": []}


def nonce_shown(nonce: str) -> dict[str, Any]:
    known = NONCES[nonce.partition("--")[0]]
    details = {"bin": known.bin, "last_two": known.last_4[2:], "last_four": known.last_4, "card_type": known.brand}
    return {
        "nonce": nonce,
        "type": "CreditCard",
        "default": False,
        "consumed": known.consumed,
        "details": {**details, "expiration_month": "12", "expiration_year": "2030", "cardholder_name": None},
    }


def money_of(books: Books, id: str) -> dict[str, Any]:
    """The sums of one authorization, in the provider's own decimals."""
    found = books.find(id)
    parts = books.children(id) or [found]
    taken = [each for each in parts if each["status"] in DONE and (each is not found or _is_taken(found))]
    zero = Decimal(0)
    approved = found["processor_response_code"] == "1000"
    return {
        "currency": found["currency_iso_code"],
        "authorized": next((e["amount"] for e in found["status_history"] if approved), zero),
        "captured": sum((each["amount"] for each in taken), zero),
        "refunded": sum((refund["amount"] for each in taken for refund in books.refunds(each["id"])), zero),
        "voided": found["status"] in ("voided", "authorization_expired"),
    }


def _is_taken(found: dict[str, Any]) -> bool:
    return not found["partial_settlement_transaction_ids"]
