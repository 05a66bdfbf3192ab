"""What is particular to PayPlug, request by request, over the server that speaks its API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from payments.errors import GatewayError, GatewayUnavailable, UnreadableNotice, UnsupportedAction
from payments.gateways import payplug
from payments.gateways.base import Outcome
from payments.gateways.conformance import Source, broken_rules
from payments.gateways.payplug import PayPlugGateway
from tests.gateways.payplug_bench import CARD_OF, PayPlugBench, QuickPayPlug, visit
from tests.providers.payplug_server import GOOD, SECRET_KEY

pytestmark = pytest.mark.once

ADDRESS = {
    "name": "Ada King Byron",
    "address1": "12 St James's Sq",
    "address2": "Flat 2",
    "city": "London",
    "state": "LND",
    "zip": "SW1Y 4JH",
    "country": "GB",
    "phone": "",
}
PAGE = Source(is_hosted=True)


class Keeping(Source):
    to_keep = True


@pytest.fixture
def bench():
    made = PayPlugBench()
    made.setup_method()
    yield made
    made.teardown_method()


def asked(bench, number=-1):
    """Method, path and body of one request."""
    method, target, body = bench.server.requests[number]
    return method, target, json.loads(body) if body else None


def paid(bench, amount=1_000, **options):
    return bench.gateway.purchase(amount, bench.source("approve"), bench.options(**options))


# What is asked


def test_a_payment_on_the_page_says_what_is_needed_and_no_more(bench):
    options = bench.options(
        "R1-P1",
        idempotency_key="P1-purchase-1",
        billing_address=ADDRESS,
        shipping_address={**ADDRESS, "city": "Paris", "country": "FR"},
        notification_url="https://shop.example/hook/",
    )
    answer = bench.gateway.purchase(12_345, PAGE, options)
    person = {
        "first_name": "Ada King",
        "last_name": "Byron",
        "email": "ada@example.com",
        "address1": "12 St James's Sq",
        "address2": "Flat 2",
        "postcode": "SW1Y 4JH",
        "city": "London",
        "state": "LND",
        "country": "GB",
    }
    assert asked(bench) == (
        "POST",
        "/v1/payments",
        {
            "amount": 12_345,
            "currency": "EUR",
            "billing": person,
            "shipping": {**person, "city": "Paris", "country": "FR", "delivery_type": "NEW"},
            "hosted_payment": {
                "return_url": "https://shop.example/orders/R1/",
                "cancel_url": "https://shop.example/orders/R1/",
            },
            "notification_url": "https://shop.example/hook/",
            "description": "Order R1",
            "metadata": {"order_id": "R1-P1", "idempotency_key": "P1-purchase-1"},
        },
    )
    assert (answer.outcome, answer.amount_minor) == (Outcome.ACTION_REQUIRED, 12_345)
    assert answer.next_action["url"].startswith(f"{bench.server.address}/pay/test/")


@pytest.mark.parametrize(("address", "says"), [(None, "DIGITAL_GOODS"), (ADDRESS, "BILLING")])
def test_it_says_where_it_goes(bench, address, says):
    bench.gateway.purchase(1_000, PAGE, bench.options(billing_address=ADDRESS, shipping_address=address))
    assert asked(bench)[2]["shipping"]["delivery_type"] == says


@pytest.mark.parametrize(
    ("by", "says"), [("checkout", "PAYER"), ("staff", "MERCHANT"), ("batch", "MERCHANT"), ("system", "MERCHANT")]
)
def test_one_click_says_whose_click_it_is(bench, by, says):
    answer = paid(bench, initiator=by)
    said = asked(bench)[2]
    assert (said["payment_method"], said["initiator"], "allow_save_card" in said) == (GOOD, says, False)
    assert answer.success and answer.next_action is None


def test_a_hold_is_asked_for_by_another_word(bench):
    held = bench.approved()
    said = asked(bench)[2]
    assert said["authorized_amount"] == 1_000 and "amount" not in said
    ends = datetime.fromisoformat(held.params["expires_at"])
    assert timedelta(days=6, hours=23) < ends - datetime.now(UTC) < timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    ("customer", "source", "config", "offered"),
    [
        (7, Keeping(is_hosted=True), {}, True),
        (7, PAGE, {}, False),
        (None, Keeping(is_hosted=True), {}, False),
        (7, Keeping(is_hosted=True), {"without_saved_cards": True}, False),
    ],
)
def test_the_page_offers_to_keep_a_card_to_whoever_asked_for_it(bench, customer, source, config, offered):
    gateway = QuickPayPlug({**bench.config, **config}, test=True)
    gateway.purchase(1_000, source, bench.options(customer_id=customer))
    assert asked(bench)[2].get("allow_save_card", False) is offered


def test_a_key_of_the_other_mode_asks_nobody(bench):
    for key, test in ((SECRET_KEY, False), ("sk_live_0123", True), ("", True)):
        gateway = QuickPayPlug({**bench.config, "secret_key": key}, test=test)
        with pytest.raises(GatewayError, match="is to begin with sk_"):
            gateway.purchase(1_000, PAGE, bench.options())
    assert not bench.server.requests


def test_a_wrong_key_is_a_decline(bench):
    gateway = QuickPayPlug({**bench.config, "secret_key": "sk_test_of_somebody_else"}, test=True)
    refused = gateway.purchase(1_000, PAGE, bench.options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "config_error")


def test_what_the_account_may_not_do_says_so(bench):
    bench.server.may["defer"] = False
    refused = bench.gateway.authorize(1_000, PAGE, bench.options())
    assert (refused.error_code, refused.message) == (
        "config_error",
        "You are not allowed to create a deferred payment.",
    )
    bench.server.may["save"] = False
    assert not PayPlugGateway.capabilities_with({"without_saved_cards": True}).saved_sources
    checked = {each.name: each.state for each in check(bench)}
    assert checked == {"account": "ok", "capture later": "warning", "kept cards": "warning", "notices": "ok"}


def check(bench, **config):
    gateway = QuickPayPlug({**bench.config, **config}, test=True)
    return gateway.check(notification_url="https://shop.example/hook/", currencies=frozenset({"EUR"}))


def test_the_checklist_of_an_account_that_may(bench):
    assert {each.state for each in check(bench)} == {"ok"}
    assert "kept cards" not in {each.name for each in check(bench, without_saved_cards=True)}
    told = bench.gateway.check(notification_url="", currencies=frozenset())
    assert [each.state for each in told if each.name == "notices"] == ["problem"]


@pytest.mark.parametrize("amount", [98, 2_000_001])
def test_an_amount_that_it_does_not_take(bench, amount):
    refused = bench.gateway.purchase(amount, PAGE, bench.options())
    assert refused.error_code == "invalid_amount"
    assert "amount: The amount is to be from 99" in refused.message


# The page


def test_the_page_is_paid_and_looked_up(bench):
    options = bench.options()
    waits = bench.gateway.purchase(1_000, PAGE, options)
    look = {"idempotency_key": options["idempotency_key"], "order_id": options["order_id"]}
    look |= {"kind": "purchase", "authorization": waits.authorization}
    assert bench.gateway.lookup(**look).outcome is Outcome.ACTION_REQUIRED
    url = waits.next_action["url"]
    assert "10.00 EUR" in visit(url)[2]
    assert visit(url, number="4242424242424242", act="pay")[:2] == (303, "https://shop.example/orders/R1/")
    found = bench.gateway.lookup(**look)
    assert (found.outcome, found.amount_minor, found.reference) == (Outcome.APPROVED, 1_000, waits.authorization)
    assert found.params["card"] == {"brand": "Visa", "last4": "4242", "country": "FR", "exp_month": 9, "exp_year": 2031}


def test_a_challenge_is_on_the_page_of_its_payment(bench):
    waits = bench.gateway.purchase(1_000, bench.source("challenge"), bench.options())
    for act, outcome in (("refuse", Outcome.DECLINED), ("confirm", Outcome.APPROVED)):
        options = bench.options()
        waits = bench.gateway.purchase(1_000, bench.source("challenge"), options)
        assert "confirm or refuse" in visit(waits.next_action["url"], act="pay")[2]
        visit(waits.next_action["url"], act=act)
        assert bench.look("purchase", options, waits.authorization).outcome is outcome


def test_who_leaves_the_page_may_come_again_and_who_never_comes_has_not_paid(bench):
    options = bench.options()
    waits = bench.gateway.purchase(1_000, PAGE, options)
    visit(waits.next_action["url"], act="cancel")
    assert bench.look("purchase", options, waits.authorization).outcome is Outcome.ACTION_REQUIRED
    bench.let_pass(timedelta(days=2))
    gone = bench.look("purchase", options, waits.authorization)
    assert (gone.outcome, gone.error_code) == (Outcome.DECLINED, "session_expired")


def test_a_page_that_was_given_up_can_be_paid_no_more(bench):
    options = bench.options()
    waits = bench.gateway.purchase(1_000, PAGE, options)
    given_up = bench.gateway.void(waits.authorization, bench.options())
    assert asked(bench) == ("PATCH", f"/v1/payments/{waits.authorization}", {"aborted": True})
    assert given_up.success
    visit(waits.next_action["url"], number="4242424242424242", act="pay")
    gone = bench.look("purchase", options, waits.authorization)
    assert (gone.outcome, gone.error_code) == (Outcome.DECLINED, "canceled_by_customer")
    assert bench.look("void", bench.options(options["order_id"]), waits.authorization).success


# Later


def test_all_of_a_hold_is_captured_or_nothing(bench):
    held = bench.hold()
    with pytest.raises(UnsupportedAction, match="partial_capture"):
        bench.gateway.capture(999, held, bench.options())
    assert bench.gateway.capture(1_001, held, bench.options()).error_code == "invalid_amount"
    assert not bench.books(held).captured
    assert bench.gateway.capture(1_000, held, bench.options()).amount_minor == 1_000
    assert asked(bench) == ("PATCH", f"/v1/payments/{held}", {"captured": True})
    assert bench.gateway.capture(1_000, held, bench.options()).error_code == "already_captured"


def test_what_cannot_be_captured_says_why(bench):
    waiting = bench.gateway.authorize(1_000, PAGE, bench.options()).authorization
    assert bench.gateway.capture(1_000, waiting, bench.options()).error_code == "wrong_state"
    held = bench.hold()
    bench.let_pass(timedelta(days=8))
    assert bench.gateway.capture(1_000, held, bench.options()).error_code == "authorization_expired"


def test_what_was_taken_is_not_voided(bench):
    taken = paid(bench).authorization
    refused = bench.gateway.void(taken, bench.options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "wrong_state")
    assert bench.books(taken).captured == 1_000


def test_refunds_carry_our_names_and_are_found_by_them(bench):
    taken = bench.gateway.purchase(1_000, bench.source("approve"), bench.options("R1-P1")).authorization
    options = bench.options("R1-P1", idempotency_key="P1-refund-2")
    bench.spoil("lost_answer")
    with pytest.raises(GatewayUnavailable):
        bench.gateway.credit(300, taken, options)
    assert asked(bench)[2] == {"amount": 300, "metadata": {"order_id": "R1-P1", "idempotency_key": "P1-refund-2"}}
    assert bench.look("refund", options, taken).amount_minor == 300
    assert bench.look("refund", bench.options("R1-P1"), taken) is None
    told = bench.gateway.fetch(taken)
    assert (told.captured_minor, told.refunded_minor) == (1_000, 300)


@pytest.mark.parametrize(("amount", "code"), [(9, "invalid_amount"), (1_001, "invalid_amount")])
def test_a_refund_of_too_little_or_too_much(bench, amount, code):
    assert bench.gateway.credit(amount, paid(bench).authorization, bench.options()).error_code == code


def test_a_refund_after_half_a_year_is_refused(bench):
    taken = paid(bench).authorization
    bench.let_pass(timedelta(days=181))
    refused = bench.gateway.credit(100, taken, bench.options())
    assert (refused.error_code, refused.message) == ("wrong_state", "This payment can no longer be refunded.")


def test_a_refund_in_the_portal_is_found_by_its_name_however_many_there_are(bench):
    taken = bench.gateway.purchase(1_000, bench.source("approve"), bench.options("R1-P1")).authorization
    books = bench.server.books
    made = [books.give_back(books.payments[taken], 100, {}) for _ in range(2)]
    ask = {"kind": "refund", "idempotency_key": "", "order_id": "R1-P1", "authorization": taken}
    assert bench.gateway.lookup(**ask) is None  # It might be either.
    found = [bench.gateway.lookup_knowing(**ask, reference=each["id"]).reference for each in made]
    assert found == [each["id"] for each in made]


def test_a_list_of_refunds_with_a_hole_proves_nothing(bench):
    taken = bench.gateway.purchase(1_000, bench.source("approve"), bench.options("R1-P1")).authorization
    bench.gateway.credit(100, taken, bench.options("R1-P1"))
    bench.server.books.refunds[taken].clear()
    with pytest.raises(GatewayUnavailable, match="not whole"):
        bench.look("refund", bench.options("R1-P1"), taken)


def test_a_payment_that_was_made_before_us_is_known_by_its_handle(bench):
    """What nobody wrote our names on: its handle is enough where it is our own, and not in somebody's notice."""
    held = bench.hold()
    bench.server.books.payments[held]["metadata"] = {}
    bench.gateway.capture(1_000, held, bench.options("R1-P1"))
    ask = {"kind": "capture", "idempotency_key": "", "order_id": "R1-P1", "authorization": held}
    assert bench.gateway.lookup_knowing(**ask, since=datetime.now(UTC)).success
    assert bench.gateway.lookup_knowing(**ask, reference=held) is None


# The list


def test_the_list_is_read_back_to_when_it_was_asked(bench, monkeypatch):
    monkeypatch.setattr(payplug, "PER_PAGE", 2)
    books, since = bench.server.books, datetime.now(UTC)
    for _ in range(5):
        paid(bench)
    for each in books.payments.values():
        each["created_at"] -= 86_400
    mine = bench.options()
    named = {"idempotency_key": mine["idempotency_key"], "order_id": mine["order_id"], "authorization": ""}
    bench.server.requests.clear()
    assert bench.gateway.lookup_knowing(kind="purchase", **named, since=since) is None
    assert len(bench.server.requests) == 1
    bench.gateway.purchase(1_000, bench.source("approve"), mine)
    assert bench.gateway.lookup_knowing(kind="purchase", **named, since=since).success
    assert bench.gateway.lookup_knowing(kind="authorize", **named, since=since) is None
    bench.server.requests.clear()
    assert bench.gateway.lookup(**{**named, "idempotency_key": "never"}, kind="purchase") is None
    assert len(bench.server.requests) == 4  # To its end, which is a page without payments.


def test_a_list_that_is_in_another_order_is_read_to_its_end(bench, monkeypatch):
    monkeypatch.setattr(payplug, "PER_PAGE", 2)
    mine = bench.options()
    for options in (*(bench.options() for _ in range(3)), mine):
        bench.gateway.purchase(1_000, bench.source("approve"), options)
    books = bench.server.books
    for age, each in enumerate(books.newest_first()):
        each["created_at"] -= age * 86_400
    monkeypatch.setattr(books, "newest_first", lambda: list(books.payments.values()))
    named = {"idempotency_key": mine["idempotency_key"], "order_id": mine["order_id"], "authorization": ""}
    assert bench.gateway.lookup_knowing(kind="purchase", **named, since=datetime.now(UTC)).success


def test_a_list_without_an_end_proves_nothing(bench, monkeypatch):
    monkeypatch.setattr(payplug, "PER_PAGE", 1)
    monkeypatch.setattr(payplug, "PAGES", 2)
    for _ in range(2):
        paid(bench)
    with pytest.raises(GatewayUnavailable, match="more than 2 payments"):
        bench.look("purchase", bench.options())


def test_without_a_key_the_only_one_without_a_key_is_found(bench):
    for _ in range(2):
        options = bench.options("R1-P1", idempotency_key="")
        bench.gateway.purchase(1_000, bench.source("approve"), options)
        found = bench.look("purchase", options)
        assert (found is None) is (bench.deeds("R1-P1") == 2)  # It might be either.


# Answers that cannot be read


@pytest.mark.parametrize(
    "wrong",
    [
        {"is_paid": None},
        {"id": None},
        {"amount": "1000"},
        {"amount": -1},
        {"failure": "no"},
        {"object": "card"},
        {"authorization": {"authorized_amount": 1_000, "authorized_at": 1}},
        {"is_paid": False, "hosted_payment": None},
    ],
)
def test_what_makes_no_sense_is_unknown(bench, wrong, monkeypatch):
    make = bench.server.books.make
    monkeypatch.setattr(bench.server.books, "make", lambda *given: {**make(*given), **wrong})
    with pytest.raises(GatewayUnavailable):
        paid(bench)


def test_a_refusal_without_a_message_has_one(bench, monkeypatch):
    monkeypatch.setattr(bench.server, "answer", lambda *_request: (422, {}))
    refused = paid(bench)
    assert (refused.error_code, refused.message) == ("invalid_request", "PayPlug refused it (422).")


# Cards


def test_a_card_is_kept_on_the_page_described_charged_and_forgotten(bench):
    waits = bench.gateway.purchase(1_000, Keeping(is_hosted=True), bench.options(customer_id=7))
    assert "Keep this card" in visit(waits.next_action["url"])[2]
    assert bench.gateway.kept_card(waits.authorization) == ""
    visit(waits.next_action["url"], number="4242424242424242", act="pay", save="1")
    token = bench.gateway.kept_card(waits.authorization)
    face = {"brand": "visa", "last_four": "4242", "month": 9, "year": 2031}
    assert bench.gateway.describe_kept(token, waits.authorization) == face
    assert bench.gateway.describe_kept("card_other", waits.authorization) == {}
    again = bench.gateway.purchase(1_000, Source(token=token), bench.options())
    assert again.success
    assert bench.gateway.kept_card(again.authorization) == ""  # One click repeats the name, and keeps nothing.
    bench.gateway.forget(Source(token=token))
    assert asked(bench)[:2] == ("DELETE", f"/v1/cards/{token}")
    refused = bench.gateway.purchase(1_000, Source(token=token), bench.options())
    assert (refused.error_code, refused.message) == (
        "not_found",
        "Bad request. (payment_method: This card does not exist.)",
    )


def test_a_card_that_was_typed_elsewhere_is_not_kept(bench):
    with pytest.raises(UnsupportedAction, match="only when it is paid with on PayPlug's page"):
        bench.gateway.store(Source(token="tok_1"), bench.options())
    assert not bench.gateway.supports(Source(token="tok_1"))


def test_a_card_that_was_not_forgotten_is_asked_for_again(bench):
    bench.server.faults.add("error_before", kinds=("card",))
    with pytest.raises(GatewayUnavailable):
        bench.gateway.forget(Source(token=GOOD))
    other = QuickPayPlug({**bench.config, "secret_key": "sk_test_other"}, test=True)
    with pytest.raises(GatewayError, match="did not forget it"):
        other.forget(Source(token=GOOD))


# Notices


@pytest.mark.parametrize(
    "body",
    [
        b'"pay_1"',
        b'{"object": "payment"}',
        b'{"id": "pay_1"}',
        b'{"object": "payment", "id": "pay_1"}',
        b'{"object": "payment", "id": 7}',
        b'{"object": "payment", "id": "pay_1/../../cards", "is_paid": true, "currency": "EUR", "amount": 1000}',
        b'{"object": "refund", "id": "re_1", "payment_id": "pay_1?x", "currency": "EUR", "amount": 1000}',
        b'{"object": "refund", "id": "pay_1", "payment_id": "pay_1", "currency": "EUR", "amount": 1000}',
    ],
)
def test_a_notice_that_names_nothing_of_payplugs_is_unreadable(bench, body):
    with pytest.raises(UnreadableNotice):
        bench.gateway.parse_webhook({}, body)
    assert not bench.server.requests


def test_a_notice_says_the_latest_thing_that_happened(bench):
    waits = bench.gateway.authorize(1_000, PAGE, bench.options())
    visit(waits.next_action["url"], number="4000000000000002", act="pay")
    held = bench.hold()
    bench.gateway.capture(1_000, held, bench.options())
    bench.gateway.credit(400, held, bench.options())
    let_go = bench.hold()
    bench.gateway.void(let_go, bench.options())
    sold = paid(bench).authorization
    told = {
        name: [(fact.kind, str(fact.outcome), fact.amount_minor) for fact in bench.facts(bench.notices(name))]
        for name in (waits.authorization, held, let_go, sold)
    }
    assert told == {
        waits.authorization: [("authorize", "declined", 1_000)],
        held: [("authorize", "approved", 1_000), ("capture", "approved", 1_000), ("refund", "approved", 400)],
        let_go: [("authorize", "approved", 1_000), ("void", "approved", 1_000)],
        sold: [("purchase", "approved", 1_000)],
    }


def test_a_payment_to_which_nothing_has_happened_claims_nothing(bench):
    waits = bench.gateway.purchase(1_000, PAGE, bench.options())
    [notice] = bench.gateway.parse_webhook({}, json.dumps(bench.server.books.payments[waits.authorization]).encode())
    assert (notice.type, notice.facts) == ("payment", [])
    assert notice.payload["id"] == waits.authorization
    assert "billing" not in notice.payload and "hosted_payment" not in notice.payload


class Credulous(QuickPayPlug):
    """Confirms whatever it is asked about, as somebody might who takes the body at its word."""

    def lookup_knowing(self, **asked):
        return super().lookup_knowing(**{**asked, "order_id": ""})


class Curious(QuickPayPlug):
    """Asks before anybody has counted how often."""

    def parse_webhook(self, headers, body):
        self.payment(json.loads(body)["id"])
        return super().parse_webhook(headers, body)


@pytest.mark.parametrize(("gateway", "why"), [(Credulous, "another order's"), (Curious, "could not be reached")])
def test_the_kit_finds_out_who_believes_notices_that_nobody_signed(gateway, why):
    class Bench(PayPlugBench):
        gateway_class = gateway

    broken = broken_rules(Bench, ["a-forged-notice-is-refused"])
    assert list(broken) == ["a-forged-notice-is-refused"]
    assert why in broken["a-forged-notice-is-refused"]


def test_every_failure_has_a_code_of_ours(bench):
    for failure, card in CARD_OF.items():
        if failure not in ("", "page"):
            answer = bench.gateway.purchase(1_000, Source(token=card), bench.options())
            assert (answer.outcome, answer.params["failure"]) == (Outcome.DECLINED, {"code": failure})
            assert answer.message
