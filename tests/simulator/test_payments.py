"""What the provider does with money: authorize, purchase, capture, void, refund, and what comes later."""

from __future__ import annotations

import pytest

from payments.simulator import cards
from tests.simulator.conftest import Book, code


def sums(payment):
    return tuple(payment[name] for name in ("authorized", "captured", "capturable", "refunded", "refundable"))


def test_an_authorization_holds_and_a_purchase_takes(book):
    held, taken = book.pay().json()["payment"], book.pay(capture=True).json()["payment"]

    assert (held["status"], *sums(held)) == ("authorized", 1000, 0, 1000, 0, 0)
    assert (taken["status"], *sums(taken)) == ("captured", 1000, 1000, 0, 0, 1000)
    assert held["expires_at"] and not taken["expires_at"]


def test_it_is_captured_in_parts_until_the_final_one_lets_the_rest_go(book):
    id = book.id()

    book.do(id, "captures", amount=300, final=False)
    assert sums(book.get(id)) == (1000, 300, 700, 0, 300)
    book.do(id, "captures", amount=200)
    assert sums(book.get(id)) == (1000, 500, 0, 0, 500)
    assert code(book.do(id, "captures")) == (400, "payment_already_captured")


def test_a_capture_without_amount_takes_all_that_is_left(book):
    id = book.id()
    book.do(id, "captures", amount=1, final=False)

    assert book.do(id, "captures").json()["action"]["amount"] == 999


def test_a_final_capture_may_exceed_the_hold_a_little(book):
    id = book.id()

    assert code(book.do(id, "captures", amount=1001, final=False)) == (400, "amount_too_large")
    assert code(book.do(id, "captures", amount=1151)) == (400, "amount_too_large")
    assert book.do(id, "captures", amount=1150).json()["payment"]["captured"] == 1150


def test_a_capture_may_come_without_authorization(engine, book):
    answer = engine.call("POST", "/v1/captures", {"amount": 500, "currency": "jpy", "order_id": "R1-P1"}).json()

    assert (answer["action"]["kind"], answer["payment"]["currency"]) == ("capture", "JPY")
    assert sums(answer["payment"]) == (500, 500, 0, 0, 500)


def test_a_void_lets_go_of_the_hold_and_keeps_what_was_captured(book):
    whole, part = book.id(), book.id()
    book.do(part, "captures", amount=400, final=False)

    voided, rest = book.do(whole, "void").json(), book.do(part, "void").json()

    assert (voided["action"]["amount"], voided["payment"]["status"], voided["payment"]["voided"]) == (
        1000,
        "voided",
        True,
    )
    assert (rest["action"]["amount"], *sums(rest["payment"])) == (600, 1000, 400, 0, 0, 400)
    assert code(book.do(whole, "void")) == (400, "payment_nothing_to_void")
    assert code(book.do(whole, "captures")) == (400, "payment_unexpected_state")


def test_a_capture_can_be_voided_until_it_is_settled(engine, book):
    early, late, refunded = (book.id(capture=True) for _ in range(3))
    book.do(refunded, "refunds", amount=1)

    assert sums(book.do(early, "void").json()["payment"]) == (1000, 0, 0, 0, 0)
    assert code(book.do(refunded, "void")) == (400, "payment_refunded")
    book.forward(86_400)
    assert code(book.do(late, "void")) == (400, "payment_settled")
    assert engine.call("GET", "/_books").json()["totals"]["EUR"]["net"] == 2 * (1000 - 39) - 1


def test_refunds_never_exceed_what_was_captured(book):
    id = book.id(capture=True)

    assert book.do(id, "refunds", amount=400).json()["payment"]["refundable"] == 600
    assert code(book.do(id, "refunds", amount=601)) == (400, "amount_too_large")
    assert book.do(id, "refunds", reason="returned").json()["action"]["amount"] == 600
    assert code(book.do(id, "refunds")) == (400, "payment_nothing_to_refund")
    assert code(book.do(book.id(), "refunds")) == (400, "payment_nothing_to_refund")


def test_a_hold_expires(book):
    id = book.id()
    book.forward(7 * 86_400)

    payment = book.get(id)
    assert (payment["status"], payment["expired"], *sums(payment)) == ("voided", True, 1000, 0, 0, 0, 0)
    assert code(book.do(id, "captures")) == (400, "authorization_expired")


@pytest.mark.parametrize(
    "outcome", [each for each in cards.OUTCOMES if each.result == "declined"], ids=lambda each: each.name
)
def test_each_declining_card_and_amount_declines_where_it_says(book, outcome):
    by_card, by_amount = {"source": outcome.token}, {"amount": outcome.test_amount}
    for given in (by_card, by_amount):
        answer = book.pay(**given)
        if outcome.stage != "authorize":
            id = answer.json()["payment"]["id"]
            if outcome.stage == "refund":
                book.do(id, "captures")
            answer = book.do(id, {"capture": "captures", "refund": "refunds", "void": "void"}[outcome.stage])
        body = answer.json()
        assert answer.status == 402
        assert body["error"]["type"] == "card_error"
        assert body["error"]["decline_code"] == body["action"]["decline_code"] == outcome.reason
        assert body["error"]["message"] == cards.MESSAGES[outcome.reason]
        assert body["action"]["status"] == "declined"


def test_a_declined_capture_keeps_the_hold(book):
    id = book.id("tok_capture_declined")
    book.do(id, "captures")

    assert sums(book.get(id)) == (1000, 0, 1000, 0, 0)


@pytest.mark.parametrize(
    ("name", "avs", "cvc"), [(each.name, each.avs, each.cvc) for each in cards.OUTCOMES if each.avs != "Y"]
)
def test_address_checks_are_told(book, name, avs, cvc):
    action = book.pay(f"tok_{name}").json()["action"]
    assert (action["status"], action["avs"], action["cvc"]) == ("succeeded", avs, cvc)


def test_the_security_code_is_checked_where_it_was_given(engine, book):
    card = {"number": "4000 0000 0000 0101", "exp_month": 12, "exp_year": 2040}
    body = {"amount": 1000, "currency": "EUR"}

    assert engine.call("POST", "/v1/payments", {**body, "card": card}).json()["action"]["cvc"] == "P"
    assert engine.call("POST", "/v1/payments", {**body, "card": {**card, "cvc": "123"}}).json()["action"]["cvc"] == "N"


@pytest.mark.parametrize(
    ("number", "reason"), [("4111111111111111", "test_mode_live_card"), ("4242424242424241", "incorrect_number")]
)
def test_no_card_is_taken_that_is_not_for_tests(engine, number, reason):
    answer = engine.call("POST", "/v1/payments", {"amount": 1, "currency": "EUR", "card": {"number": number}})
    assert (answer.status, answer.json()["error"]["decline_code"]) == (402, reason)


@pytest.mark.parametrize(
    ("source", "status", "captured"), [("tok_processing", "captured", 1000), ("tok_processing_declined", "declined", 0)]
)
def test_some_cards_are_decided_later(book, source, status, captured):
    answer = book.pay(source, capture=True)
    id = answer.json()["payment"]["id"]
    assert (answer.status, answer.json()["action"]["status"], book.get(id)["captured"]) == (200, "processing", 0)

    book.forward(5)
    assert (book.get(id)["status"], book.get(id)["captured"]) == (status, captured)


@pytest.mark.parametrize(
    ("source", "first", "last", "left"),
    [
        ("tok_refund_pending", "processing", "succeeded", 0),
        ("tok_refund_pending_fails", "processing", "failed", 1000),
        ("tok_refund_bounces", "succeeded", "failed", 1000),
    ],
)
def test_some_refunds_are_decided_later(engine, book, source, first, last, left):
    id = book.id(source, capture=True)
    action = book.do(id, "refunds").json()["action"]
    assert (action["status"], book.get(id)["refundable"]) == (first, 0)

    book.forward(5)
    assert engine.call("GET", f"/v1/actions/{action['id']}").json()["action"]["status"] == last
    assert book.get(id)["refundable"] == left


def test_a_void_of_what_still_waits_gives_it_up(engine, book):
    id = book.id("tok_processing")
    assert book.do(id, "void").json()["payment"]["status"] == "canceled"
    book.forward(60)
    assert sums(book.get(id)) == (0, 0, 0, 0, 0)

    book.happen(id, "succeed_late")
    assert sums(book.get(id)) == (1000, 0, 1000, 0, 0)


def test_things_happen_outside(book):
    id = book.id()
    book.happen(id, "capture", amount=400)
    book.happen(id, "void")
    book.happen(id, "refund", amount=100)
    assert sums(book.get(id)) == (1000, 400, 0, 100, 300)

    declined = book.id("tok_declined")
    book.happen(declined, "succeed_late")
    assert book.get(declined)["status"] == "authorized"
    book.happen(declined, "expire")
    assert book.get(declined)["expired"]


def test_a_dispute_withdraws_the_money_until_it_is_won(engine, book):
    won, lost = book.id(capture=True), book.id(capture=True)
    for id in (won, lost):
        book.happen(id, "open_dispute")
    assert code(book.happen(won, "open_dispute")) == (400, "payment_nothing_to_dispute")
    book.happen(won, "win_dispute")
    book.happen(lost, "lose_dispute")

    totals = engine.call("GET", "/_books").json()["totals"]["EUR"]
    assert (totals["dispute"], totals["dispute_won"]) == (2000, 1000)
    assert totals["net"] == 2 * (1000 - 39) - 2000 - 2 * 1500 + 1000


def test_a_disputed_card_disputes_by_itself(engine, book):
    id = book.id("tok_disputed", capture=True)
    book.forward(5)
    kinds = [each["kind"] for each in engine.call("GET", f"/v1/payments/{id}").json()["actions"]]
    assert kinds == ["purchase", "dispute"]


@pytest.mark.parametrize(
    ("changes", "param", "error"),
    [
        ({"amount": None}, "amount", "parameter_missing"),
        ({"amount": 0}, "amount", "parameter_invalid"),
        ({"amount": -5}, "amount", "parameter_invalid"),
        ({"amount": "10"}, "amount", "parameter_invalid"),
        ({"amount": 1.5}, "amount", "parameter_invalid"),
        ({"amount": True}, "amount", "parameter_invalid"),
        ({"currency": "EURO"}, "currency", "currency_unknown"),
        ({"currency": ""}, "currency", "parameter_missing"),
        ({"source": ""}, "source", "parameter_missing"),
        ({"capture": "no"}, "capture", "parameter_invalid"),
        ({"return_url": "javascript:alert(1)"}, "return_url", "url_invalid"),
        ({"tip": 5}, "tip", "parameter_unknown"),
        ({"order_id": "R1\ud800"}, "order_id", "parameter_invalid"),
        ({"description": "a" * 501}, "description", "parameter_invalid"),
    ],
)
def test_what_is_wrong_is_refused_by_name(engine, changes, param, error):
    body = {"amount": 1000, "currency": "EUR", "source": "tok_visa", **changes}
    answer = engine.call("POST", "/v1/payments", body)
    assert (answer.status, answer.json()["error"]["param"], answer.json()["error"]["code"]) == (400, param, error)
    assert engine.call("GET", "/_books").json()["payments"] == []


def test_the_books_add_up_and_entries_stay(engine, book):
    id = book.id(capture=True, currency="KWD", amount=12345)
    book.do(id, "refunds", amount=345)
    body = engine.call("GET", "/_books").json()

    assert [each["kind"] for each in body["records"]] == ["authorize", "capture", "refund"]
    assert body["totals"]["KWD"] == {"authorize": 12345, "capture": 12345, "refund": 345, "fee": 422, "net": 11578}
    with pytest.raises(Exception, match="append only"):
        engine.store.run("UPDATE entries SET amount = 1")
    with pytest.raises(Exception, match="append only"):
        engine.store.run("DELETE FROM entries")


def test_test_amounts_can_be_switched_off(make_engine):
    book = Book(make_engine(test_amounts=False))
    assert book.pay(amount=900_002).status == 200
