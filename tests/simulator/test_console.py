"""The start page and the console: what they show, what their buttons do, and who may press them."""

from __future__ import annotations

import base64
import html
import re
from contextlib import closing
from urllib.parse import urlencode

import pytest

from payments.simulator import cards, later
from payments.simulator.console import LABELS
from payments.simulator.faults import EVENT_FAULTS, REQUEST_FAULTS
from payments.simulator.server import Simulator
from tests.simulator.conftest import SECRET, Client, options


@pytest.fixture
def pay(client):
    def make(source="tok_visa", **more):
        body = {"amount": 4800, "currency": "EUR", "source": source, "capture": False, **more}
        return client.call("POST", "/v1/payments", body)[2]["payment"]["id"]

    return make


def fetch(client, id):
    return client.call("GET", f"/v1/payments/{id}")[2]["payment"]


def test_the_start_page_lists_every_card_token_and_amount(client):
    _, _, text = client.page("/")
    for outcome in cards.OUTCOMES:
        assert outcome.token in text and outcome.says in html.unescape(text)
        assert re.sub(r"(\d{4})(?=\d)", r"\1 ", outcome.number) in text
        assert outcome.test_amount is None or str(outcome.test_amount) in text


def test_payments_are_listed_searched_and_paged(client, pay):
    made = [pay(order_id=f"R-LIST-{number}-P1", email="ada@example.com") for number in range(27)]
    _, _, first = client.page("/console/?q=R-LIST")
    older = re.search(r'href="(/console/\?before=[^"]+)"', first)[1]
    _, _, second = client.page(html.unescape(older))

    assert [id in first for id in (made[-1], made[2], made[1])] == [True, True, False]
    assert [id in second for id in (made[1], made[0], made[2])] == [True, True, False]
    assert made[3] in client.page(f"/console/?q={made[3]}")[2]
    assert made[3] not in client.page("/console/?q=R-LIST-4-P1")[2]
    assert "No payment fits" in client.page("/console/?q=nobody%27--")[2]


def test_a_payment_shows_its_actions_records_and_events(client, pay):
    id = pay(order_id="R<1>", description="<script>alert(1)</script>")
    client.call("POST", f"/v1/payments/{id}/captures", {"amount": 2000, "final": False}, key="the-capture-key")
    _, headers, text = client.page(f"/console/payments/{id}")

    for shown in (
        "48.00 EUR",
        "20.00 EUR",
        "28.00 EUR",
        "the-capture-key",
        "capture.succeeded",
        "0.53 EUR",
        "R&lt;1&gt;",
    ):
        assert shown in text
    assert "<script>" not in text and "default-src 'none'" in headers["Content-Security-Policy"]


def test_every_deed_has_a_button_somewhere(client, pay):
    assert set(LABELS) == set(later.DEEDS)
    disputed, refunded = pay(capture=True), pay(capture=True)
    client.call("POST", "/_events", {"payment": disputed, "deed": "open_dispute"})
    client.call("POST", f"/v1/payments/{refunded}/refunds", {"amount": 1})
    pages = [client.page(f"/console/payments/{id}")[2] for id in (pay(), pay("tok_processing"), disputed, refunded)]
    assert {deed for deed in LABELS if any(f'value="{deed}"' in page for page in pages)} == set(LABELS)


def test_a_button_makes_it_happen(client, pay):
    id = pay()
    for deed, amount in (
        ("capture", "20.00"),
        ("void", ""),
        ("refund", "5"),
        ("open_dispute", ""),
        ("lose_dispute", ""),
    ):
        status, headers, _ = client.page(f"/console/payments/{id}", urlencode({"deed": deed, "amount": amount}))
        assert (status, headers["Location"]) == (303, f"/console/payments/{id}?done={deed}")
    assert "Done: dispute lost" in client.page(f"/console/payments/{id}?done=lose_dispute")[2]
    payment = fetch(client, id)
    assert (payment["captured"], payment["refunded"], payment["capturable"]) == (2000, 500, 0)
    actions = client.call("GET", f"/v1/payments/{id}")[2]["actions"]
    assert [each["origin"] for each in actions] == ["api", "outside", "outside", "outside", "outside"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"deed": "capture", "amount": "1.999"}, "is no amount in EUR"),
        ({"deed": "capture", "amount": "much"}, "is no amount"),
        ({"deed": "capture", "amount": "4800"}, "You cannot capture"),
        ({"deed": "refund", "amount": ""}, "nothing left to refund"),
        ({"deed": "dance"}, "deed is to be one of"),
    ],
)
def test_what_is_not_possible_is_said_on_the_page(client, pay, form, said):
    id = pay()
    status, _, text = client.page(f"/console/payments/{id}", urlencode(form))
    assert (status, said in html.unescape(text)) == (409, True)
    assert fetch(client, id)["capturable"] == 4800


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_presses_no_button(client, pay, headers):
    id = pay()
    for path in (f"/console/payments/{id}", "/console/faults", "/console/books/clock", "/console/books/payout"):
        assert client.page(path, "deed=capture&seconds=86400&lost_answer=1000", **headers)[0] == 403
    assert fetch(client, id)["capturable"] == 4800
    assert client.page(f"/console/payments/{id}", "deed=void", **{"Sec-Fetch-Site": "same-origin"})[0] == 303


def test_a_get_changes_nothing(client, pay):
    id = pay()
    assert client.page(f"/console/payments/{id}?deed=capture")[0] == 200
    assert client.page("/console/books/payout")[0] == 404
    assert fetch(client, id)["captured"] == 0


def test_an_event_shows_its_body_and_deliveries_and_can_be_sent_again(client, receiver, pay):
    id = pay(notification_url=receiver.url)
    receiver.wait_for(1)
    assert "authorize.succeeded" in client.page("/console/events")[2]
    event = client.call("GET", f"/v1/events?payment={id}")[2]["data"][0]["id"]
    status, headers, _ = client.page(f"/console/events/{event}", "")
    receiver.wait_for(2)

    assert (status, headers["Location"]) == (303, f"/console/events/{event}?done=yes")
    text = html.unescape(client.page(f"/console/events/{event}")[2])
    assert f'"id": "{event}"' in text and receiver.url in text
    assert client.page("/console/events/evt_nobody")[0] == 404


def test_the_books_are_shown_paid_out_and_moved_in_time():
    with Simulator(options=options()) as own, closing(Client(own.url)) as client:
        client.call("POST", "/v1/payments", {"amount": 1000, "currency": "EUR", "source": "tok_visa"})
        assert "9.61 EUR" in client.page("/console/books")[2]
        assert client.page("/console/books/payout", "")[1]["Location"].endswith("done=nothing")
        client.page("/console/books/clock", "seconds=86400")
        assert client.page("/console/books/payout", "")[1]["Location"].endswith("done=payout")
        _, _, text = client.page("/console/books?done=payout")
        status, headers, file = client.page(re.search(r'href="(/console/payouts/[^"]+)"', text)[1])
        assert (status, headers["Content-Disposition"][:10], "9.61" in file) == (200, "attachment", True)
        assert client.page("/console/payouts/po_nobody.csv")[0] == 404


def test_the_fault_schedule_is_seen_and_set(simulator, client):
    form = {
        "seed": "9",
        "draw_by": "key",
        "lost_answer": "20",
        "webhook_missing": "5",
        "rules": '[{"fault": "lost_request"}]',
    }
    assert client.page("/console/faults", urlencode(form))[0] == 303
    _, _, text = client.page("/console/faults")
    schedule = simulator.engine.faults.schedule()
    assert client.page("/console/faults", "clear=yes")[0] == 303

    assert (schedule["seed"], schedule["draw_by"]) == (9, "key")
    assert schedule["rates"] == {"lost_answer": 20, "webhook_missing": 5}
    assert [rule["fault"] for rule in schedule["rules"]] == ["lost_request"]
    assert all(name in text for name in (*REQUEST_FAULTS, *EVENT_FAULTS)) and 'value="20"' in text
    assert simulator.engine.faults.schedule()["rates"] == {}


@pytest.mark.parametrize(
    "form", [{"lost_answer": "many"}, {"rules": "{"}, {"rules": "{}"}, {"rules": '[{"fault": "no"}]'}]
)
def test_a_schedule_that_says_nothing_is_told(client, form):
    status, _, text = client.page("/console/faults", urlencode(form))
    assert (status, 'role="alert"' in text) == (400, True)


def test_in_public_the_console_asks_for_the_secret_key():
    with Simulator(options=options(), public=True) as public, closing(Client(public.url)) as client:
        right, wrong = (base64.b64encode(f"me:{key}".encode()).decode() for key in (SECRET, "guess"))
        assert client.page("/console/")[0] == 401
        assert client.page("/console/", Authorization=f"Basic {wrong}")[0] == 401
        assert client.page("/console/", Authorization="Basic %%%")[0] == 401
        assert client.page("/console/", Authorization=f"Basic {right}")[0] == 200
        assert client.page("/")[0] == 200


def test_no_page_loads_anything_from_elsewhere(client, pay):
    id = pay()
    for place in ("/", "/console/", f"/console/payments/{id}", "/console/events", "/console/books", "/console/faults"):
        assert set(re.findall(r'(?:src|rel="stylesheet" href|action)="([^"]+)"', client.page(place)[2])) <= {
            "/style.css",
            *re.findall(r'"(/console/[^"]*)"', client.page(place)[2]),
        }
    assert "url(" not in client.page("/style.css")[2] and "@import" not in client.page("/style.css")[2]
