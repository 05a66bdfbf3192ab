"""Looking things up, saved cards, the balance and payouts."""

from __future__ import annotations

import csv
import io

import pytest

from tests.simulator.conftest import Book, code


def found(engine, **query):
    return [each["action"]["id"] for each in engine.call("GET", "/v1/actions", **query).json()["data"]]


def test_an_action_is_found_by_its_id_our_order_and_its_key(engine, book):
    made = book.pay(order_id="R1-P1", key="k").json()
    action, payment = made["action"]["id"], made["payment"]["id"]
    capture = book.do(payment, "captures", key="c").json()["action"]["id"]
    book.pay(order_id="R2-P1")

    assert engine.call("GET", f"/v1/actions/{action}").json()["action"]["id"] == action
    assert found(engine, idempotency_key="k") == [action]
    assert found(engine, order_id="R1-P1") == [action, capture]
    assert found(engine, order_id="R1-P1", kind="capture") == [capture]
    assert found(engine, payment=payment, kind="refund") == []
    assert [each["id"] for each in engine.call("GET", "/v1/payments", order_id="R1-P1").json()["data"]] == [payment]
    assert code(engine.call("GET", "/v1/payments/pay_nobody")) == (404, "resource_missing")
    assert code(engine.call("GET", "/v1/actions/cap_nobody")) == (404, "resource_missing")


def test_what_was_just_done_may_not_be_visible_yet(make_engine):
    engine = make_engine(visibility_ms=60_000)
    book = Book(engine)
    id = book.id(key="k")

    assert (found(engine, idempotency_key="k"), engine.call("GET", "/v1/records").json()["data"]) == ([], [])
    assert book.get(id)["authorized"] == 1000
    book.forward(60)
    assert len(found(engine, idempotency_key="k")) == 1
    assert len(engine.call("GET", "/v1/records").json()["data"]) == 1


def test_records_are_listed_by_time_in_pages(engine, book):
    first = book.id(capture=True)
    book.forward(3600)
    middle = engine.call("GET", "/_clock").json()["now"]
    book.do(first, "refunds", amount=100)
    book.forward(3600)
    late = engine.call("GET", "/_clock").json()["now"]
    book.id(capture=True)

    def kinds(**query):
        return [each["kind"] for each in engine.call("GET", "/v1/records", **query).json()["data"]]

    assert kinds() == ["authorize", "capture", "refund", "authorize", "capture"]
    assert kinds(since=middle, until=late) == ["refund"]
    assert kinds(kind="capture") == ["capture", "capture"]
    page = engine.call("GET", "/v1/records", limit=2).json()
    assert page["has_more"] and kinds(after=page["next"]) == ["refund", "authorize", "capture"]
    assert code(engine.call("GET", "/v1/records", kind="tip")) == (400, "parameter_invalid")
    assert code(engine.call("GET", "/v1/records", since="yesterday")) == (400, "parameter_invalid")
    capture = engine.call("GET", "/v1/records", kind="capture").json()["data"][0]
    assert (capture["amount"], capture["fee"], capture["net"], capture["payment"]) == (1000, 39, 961, first)


def test_pages_of_payments_meet_without_gap(engine, book):
    made = [book.id() for _ in range(7)]
    seen, after = [], 0
    while after is not None:
        page = engine.call("GET", "/v1/payments", limit=3, after=after).json()
        seen += [each["id"] for each in page["data"]]
        after = page["next"]
    assert seen == made


def test_a_card_is_saved_charged_and_forgotten(engine, book):
    given = {"number": "4000000000009995", "exp_month": 4, "exp_year": 2031, "cvc": "123", "name": "Ada"}
    poor = engine.call("POST", "/v1/cards", {"customer": "7", "card": given}).json()["card"]
    good = engine.call("POST", "/v1/cards", {"customer": "7", "source": "tok_mastercard"}).json()["card"]

    assert (poor["last4"], poor["brand"], poor["exp_year"], poor["customer"]) == ("9995", "visa", 2031, "7")
    assert book.pay(good["id"]).json()["payment"]["card"]["id"] == good["id"]
    assert book.pay(good["id"], customer="7").status == 200
    assert code(book.pay(good["id"], customer="8")) == (400, "card_of_another_customer")
    assert book.pay(poor["id"]).json()["error"]["decline_code"] == "insufficient_funds"
    assert {each["id"] for each in engine.call("GET", "/v1/cards", customer="7").json()["data"]} == {
        poor["id"],
        good["id"],
    }

    for _ in range(2):
        assert engine.call("DELETE", f"/v1/cards/{good['id']}").json()["deleted"]
    assert code(book.pay(good["id"])) == (404, "resource_missing")
    assert code(engine.call("GET", f"/v1/cards/{good['id']}")) == (404, "resource_missing")
    assert code(engine.call("DELETE", "/v1/cards/card_nobody")) == (404, "resource_missing")


@pytest.mark.parametrize("token", ["tok_incorrect_cvc", "tok_expired_card"])
def test_a_card_that_cannot_be_checked_is_not_saved(engine, token):
    answer = engine.call("POST", "/v1/cards", {"customer": "7", "source": token})
    assert (answer.status, answer.json()["error"]["type"]) == (402, "card_error")


def test_the_balance_becomes_available_and_is_paid_out(engine, book):
    id = book.id(capture=True, order_id="R1-P1")
    book.id(capture=True, currency="JPY")

    def balance():
        is_so = engine.call("GET", "/v1/balance").json()
        return [{line["currency"]: line["amount"] for line in is_so[name]} for name in ("available", "pending")]

    assert balance() == [{}, {"EUR": 961, "JPY": 986}]
    assert engine.call("POST", "/v1/payouts", {}).json()["data"] == []
    book.forward(86_400)
    book.do(id, "refunds", amount=200)
    assert balance() == [{"EUR": 761, "JPY": 986}, {}]

    made = engine.call("POST", "/v1/payouts", {}).json()["data"]
    assert [(each["currency"], each["amount"]) for each in made] == [("EUR", 761), ("JPY", 986)]
    assert (balance(), engine.call("GET", "/v1/payouts").json()["data"]) == ([{}, {}], made)
    report = engine.call("GET", f"/v1/payouts/{made[0]['id']}").json()
    assert sum(line["net"] for line in report["records"]) == report["payout"]["amount"] == 761

    file = engine.call("GET", f"/v1/payouts/{made[0]['id']}.csv")
    lines = list(csv.DictReader(io.StringIO(file.body.decode())))
    assert file.headers["Content-Type"].startswith("text/csv")
    assert [(line["kind"], line["amount"], line["fee"], line["net"]) for line in lines] == [
        ("capture", "10.00", "0.39", "9.61"),
        ("refund", "2.00", "0.00", "-2.00"),
    ]
    assert code(engine.call("GET", "/v1/payouts/po_nobody")) == (404, "resource_missing")


def test_a_negative_balance_waits(engine, book):
    id = book.id(capture=True)
    book.do(id, "refunds")
    assert engine.call("POST", "/v1/payouts", {}).json()["data"] == []
    assert engine.call("GET", "/v1/balance").json()["available"] == [{"currency": "EUR", "amount": -1000}]


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("GET", "/v1/nothing", (404, "url_unknown")),
        ("DELETE", "/v1/payments", (405, "method_not_allowed")),
        ("GET", "/_nothing", (404, "url_unknown")),
        ("POST", "/_events", (400, "parameter_missing")),
    ],
)
def test_what_is_not_there_is_said(engine, method, path, wanted):
    assert code(engine.call(method, path)) == wanted


def test_the_clock_can_be_set_and_stays_moved(make_engine, tmp_path):
    path = str(tmp_path / "books.sqlite3")
    engine = make_engine(path)
    assert (
        engine.call("POST", "/_clock", {"now": "2031-01-01T00:00:00Z"}).json()["now"].startswith("2031-01-01T00:00:0")
    )
    assert make_engine(path).call("GET", "/_clock").json()["now"].startswith("2031-01-01")
    assert code(engine.call("POST", "/_clock", {"now": "soon"})) == (400, "parameter_invalid")
    assert code(engine.call("POST", "/_events", {"payment": "pay_1", "deed": "dance"})) == (400, "deed_unknown")
