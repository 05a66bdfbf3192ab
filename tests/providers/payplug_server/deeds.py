"""What PayPlug does when it is asked, and what it refuses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

from tests.providers.payplug_server.books import Books

FIELDS = {
    *("amount", "authorized_amount", "currency", "billing", "shipping", "hosted_payment", "notification_url"),
    *("metadata", "description", "allow_save_card", "save_card", "payment_method", "initiator", "auto_capture"),
}
PERSON = {
    *("title", "first_name", "last_name", "email", "address1", "address2", "company_name", "postcode", "city"),
    *("state", "country", "language", "mobile_phone_number", "landline_phone_number"),
}
DELIVERIES = {"BILLING", "VERIFIED", "NEW", "SHIP_TO_STORE", "DIGITAL_GOODS", "TRAVEL_OR_EVENT", "OTHER"}
LEAST, MOST, LEAST_BACK = 99, 2_000_000, 10  # Cents.
MOST_A_PAGE = 50
Answer = tuple[int, dict[str, Any]]


class Refused(Exception):
    """A status and, by parameter, what is wrong with it."""

    def __init__(self, status: int, message: str, **details: str) -> None:
        super().__init__(message)
        self.status, self.message, self.details = status, message, details

    @property
    def answer(self) -> Answer:
        said: dict[str, Any] = {"object": "error", "message": self.message}
        return self.status, {**said, "details": self.details} if self.details else said


class Deeds:
    def __init__(self, books: Books, origin: str, may: dict[str, bool]) -> None:
        self.books, self.origin, self.may = books, origin, may

    def do(self, method: str, steps: list[str], query: str, asked: Any) -> Answer:
        """One request of the API behind `/v1`. Raises Refused."""
        self.books.age()
        match method, steps:
            case "POST", ["payments"]:
                return 201, self.create(asked)
            case "GET", ["payments"]:
                return 200, self.listed(query)
            case "GET", ["payments", id]:
                return 200, self.payment(id)
            case "PATCH", ["payments", id]:
                return 200, self.change(self.payment(id), asked)
            case "POST", ["payments", id, "refunds"]:
                return 201, self.give_back(self.payment(id), asked or {})
            case "GET", ["payments", id, "refunds"]:
                found = self.books.refunds.get(self.payment(id)["id"], [])
                return 200, {"object": "list", "data": found}
            case "GET", ["payments", id, "refunds", refund]:
                for each in self.books.refunds.get(self.payment(id)["id"], []):
                    if each["id"] == refund:
                        return 200, each
                raise Refused(404, "The requested resource does not exist.")
            case "DELETE", ["cards", token]:
                if self.books.cards.pop(token, None) is None:
                    raise Refused(404, "The requested resource does not exist.")
                return 204, {}
            case "GET", ["account"]:
                permissions = {"can_save_cards": self.may["save"], "can_create_deferred_payment": self.may["defer"]}
                return 200, {"object": "account", "is_live": self.books.live, "permissions": permissions}
        raise Refused(404, "The requested resource does not exist.")

    def payment(self, id: str) -> dict[str, Any]:
        found = self.books.payments.get(id)
        if found is None:
            raise Refused(404, "The requested resource does not exist.")
        return found

    def listed(self, query: str) -> dict[str, Any]:
        said = {name: values[-1] for name, values in parse_qs(query).items()}
        page, size = int(said.get("page", 0)), min(int(said.get("per_page", 10)), MOST_A_PAGE)
        found = self.books.newest_first()[page * size : (page + 1) * size]
        return {"object": "list", "page": page, "per_page": size, "count": len(found), "data": found}

    # What is asked

    def create(self, asked: Any) -> dict[str, Any]:
        if not isinstance(asked, dict):
            raise Refused(400, "The body is no object.")
        if strange := set(asked) - FIELDS:
            raise Refused(400, "Bad request.", **dict.fromkeys(strange, "This parameter is not known."))
        if ("amount" in asked) == ("authorized_amount" in asked):
            raise Refused(400, "Bad request.", amount="Either an amount or an authorized amount is to be given.")
        if "authorized_amount" in asked and not self.may["defer"]:
            raise Refused(403, "You are not allowed to create a deferred payment.")
        if (asked.get("allow_save_card") or asked.get("payment_method")) and not self.may["save"]:
            raise Refused(403, "You are not allowed to save cards.")
        amount = asked.get("amount", asked.get("authorized_amount"))
        if type(amount) is not int or not LEAST <= amount <= MOST:
            raise Refused(400, "Bad request.", amount=f"The amount is to be from {LEAST} to {MOST}.")
        if asked.get("currency") != "EUR":
            raise Refused(400, "Bad request.", currency="This currency is not supported.")
        self.check_people(asked)
        self.check_card(asked)
        check_metadata(asked.get("metadata"))
        return self.books.make(asked, self.origin)

    def check_people(self, asked: dict[str, Any]) -> None:
        for who in ("billing", "shipping"):
            said = asked.get(who)
            if not isinstance(said, dict):
                raise Refused(400, "Bad request.", **{who: "This parameter is needed."})
            wrong = set(said) - PERSON - ({"delivery_type"} if who == "shipping" else set())
            if wrong or not re.fullmatch(r"[A-Z]{2}|", said.get("country") or ""):
                raise Refused(400, "Bad request.", **{who: f"This is not understood: {sorted(wrong)}."})
        if "@" not in asked["billing"].get("email", ""):
            raise Refused(400, "Bad request.", billing="The e-mail address is not valid.")
        if asked["shipping"].get("delivery_type") not in DELIVERIES:
            raise Refused(400, "Bad request.", shipping="The type of delivery is not known.")

    def check_card(self, asked: dict[str, Any]) -> None:
        card = asked.get("payment_method")
        if card is None:
            if "initiator" in asked:
                raise Refused(400, "Bad request.", initiator="This goes with a kept card only.")
            return
        if asked.get("allow_save_card") or asked.get("save_card"):
            raise Refused(400, "Bad request.", allow_save_card="This card is kept already.")
        if card not in self.books.cards:
            raise Refused(400, "Bad request.", payment_method="This card does not exist.")
        if asked.get("initiator") not in ("PAYER", "MERCHANT"):
            raise Refused(400, "Bad request.", initiator="This is to be PAYER or MERCHANT.")

    def change(self, payment: dict[str, Any], asked: Any) -> dict[str, Any]:
        if asked == {"captured": True}:
            if not self.books.held(payment):
                raise Refused(403, "This payment cannot be captured.")
            self.books.take(payment)
        elif asked == {"aborted": True}:
            if payment["is_paid"] or payment["failure"]:
                raise Refused(403, "This payment cannot be aborted.")
            self.books.fail(payment, "aborted")
        else:
            raise Refused(400, "Bad request.")
        return payment

    def give_back(self, payment: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        left = payment["amount"] - payment["amount_refunded"]
        amount = asked.get("amount", left)
        if not payment["is_paid"] or not left:
            raise Refused(403, "This payment cannot be refunded.")
        if self.books.now() > payment["refundable_until"]:
            raise Refused(403, "This payment can no longer be refunded.")
        if type(amount) is not int or not LEAST_BACK <= amount <= left:
            raise Refused(400, "Bad request.", amount=f"The amount is to be from {LEAST_BACK} to {left}.")
        check_metadata(asked.get("metadata"))
        return self.books.give_back(payment, amount, asked.get("metadata") or {})


def check_metadata(said: Any) -> None:
    good = said is None or (
        isinstance(said, dict)
        and len(said) <= 10
        and all(len(name) <= 20 and len(str(value)) <= 500 for name, value in said.items())
    )
    if not good:
        raise Refused(400, "Bad request.", metadata="There is too much of it.")
