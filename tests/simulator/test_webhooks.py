"""Events: signed, delivered until they arrive, in order unless a fault says otherwise."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from urllib.parse import urlsplit

import pytest

from payments.simulator.in_process import Transport
from tests.simulator.conftest import WEBHOOK_SECRET, Book

HOOK = "https://shop.example/hooks"


class Inbox:
    """A sender that keeps what it is given, and answers with the statuses it has, then 200."""

    def __init__(self, *statuses):
        self.statuses, self.got = list(statuses), []

    def __call__(self, url, headers, body):
        self.got.append((url, headers, json.loads(body), is_signed(headers, body)))
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise ConnectionRefusedError("nobody is there")
        return status

    def types(self):
        return [event["type"] for _, _, event, _ in self.got]


def is_signed(headers, body, secret=WEBHOOK_SECRET):
    """What a shop does with the header."""
    parts = dict(part.split("=", 1) for part in headers["Simulator-Signature"].split(","))
    wanted = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(parts["t"])) <= 300 and hmac.compare_digest(wanted, parts["v1"])


@pytest.fixture
def told(make_engine):
    """An engine with rules and an inbox."""

    def make(*rules, inbox=None, **changes):
        inbox = inbox or Inbox()
        engine = make_engine(schedule={"rules": list(rules)}, sender=inbox, webhook_url=HOOK, **changes)
        return engine, Book(engine), inbox

    return make


def test_an_event_says_what_an_action_came_to(told):
    engine, book, inbox = told()
    action = book.pay(order_id="R1-P1", key="k").json()["action"]
    engine.webhooks.deliver_due()

    [(url, headers, event, signed)] = inbox.got
    assert (url, headers["Content-Type"], signed) == (HOOK, "application/json", True)
    assert (event["type"], event["livemode"], event["data"]["action"]) == ("authorize.succeeded", False, action)
    assert event["data"]["payment"]["authorized"] == 1000


def test_each_thing_that_happens_is_told_in_order(told):
    engine, book, inbox = told()
    id = book.id()
    book.do(id, "captures", amount=600, final=False)
    book.do(id, "void")
    book.do(id, "refunds", amount=100)
    book.happen(id, "open_dispute")
    book.happen(id, "win_dispute")
    book.pay("tok_declined")
    engine.webhooks.deliver_due()

    assert inbox.types() == [
        "authorize.succeeded",
        "capture.succeeded",
        "void.succeeded",
        "refund.succeeded",
        "dispute.opened",
        "dispute.won",
        "authorize.declined",
    ]


def test_a_payment_may_name_its_own_address(told):
    engine, book, inbox = told()
    book.pay(notification_url="http://127.0.0.1:1/mine")
    engine.webhooks.deliver_due()
    assert inbox.got[0][0] == "http://127.0.0.1:1/mine"


def test_without_an_address_nothing_is_sent(make_engine):
    inbox = Inbox()
    engine = make_engine(sender=inbox)
    Book(engine).pay()
    assert engine.webhooks.deliver_due() == 0
    assert engine.call("GET", "/v1/events").json()["data"][0]["status"] == "unaddressed"


def test_an_event_is_sent_again_until_it_arrives_later_each_time(told):
    engine, book, inbox = told(inbox=Inbox(500, 0, 302))
    book.pay()
    for pause, count in ((0, 1), (0, 1), (1, 2), (1, 2), (1, 3), (4, 4), (3600, 4)):
        book.forward(pause)
        engine.webhooks.deliver_due()
        assert len(inbox.got) == count

    event = engine.call("GET", "/v1/events").json()["data"][0]
    shown = engine.call("GET", f"/v1/events/{event['id']}").json()
    assert (event["status"], event["attempts"]) == ("delivered", 4)
    assert [(each["attempt"], each["status"]) for each in shown["deliveries"]] == [
        (1, 500),
        (2, None),
        (3, 302),
        (4, 200),
    ]
    assert "nobody is there" in shown["deliveries"][1]["error"]
    assert len({event["id"] for _, _, event, _ in inbox.got}) == 1


def test_it_gives_up_after_twelve(told):
    engine, book, inbox = told(inbox=Inbox(*[500] * 20))
    book.pay()
    for _ in range(15):
        engine.webhooks.deliver_due()
        book.forward(5000)
    assert len(inbox.got) == 12
    event = engine.call("GET", "/v1/events").json()["data"][0]
    assert event["status"] == "failed"

    inbox.statuses.clear()
    engine.call("POST", "/_deliver", {"event": event["id"]})
    assert engine.call("GET", "/v1/events").json()["data"][0]["status"] == "delivered"


def test_duplicate(told):
    engine, book, inbox = told({"fault": "webhook_duplicate"})
    book.pay()
    engine.webhooks.deliver_due()
    assert [event["id"] for _, _, event, _ in inbox.got] == [inbox.got[0][2]["id"]] * 2


def test_missing(told):
    engine, book, inbox = told({"fault": "webhook_missing", "event": "authorize.succeeded"})
    id = book.id()
    book.do(id, "captures")
    book.forward(86_400)
    engine.webhooks.deliver_due()
    assert inbox.types() == ["capture.succeeded"]


def test_reordered(told):
    engine, book, inbox = told({"fault": "webhook_reordered", "event": "authorize.succeeded"})
    id = book.id()
    book.do(id, "captures")
    engine.webhooks.deliver_due()
    assert inbox.types() == ["capture.succeeded", "authorize.succeeded"]


def test_reordered_with_nothing_after_it_comes_late(told):
    engine, book, _ = told({"fault": "webhook_reordered"})
    book.pay()
    assert engine.webhooks.deliver_due() == 0
    book.forward(2)
    assert engine.webhooks.deliver_due() == 1


def test_early(told):
    _, book, inbox = told({"fault": "webhook_early"}, {"fault": "lost_answer"})
    answer = book.pay()
    assert (answer.fault, inbox.types()) == ("lost_answer", ["authorize.succeeded"])


def test_early_is_also_what_a_page_has_caused(told):
    """Before the customer is sent back, though no request of the shop's has caused it."""
    engine, _, inbox = told({"fault": "webhook_early", "times": 0})
    page = engine.call("POST", "/v1/sessions", {"amount": 1000, "currency": "EUR"}).json()["session"]["url"]
    form = b"number=4242424242424242&expiry=12/40&cvc=123"
    Transport(engine).request("POST", urlsplit(page).path, form, {"Origin": engine.options.base_url})
    assert inbox.types() == ["purchase.succeeded"]


def test_early_is_also_what_the_clock_or_a_hand_has_caused(told):
    engine, book, inbox = told({"fault": "webhook_early", "times": 0})
    held, taken = book.id(), book.id(capture=True)
    book.happen(taken, "open_dispute")
    assert inbox.types()[2:] == ["dispute.opened"]
    engine.call("POST", "/_clock", {"advance": 8 * 86_400})
    assert inbox.types()[3:] == ["void.succeeded"]
    assert book.get(held)["expired"]


def test_wrong_signature_once(told):
    engine, book, inbox = told({"fault": "webhook_bad_signature"}, inbox=Inbox(400))
    book.pay()
    engine.webhooks.deliver_due()
    book.forward(1)
    engine.webhooks.deliver_due()
    assert [signed for _, _, _, signed in inbox.got] == [False, True]


def test_what_a_kill_interrupted_is_sent_again(make_engine, tmp_path):
    path = str(tmp_path / "books.sqlite3")

    def die(url, headers, body):
        raise KeyboardInterrupt

    engine = make_engine(path, sender=die, webhook_url=HOOK)
    Book(engine).pay()
    with pytest.raises(KeyboardInterrupt):
        engine.webhooks.deliver_due()
    inbox = Inbox()
    again = make_engine(path, sender=inbox, webhook_url=HOOK)
    again.webhooks.deliver_due()
    assert inbox.types() == ["authorize.succeeded"]


def test_over_a_socket_events_arrive_by_themselves(client, receiver):
    receiver.statuses = [500]
    body = {"amount": 1000, "currency": "EUR", "source": "tok_visa", "notification_url": receiver.url}
    _, _, answer = client.call("POST", "/v1/payments", body)

    (first, told), (second, again) = receiver.wait_for(2)
    assert told == again
    assert json.loads(told)["data"]["action"]["id"] == answer["action"]["id"]
    assert is_signed(first, told) and is_signed(second, again)
