"""The hosted page as a customer walks through it, over HTTP, and sessions as the shop sees them."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

BACK = "http://shop.example/back?order=R1"
CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 40", "cvc": "123", "name": "Ada Byron"}


@pytest.fixture
def session(client):
    def make(**more):
        body = {"amount": 12900, "currency": "EUR", "order_id": "R1-P1", "return_url": BACK, **more}
        status, _, answer = client.call("POST", "/v1/sessions", body)
        assert status == 200, answer
        return answer["session"]

    return make


def form(**changes):
    return urlencode({**CARD, **changes})


def path(session, more=""):
    return urlsplit(session["url"]).path + more


def told(location):
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def state(client, session):
    _, _, answer = client.call("GET", f"/v1/sessions/{session['id']}")
    return answer["session"]["status"], answer["action"]["status"], answer["payment"]["captured"]


def test_a_session_waits_for_its_customer(client, session):
    made = session()
    _, _, answer = client.call("GET", f"/v1/payments/{made['payment']}")
    action = answer["actions"][0]

    assert (made["status"], answer["payment"]["status"], action["status"]) == (
        "open",
        "requires_action",
        "requires_action",
    )
    assert action["next_action"] == {"type": "redirect", "url": made["url"]}


def test_the_page_shows_what_is_bought_and_escapes_it(client, session):
    lines = [{"name": "<b>Tee</b>", "quantity": 2, "amount": 4800}, {"description": "Cap", "amount": 8100}]
    status, headers, text = client.page(path(session(description="Order <R1>", line_items=lines)))

    assert status == 200
    assert (
        "129.00 EUR" in text
        and "2 × &lt;b&gt;Tee&lt;/b&gt;" in text
        and "Order &lt;R1&gt;" in text
        and "<b>" not in text
    )
    assert "default-src 'none'" in headers["Content-Security-Policy"]


def test_a_good_card_pays_and_leads_back(client, session):
    made = session()
    status, headers, _ = client.page(path(made), form())

    assert (status, state(client, made)) == (303, ("complete", "succeeded", 12900))
    assert headers["Location"].startswith("http://shop.example/back?order=R1&")
    assert told(headers["Location"]) == {
        "order": "R1",
        "payment": made["payment"],
        "session": made["id"],
        "order_id": "R1-P1",
        "status": "succeeded",
    }


def test_without_capture_it_is_authorized(client, session):
    made = session(capture=False)
    client.page(path(made), form())
    assert state(client, made) == ("complete", "succeeded", 0)


def test_paying_twice_pays_once(client, session):
    made = session()
    client.page(path(made), form())
    status, _, text = client.page(path(made), form())

    assert (status, "Thank you" in text) == (200, True)
    _, _, answer = client.call("GET", f"/v1/payments/{made['payment']}")
    assert (answer["payment"]["captured"], len(answer["actions"])) == (12900, 1)


def test_after_a_decline_another_card_may_be_tried(client, session):
    made = session()
    status, _, text = client.page(path(made), form(number="4000000000009995"))
    assert (status, "insufficient funds" in text, state(client, made)[0]) == (200, True, "open")
    assert "4000000000009995" not in text and "Ada Byron" in text

    assert client.page(path(made), form())[0] == 303
    assert state(client, made)[1] == "succeeded"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": "12"}, "12 to 19 digits"),
        ({"number": ""}, "12 to 19 digits"),
        ({"expiry": "13/40"}, "month and year"),
        ({"expiry": "01/20"}, "has expired"),
        ({"cvc": "x"}, "three or four digits"),
        ({"number": "4111111111111111"}, "Only test cards are taken"),
    ],
)
def test_a_mistyped_form_is_told(client, session, changes, said):
    made = session()
    status, _, text = client.page(path(made), form(**changes))
    assert (status, said in text, state(client, made)[0]) == (200, True, "open")


@pytest.mark.parametrize("keep_trying", [True, False])
def test_the_challenge_is_met_or_failed(client, session, keep_trying):
    made = session()
    status, headers, _ = client.page(path(made), form(number="4000000000003220"))
    challenge = headers["Location"]
    assert (status, state(client, made)[0]) == (303, "open")
    assert "129.00 EUR" in client.page(challenge)[2]

    if keep_trying:
        status, _, text = client.page(challenge, "passed=no")
        assert (status, "could not be authenticated" in text) == (200, True)
        assert "over" in client.page(challenge, "passed=yes")[2]
        client.page(path(made), form(number="4000000000003220"))
    status, headers, _ = client.page(challenge, "passed=yes")
    assert (status, told(headers["Location"])["status"], state(client, made)) == (
        303,
        "succeeded",
        ("complete", "succeeded", 12900),
    )


def test_a_challenge_may_end_in_a_decline(client, session):
    made = session()
    _, headers, _ = client.page(path(made), form(number="4000008260003178"))
    assert "insufficient funds" in client.page(headers["Location"], "passed=yes")[2]
    assert state(client, made)[0] == "open"


def test_a_card_may_be_decided_after_the_way_back(client, session):
    made = session()
    _, headers, _ = client.page(path(made), form(number="4000009900002000"))
    assert told(headers["Location"])["status"] == "processing"
    client.call("POST", "/_events", {"payment": made["payment"], "deed": "decline_late"})
    assert state(client, made) == ("complete", "declined", 0)


def test_the_customer_may_cancel(client, session):
    made = session(cancel_url="http://shop.example/cart")
    status, headers, _ = client.page(path(made, "/cancel"), "")
    assert (status, headers["Location"].split("?")[0]) == (303, "http://shop.example/cart")
    assert state(client, made) == ("canceled", "declined", 0)
    assert "Canceled" in client.page(path(made))[2]


def test_the_shop_may_close_the_page_by_expiring_or_voiding(client, session):
    expired, voided = session(), session()
    assert client.call("POST", f"/v1/sessions/{expired['id']}/expire", {})[0] == 200
    assert client.call("POST", f"/v1/payments/{voided['payment']}/void", {})[0] == 200

    assert state(client, expired) == ("expired", "declined", 0)
    assert state(client, voided) == ("canceled", "canceled", 0)
    assert client.call("POST", f"/v1/sessions/{voided['id']}/expire", {})[0] == 400
    for made in (expired, voided):
        assert "card number" not in client.page(path(made), form())[2].lower()


def test_a_page_expires(engine, book):
    made = engine.call("POST", "/v1/sessions", {"amount": 1, "currency": "EUR", "expires_in": 60}).json()
    book.forward(60)
    assert book.get(made["payment"]["id"])["status"] == "declined"


def test_a_card_can_be_remembered(client, session):
    made = session(customer="7", save_card=True)
    assert "Remember this card" in client.page(path(made))[2]
    client.page(path(made), form(keep="yes"))

    _, _, cards = client.call("GET", "/v1/cards?customer=7")
    _, _, payment = client.call("GET", f"/v1/payments/{made['payment']}")
    assert [card["last4"] for card in cards["data"]] == ["4242"]
    assert payment["payment"]["card"]["id"] == cards["data"][0]["id"]


def test_a_call_may_ask_for_the_challenge_as_well(client):
    body = {"amount": 1000, "currency": "EUR", "source": "tok_challenge", "return_url": BACK}
    _, _, passed = client.call("POST", "/v1/payments", body)
    _, _, failed = client.call("POST", "/v1/payments", body)
    places = [urlsplit(each["action"]["next_action"]["url"]).path for each in (passed, failed)]

    assert told(client.page(places[0], "passed=yes")[1]["Location"])["status"] == "succeeded"
    assert told(client.page(places[1], "passed=no")[1]["Location"])["status"] == "declined"
    _, _, answer = client.call("GET", f"/v1/actions/{failed['action']['id']}")
    assert answer["action"]["decline_code"] == "authentication_failed"


def test_without_a_return_address_the_page_says_goodbye(client, session):
    made = session(return_url="")
    status, _, text = client.page(path(made), form())
    assert (status, "Thank you" in text, "You can close it" in text) == (200, True, True)


def test_no_number_is_kept(simulator, client, session):
    client.page(path(session(customer="8", save_card=True)), form(keep="yes"))
    kept = "\n".join(simulator.engine.store.db.iterdump())
    assert not re.search(r"4242 ?4242 ?4242 ?4242", kept)


def test_unknown_sessions_are_not_found(client):
    assert client.page("/pay/ses_nobody")[0] == 404
    assert client.page("/challenge/auth_nobody")[0] == 404
    assert client.page("/nowhere")[0] == 404
