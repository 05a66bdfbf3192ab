"""Whatever is asked in whatever order, the books add up: drawn sequences of calls and deeds."""

from __future__ import annotations

import random

import pytest

from payments.simulator import cards, later

CALLS = ("captures", "void", "refunds")
EFFECT = {"authorize": 0, "void": 0, "capture": 1, "capture_voided": -1, "refund": -1, "refund_failed": 1}


def step(draw, book, ids):
    """One thing that somebody may ask for, sensible or not."""
    chance = draw.random()
    if not ids or chance < 0.15:
        ids.append(
            book.id(f"tok_{draw.choice(cards.OUTCOMES).name}", draw.randint(1, 5000), capture=draw.random() < 0.5)
        )
    elif chance < 0.6:
        body = {"amount": draw.randint(1, 3000)} if draw.random() < 0.6 else {}
        what = draw.choice(CALLS)
        if what == "captures" and draw.random() < 0.5:
            body["final"] = False
        book.do(draw.choice(ids), what, **({} if what == "void" else body))
    elif chance < 0.9:
        book.happen(draw.choice(ids), draw.choice(list(later.DEEDS)))
    else:
        book.forward(draw.choice([1, 5, 3600, 86_400, 8 * 86_400]))


@pytest.mark.parametrize("seed", range(8))
def test_the_books_add_up(engine, book, seed):
    draw, ids = random.Random(seed), []
    for number in range(80):
        step(draw, book, ids)
        if number % 20 == 0:
            engine.call("POST", "/v1/payouts", {})

    books = engine.call("GET", "/_books").json()
    for payment in books["payments"]:
        moved = [each for each in books["records"] if each["payment"] == payment["id"]]
        taken = sum(each["amount"] for each in moved if each["kind"] == "capture")
        back = sum(each["amount"] for each in moved if each["kind"] == "capture_voided")
        assert payment["captured"] == taken - back <= payment["authorized"] * 115 // 100
        assert 0 <= payment["refunded"] <= payment["captured"]
        assert payment["capturable"] == 0 or payment["capturable"] + payment["captured"] <= payment["authorized"]
        for each in moved:
            assert (
                each["net"] == EFFECT.get(each["kind"], 0) * each["amount"] - each["fee"] or "dispute" in each["kind"]
            )

    balance = engine.call("GET", "/v1/balance").json()
    kept = sum(line["amount"] for part in ("available", "pending") for line in balance[part])
    paid = sum(each["amount"] for each in engine.call("GET", "/v1/payouts").json()["data"])
    assert kept + paid == books["totals"].get("EUR", {"net": 0})["net"] == sum(each["net"] for each in books["records"])
