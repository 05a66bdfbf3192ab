"""What goes wrong on command: each fault, rules written out, and seeds that replay."""

from __future__ import annotations

import http.client
import json

import pytest

from payments.simulator.faults import EVENT_FAULTS, REQUEST_FAULTS
from payments.simulator.in_process import Transport
from tests.simulator.conftest import SECRET, Book, code


def rules(*given):
    return {"rules": list(given)}


def set_rules(engine, *given):
    assert engine.call("POST", "/_faults", rules(*given)).status == 200


@pytest.fixture
def payments(engine):
    return lambda: engine.call("GET", "/_books").json()["payments"]


def test_a_lost_request_does_nothing_and_leaves_the_key_free(engine, book, payments):
    set_rules(engine, {"fault": "lost_request"})

    assert (book.pay(key="k").fault, payments()) == ("lost_request", [])
    assert book.pay(key="k").headers.get("Idempotent-Replayed") is None


def test_a_lost_answer_is_done_and_replayed(engine, book, payments):
    set_rules(engine, {"fault": "lost_answer"})

    assert (book.pay(key="k").fault, len(payments())) == ("lost_answer", 1)
    again = book.pay(key="k")
    assert (again.status, again.headers["Idempotent-Replayed"], len(payments())) == (200, "true", 1)


def test_a_late_answer_is_done(engine, book, payments):
    set_rules(engine, {"fault": "late_answer", "delay_ms": 700}, {"fault": "late_answer", "nth": 2})

    first = book.pay()
    assert (first.fault, first.delay_ms, first.status, len(payments())) == ("late_answer", 700, 200, 1)
    assert book.pay().delay_ms == 30_000


def test_an_error_before_does_nothing(engine, book, payments):
    set_rules(engine, {"fault": "error_before"}, {"fault": "error_before", "status": 502, "nth": 2})

    assert [book.pay(key="k").status, book.pay(key="k").status, payments()] == [503, 502, []]
    assert book.pay(key="k").status == 200


def test_an_error_after_is_done_and_its_500_is_replayed(engine, book, payments):
    set_rules(engine, {"fault": "error_after"})

    assert [book.pay(key="k").status, book.pay(key="k").status, len(payments())] == [500, 500, 1]
    found = engine.call("GET", "/v1/actions", idempotency_key="k").json()["data"]
    assert [each["action"]["status"] for each in found] == ["succeeded"]


def test_an_error_of_a_proxy_after_is_done_and_the_key_has_the_answer(engine, book, payments):
    set_rules(engine, {"fault": "error_after", "status": 502})

    assert [book.pay(key="k").status, book.pay(key="k").status, len(payments())] == [502, 200, 1]


def test_too_many_requests_say_when_to_come_back(engine, book, payments):
    set_rules(engine, {"fault": "rate_limited", "retry_after": 3})
    answer = book.pay(key="k")

    assert (code(answer), answer.headers["Retry-After"], payments()) == ((429, "rate_limit"), "3", [])
    assert book.pay(key="k").status == 200


def test_a_truncated_body_is_done(engine, book, payments):
    set_rules(engine, {"fault": "truncated_body"})
    assert (book.pay().fault, len(payments())) == ("truncated_body", 1)


@pytest.mark.parametrize(
    ("fault", "name", "told"),
    [
        ("wrong_amount", "amount", 1001),
        ("wrong_currency", "currency", "USD"),
        ("unknown_status", "status", "under_review"),
    ],
)
def test_an_answer_lies_and_the_books_do_not(engine, book, fault, name, told):
    set_rules(engine, {"fault": fault})
    lie = book.pay(key="k").json()["action"]
    truth = book.pay(key="k").json()["action"]

    assert lie[name] == told
    assert truth == {**lie, name: truth[name]} and truth[name] != told
    assert engine.call("GET", f"/v1/actions/{lie['id']}").json()["action"] == truth


def test_a_lookup_lies_as_well(engine, book):
    book.pay(key="k")
    set_rules(engine, {"fault": "wrong_amount", "kind": "lookup"})
    found = engine.call("GET", "/v1/actions", idempotency_key="k").json()["data"][0]
    assert (found["action"]["amount"], found["payment"]["authorized"]) == (1001, 1001)


def test_a_rule_strikes_what_it_matches(engine, book):
    id = book.id(order_id="R1-P1")
    set_rules(
        engine,
        {"fault": "error_before", "kind": "capture", "order_id": "R1-P1", "nth": 2, "times": 2},
        {"fault": "rate_limited", "idempotency_key": "unlucky", "times": 0},
        {"fault": "lost_request", "amount": 13},
        {"fault": "error_before", "kind": "authorize", "path": "/v1/payments", "order_id": "R9"},
    )

    captures = [book.do(id, "captures", amount=1, final=False).status for _ in range(4)]
    assert captures == [200, 503, 503, 200]
    assert [book.pay(key="unlucky").status for _ in range(3)] == [429, 429, 429]
    assert book.pay(amount=13).fault == "lost_request"
    assert [book.pay(order_id="R9", capture=True).status, book.pay(order_id="R9").status] == [200, 503]
    shown = engine.call("GET", "/_faults").json()["rules"]
    assert [(each["seen"], each["fired"]) for each in shown] == [(4, 2), (3, 3), (1, 1), (1, 1)]
    engine.call("DELETE", "/_faults")
    assert book.pay(key="unlucky").status == 200


@pytest.mark.parametrize(
    "schedule",
    [
        rules({"fault": "gremlins"}),
        rules({"fault": "lost_answer", "colour": "red"}),
        rules({"fault": "lost_answer", "nth": "2"}),
        rules("lost_answer"),
        {"rates": {"lost_answer": 1001}},
        {"rates": {"lost_answer": 600, "lost_request": 600}},
        {"rates": {"gremlins": 1}},
        {"draw_by": "moon"},
        {"seed": "seven"},
        {"luck": 1},
    ],
)
def test_a_schedule_that_says_nothing_is_refused(engine, schedule):
    assert engine.call("POST", "/_faults", schedule).status == 400
    assert engine.call("GET", "/_faults").json() == {
        "seed": 0,
        "draw_by": "ordinal",
        "rates": {},
        "rules": [],
        "drawn": {},
    }


RATES = dict.fromkeys(REQUEST_FAULTS, 60) | dict.fromkeys(EVENT_FAULTS, 100)


def story(engine, keys, *, others=False):
    """What befell each payment and its event."""
    book, told = Book(engine), []
    for key in keys:
        if others:  # Requests of another kind, which change nothing for these.
            engine.call("GET", "/v1/payments")
        answer = book.pay(key=key)
        told.append((answer.fault, answer.status))
    events = engine.store.all("SELECT type, fault FROM events ORDER BY seq")
    return told, [tuple(row) for row in events]


def test_a_seed_replays_exactly(make_engine):
    keys = [f"k{number}" for number in range(90)]
    one = story(make_engine(schedule={"seed": 7, "rates": RATES}), keys)
    same = story(make_engine(schedule={"seed": 7, "rates": RATES}), [f"other-{key}" for key in keys], others=True)
    other = story(make_engine(schedule={"seed": 8, "rates": RATES}), keys)

    assert one == same != other
    assert len({fault for fault, _ in one[0]}) == 5  # The four that touch the connection, and none.
    assert {status for _, status in one[0]} == {0, 200, 429, 500, 503}
    assert {fault for _, fault in one[1]} == {"", *EVENT_FAULTS}


def test_drawn_by_key_the_order_of_requests_does_not_matter(make_engine):
    keys = [f"k{number}" for number in range(60)]
    schedule = {"seed": 7, "draw_by": "key", "rates": RATES}
    forth, _ = story(make_engine(schedule=schedule), keys)
    back, _ = story(make_engine(schedule=schedule), keys[::-1])

    assert forth == back[::-1]


def test_a_seed_goes_on_after_a_restart(make_engine, tmp_path):
    keys, path = [f"k{number}" for number in range(40)], str(tmp_path / "books.sqlite3")
    whole, _ = story(make_engine(schedule={"seed": 7, "rates": RATES}), keys)
    first, _ = story(make_engine(path, schedule={"seed": 7, "rates": RATES}), keys[:20])
    second, _ = story(make_engine(path), keys[20:])

    assert first + second == whole


def test_in_process_a_fault_is_what_a_socket_would_raise(make_engine):
    names = ("lost_request", "lost_answer", "late_answer", "truncated_body")
    engine = make_engine(schedule=rules(*({"fault": name, "nth": place} for place, name in enumerate(names, 1))))
    body = json.dumps({"amount": 1000, "currency": "EUR", "source": "tok_visa"}).encode()
    transport, headers = Transport(engine), {"Authorization": f"Bearer {SECRET}"}

    for trouble in (ConnectionResetError, ConnectionResetError, TimeoutError, http.client.IncompleteRead):
        with pytest.raises(trouble):
            transport.request("POST", "/v1/payments", body, headers)
    status, answered, _ = transport.request("GET", "/v1/payments?limit=1", headers=headers)
    assert (status, answered["content-type"]) == (200, "application/json")
    assert len(engine.call("GET", "/_books").json()["payments"]) == 3
    assert b"Test cards" in transport.request("GET", "/")[2]
