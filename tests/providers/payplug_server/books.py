"""What PayPlug has written down: payments, refunds, kept cards, and the notices that it sends of them."""

from __future__ import annotations

import json
import secrets
import string
import threading
import time
from datetime import timedelta
from typing import Any

LETTERS = string.ascii_letters + string.digits
HOLD_S = 7 * 86_400  # How long an authorization lasts.
REFUNDABLE_S = 180 * 86_400
PAGE_S = 24 * 3_600  # How long nobody has to come to the page until the payment fails.
# What a kept card does when it is charged: "" is paid at once, "page" asks its owner, anything else is why it fails.
CARDS = {
    "card_4242good": "",
    "card_3220challenge": "page",
    **{
        f"card_0000{place}": code
        for place, code in enumerate(
            (
                *("card_declined", "insufficient_funds", "3ds_declined", "incorrect_number", "fraud_suspected"),
                *("processing_error", "method_unsupported", "card_scheme_mismatch"),
            )
        )
    },
}
GOOD = "card_4242good"
# What a number does on the page.
NUMBERS = {
    "4242424242424242": "",
    "4000000000003220": "3ds",
    "4000000000000002": "card_declined",
    "4000000000009995": "insufficient_funds",
}
MESSAGES = {
    "aborted": "The payment was aborted.",
    "timeout": "The customer has not tried to pay.",
    "3ds_declined": "The 3-D Secure authentication failed.",
}
NO_CARD = dict.fromkeys(("last4", "country", "exp_month", "exp_year", "brand", "id", "metadata"))


class Books:
    """Whoever reads or writes holds the lock. `ahead` moves the clock."""

    def __init__(self, *, live: bool = False) -> None:
        self.live, self.lock, self.ahead = live, threading.RLock(), timedelta(0)
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.cards = dict(CARDS)
        self.may_keep: dict[str, bool] = {}  # Payments on whose page the customer may have the card kept.
        self.told: list[tuple[str, str, bytes]] = []  # About which payment, to which address, the body.

    def now(self) -> int:
        return int(time.time() + self.ahead.total_seconds())

    def name(self, prefix: str) -> str:
        return prefix + "".join(secrets.choice(LETTERS) for _ in range(22))

    # Deeds

    def make(self, asked: dict[str, Any], origin: str) -> dict[str, Any]:
        id, deferred = self.name("pay_"), "authorized_amount" in asked
        amount = asked["authorized_amount" if deferred else "amount"]
        hosted, way = asked.get("hosted_payment") or {}, "" if self.live else "test/"
        made = {
            "id": id,
            "object": "payment",
            "is_live": self.live,
            "amount": amount,
            "amount_refunded": 0,
            "authorization": {"authorized_amount": amount, "authorized_at": None, "expires_at": None}
            if deferred
            else None,
            "currency": asked["currency"],
            "created_at": self.now(),
            "description": asked.get("description"),
            "installment_plan_id": None,
            "is_paid": False,
            "paid_at": None,
            "is_refunded": False,
            "is_3ds": None,
            "save_card": False,
            "card": dict(NO_CARD),
            "billing": asked["billing"],
            "shipping": asked["shipping"],
            "hosted_payment": {
                "payment_url": f"{origin}/pay/{way}{id[4:]}",
                "return_url": hosted.get("return_url"),
                "cancel_url": hosted.get("cancel_url"),
                "paid_at": None,
                "sent_by": None,
            },
            "notification": {"url": asked.get("notification_url"), "response_code": None},
            "failure": None,
            "refundable_after": None,
            "refundable_until": None,
            "metadata": asked.get("metadata") or {},
            "payment_method": None,
        }
        self.payments[id] = made
        self.may_keep[id] = bool(asked.get("allow_save_card"))
        if card := asked.get("payment_method"):
            made["card"]["id"] = card
            does = self.cards[card]
            if does != "page":
                self.succeed(made) if not does else self.fail(made, does)
        return made

    def succeed(self, payment: dict[str, Any], *, number: str = "", keep: bool = False, secure: bool = False) -> None:
        """The card is good: the money is taken, or held."""
        now = self.now()
        if number:
            face = {"last4": number[-4:], "country": "FR", "exp_month": 9, "exp_year": 2031, "brand": "Visa"}
            payment["card"] = {**NO_CARD, **face}
            if keep and self.may_keep[payment["id"]]:
                token = self.name("card_")
                self.cards[token] = ""
                payment["card"]["id"], payment["save_card"] = token, True
        payment["is_3ds"], payment["failure"] = secure, None
        if payment["authorization"]:
            payment["authorization"].update(authorized_at=now, expires_at=now + HOLD_S)
            self.tell(payment)
        else:
            self.take(payment)

    def take(self, payment: dict[str, Any]) -> None:
        now = self.now()
        payment.update(is_paid=True, paid_at=now, refundable_after=now, refundable_until=now + REFUNDABLE_S)
        payment["hosted_payment"]["paid_at"] = now
        self.tell(payment)

    def fail(self, payment: dict[str, Any], code: str) -> None:
        payment["failure"] = {"code": code, "message": MESSAGES.get(code, f"The payment failed: {code}.")}
        self.tell(payment)

    def give_back(self, payment: dict[str, Any], amount: int, metadata: dict[str, Any]) -> dict[str, Any]:
        payment["amount_refunded"] += amount
        payment["is_refunded"] = payment["amount_refunded"] == payment["amount"]
        made = {
            "id": self.name("re_"),
            "payment_id": payment["id"],
            "object": "refund",
            "is_live": self.live,
            "amount": amount,
            "currency": payment["currency"],
            "created_at": self.now(),
            "metadata": metadata,
        }
        self.refunds.setdefault(payment["id"], []).append(made)
        self.tell(made, payment)
        return made

    def tell(self, said: dict[str, Any], about: dict[str, Any] | None = None) -> None:
        """A notice is the object as it is now, to the address that its payment was made with; nothing signs it."""
        payment = about or said
        self.told.append((payment["id"], payment["notification"]["url"] or "", json.dumps(said).encode()))

    # Questions

    def age(self) -> None:
        """What time alone does: holds end, and pages that nobody came to."""
        now = self.now()
        for payment in self.payments.values():
            hold = payment["authorization"]
            if payment["is_paid"] or payment["failure"]:
                continue
            if hold and hold["expires_at"]:
                if hold["expires_at"] <= now:
                    self.fail(payment, "timeout")
            elif payment["created_at"] + PAGE_S <= now:
                self.fail(payment, "timeout")

    def newest_first(self) -> list[dict[str, Any]]:
        return list(reversed(self.payments.values()))

    def held(self, payment: dict[str, Any]) -> int:
        """What is held and not taken."""
        hold = payment["authorization"]
        lives = hold and hold["authorized_at"] and not payment["is_paid"] and not payment["failure"]
        return int(hold["authorized_amount"]) if lives else 0
