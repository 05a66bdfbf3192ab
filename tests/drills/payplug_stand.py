"""PayPlug's local server as the drill of kills sees it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from payments.gateways.http import Patience
from payments.gateways.payplug import PayPlugGateway
from tests.providers.payplug_server import CARDS, GOOD, SECRET_KEY, PayPlugServer

NUMBERS_ON_THE_PAGE = ["4242424242424242"] * 4 + ["4000000000000002", ""]  # Some do not come at all.
BAD = next(card for card, does in CARDS.items() if does == "card_declined")


class QuickGateway(PayPlugGateway):
    patience = Patience(connect_ms=1_000, answer_ms=700, tries=1)


class PayPlugStand:
    gateway = "tests.drills.payplug_stand.QuickGateway"
    faults = tuple(
        "lost_request lost_answer error_before error_after truncated_body rate_limited wrong_amount unknown_status "
        "garbage late_answer".split()
    )
    latest_s = 0.4
    secrets = {"DRILL_KEY": SECRET_KEY}

    def __init__(self) -> None:
        self.server = PayPlugServer(late_s=1.2).start()
        self.books = self.server.books

    @property
    def config(self) -> Mapping[str, Any]:
        return {"secret_key": "DRILL_KEY", "base_url": self.server.address}

    def token(self, rng: random.Random) -> str:
        return rng.choice([GOOD] * 4 + [BAD] + [""] * 4)

    def misbehave(self, fault: str) -> None:
        if fault:
            self.server.faults.add(fault)
        else:
            self.server.faults.clear()

    def customers_come(self, rng: random.Random) -> bool:
        with self.books.lock:
            open_pages = [
                each["hosted_payment"]["payment_url"]
                for each in self.books.payments.values()
                if not (each["is_paid"] or each["failure"] or self.books.held(each))
            ]
        for url in open_pages[-3:]:
            number = rng.choice(NUMBERS_ON_THE_PAGE)
            if number:
                self.server.visit(urlsplit(url).path, {"number": number, "act": "pay"})
        return bool(open_pages)

    def pass_a_night(self) -> None:
        """Nothing here waits for one."""

    def notices(self) -> list[tuple[Mapping[str, str], bytes]]:
        with self.books.lock:
            return [({}, body) for _, _, body in self.books.told]

    def sums(self, order_id: str) -> tuple[int, int]:
        with self.books.lock:
            mine = [each for each in self.books.payments.values() if each["metadata"].get("order_id") == order_id]
            held = sum(self.books.held(each) for each in mine)
            return held, sum(each["amount"] - each["amount_refunded"] for each in mine if each["is_paid"])

    def done_twice(self) -> list[str]:
        with self.books.lock:
            made = [*self.books.payments.values(), *(each for some in self.books.refunds.values() for each in some)]
            done = Counter(each["metadata"].get("idempotency_key", "") for each in made)
        return [f"{key} was done {count} times" for key, count in done.items() if count > 1]

    def close(self) -> None:
        self.server.close()
