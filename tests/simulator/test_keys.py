"""Idempotency keys, as Stripe keeps them."""

from __future__ import annotations

import pytest

from payments.simulator.clock import Clock
from tests.simulator.conftest import Book, code


def replayed(answer):
    return answer.headers.get("Idempotent-Replayed") == "true"


def test_the_same_key_and_body_give_the_first_answer(engine, book):
    first = book.pay(key="k")
    book.do(first.json()["payment"]["id"], "captures")
    again = book.pay(key="k")

    assert (again.status, again.body, replayed(first), replayed(again)) == (200, first.body, False, True)
    assert len(engine.call("GET", "/_books").json()["payments"]) == 1


def test_a_body_is_compared_by_what_it_says(engine):
    first = engine.call("POST", "/v1/payments", {"amount": 1, "currency": "EUR", "source": "tok_visa"}, key="k")
    again = engine.call("POST", "/v1/payments", {"source": "tok_visa", "currency": "EUR", "amount": 1}, key="k")
    assert again.body == first.body


def test_the_same_key_with_another_body_or_path_is_an_error(engine, book):
    id = book.pay(key="k").json()["payment"]["id"]

    for answer in (book.pay(amount=999, key="k"), book.do(id, "captures", key="k")):
        assert (answer.status, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert book.get(id)["captured"] == 0


def test_a_decline_and_a_refusal_by_the_books_are_kept(book):
    declined, id = book.pay("tok_declined", key="d"), book.id()
    refused = book.do(id, "captures", amount=5000, key="c")

    assert (declined.status, code(refused)) == (402, (400, "amount_too_large"))
    assert book.pay("tok_declined", key="d").body == declined.body
    assert replayed(book.do(id, "captures", amount=5000, key="c"))


@pytest.mark.parametrize("bad", [{"amount": 0}, {"currency": "XX"}, {"source": "card_unknown"}])
def test_what_was_not_executed_leaves_the_key_free(book, bad):
    assert book.pay(**bad, key="k").status in (400, 404)
    answer = book.pay(key="k")
    assert (answer.status, replayed(answer)) == (200, False)


def test_a_key_at_work_is_refused(engine, book):
    answers = []
    engine.wait = lambda milliseconds: answers.append(book.pay(key="k")) if not answers else None
    first = book.pay(key="k")

    assert first.status == 200
    assert code(answers[0]) == (409, "idempotency_key_in_use")
    assert answers[0].json()["error"]["type"] == "idempotency_error"
    engine.wait = lambda milliseconds: None
    assert replayed(book.pay(key="k"))


def test_a_key_is_forgotten_after_a_day(engine, book):
    book.pay(key="k")
    book.forward(86_399)
    assert replayed(book.pay(key="k"))
    book.forward(1)
    assert not replayed(book.pay(key="k"))
    assert len(engine.call("GET", "/_books").json()["payments"]) == 2


def test_a_key_has_at_most_255_characters(book):
    assert book.pay(key="k" * 255).status == 200
    assert code(book.pay(key="k" * 256)) == (400, "idempotency_key_invalid")


def test_keys_survive_the_engine(make_engine, tmp_path):
    path = str(tmp_path / "books.sqlite3")
    first = Book(make_engine(path)).pay(key="k")
    assert Book(make_engine(path, clock=Clock())).pay(key="k").body == first.body


def test_without_a_key_each_request_is_its_own(engine, book):
    book.pay()
    book.pay()
    assert len(engine.call("GET", "/_books").json()["payments"]) == 2


def test_a_get_has_no_key(engine, book):
    id = book.pay(key="k").json()["payment"]["id"]
    assert engine.call("GET", f"/v1/payments/{id}", key="k").status == 200
