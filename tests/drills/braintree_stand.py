"""Braintree's local server as the drill of kills sees it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from payments.gateways.braintree import BraintreeGateway
from payments.gateways.http import Patience
from tests.providers.braintree_server import MERCHANT, PRIVATE_KEY, PUBLIC_KEY, BraintreeServer
from tests.providers.braintree_server.deeds import money_of
from tests.providers.braintree_server.notices import sealed, told_of

GOOD, BAD = "fake-valid-nonce", "fake-processor-declined-visa-nonce"


class QuickGateway(BraintreeGateway):
    patience = Patience(connect_ms=1_000, answer_ms=700, tries=1)


class BraintreeStand:
    gateway = "tests.drills.braintree_stand.QuickGateway"
    faults = tuple(
        "lost_request lost_answer error_before error_after truncated_body rate_limited wrong_amount unknown_status "
        "garbage late_answer".split()
    )
    latest_s = 1.5
    secrets = {"DRILL_KEY": PRIVATE_KEY}

    def __init__(self) -> None:
        self.server = BraintreeServer(late_s=1.2).start()
        self.books = self.server.books

    @property
    def config(self) -> Mapping[str, Any]:
        return {
            "merchant_id": MERCHANT,
            "public_key": PUBLIC_KEY,
            "private_key": "DRILL_KEY",
            "merchant_accounts": "EUR=shop_eur",
            "multiple_captures": True,
            "base_url": self.server.address,
        }

    def token(self, rng: random.Random) -> str:
        return rng.choice([GOOD] * 7 + [BAD])

    def misbehave(self, fault: str) -> None:
        if fault:
            self.server.faults.add(fault)
        else:
            self.server.faults.clear()

    def pass_a_night(self) -> None:
        with self.books.lock:
            self.books.settle()

    def customers_come(self, rng: random.Random) -> bool:
        return False  # It has no page.

    def notices(self) -> list[tuple[Mapping[str, str], bytes]]:
        with self.books.lock:
            told = [told_of(each, each["updated_at"]) for each in self.books.transactions.values()]
        return [({}, sealed(xml, public_key=PUBLIC_KEY, private_key=PRIVATE_KEY)) for xml in told if xml]

    def sums(self, order_id: str) -> tuple[int, int]:
        with self.books.lock:
            known = self.books.transactions.values()
            mine = [each for each in known if (each["order_id"] or "").split("/")[0] == order_id]
            sales = [each for each in mine if each["type"] == "sale" and not each["authorized_transaction_id"]]
            money = [money_of(self.books, each["id"]) for each in sales]
            held = sum((self._held(each) for each in sales), Decimal(0))
        return int(held * 100), int(sum((each["captured"] - each["refunded"] for each in money), Decimal(0)) * 100)

    def _held(self, sale: dict[str, Any]) -> Decimal:
        if sale["status"] == "authorized":
            return sale["amount"]
        lives = sale["status"] == "settlement_pending" and sale["id"] not in self.books.final
        return self.books.held(sale["id"]) if lives else Decimal(0)

    def done_twice(self) -> list[str]:
        """One key with two sales, or two parts; a refund of several parts is several, each of another part."""
        with self.books.lock:
            done = Counter(
                (each["order_id"], each["refunded_transaction_id"])
                for each in self.books.transactions.values()
                if each["order_id"]
            )
        return [f"{name} was done {count} times" for name, count in done.items() if count > 1]

    def close(self) -> None:
        self.server.close()
