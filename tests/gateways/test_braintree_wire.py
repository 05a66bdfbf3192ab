"""What is particular to Braintree, request by request, over the server that speaks its XML."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from base64 import b64encode
from datetime import timedelta
from types import SimpleNamespace

import pytest

from payments.errors import (
    GatewayError,
    GatewayUnavailable,
    InvalidSignature,
    PaymentDeclined,
    UnreadableNotice,
    UnsupportedAction,
)
from payments.gateways import braintree_params as params
from payments.gateways import braintree_wire
from payments.gateways import braintree_words as words
from payments.gateways.base import Outcome
from payments.gateways.braintree import BraintreeGateway
from payments.gateways.braintree_codes import CURRENCIES
from payments.gateways.conformance import Source
from tests.gateways.braintree_bench import BraintreeBench, QuickBraintree
from tests.providers.braintree_server import PRIVATE_KEY, PUBLIC_KEY
from tests.providers.braintree_server.notices import dispute, sealed

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


@pytest.fixture
def bench():
    made = BraintreeBench()
    made.setup_method()
    yield made
    made.teardown_method()


def nonce(name="fake-valid-nonce"):
    return Source(token=name)


def asked(bench, number=-1):
    """Method, the path behind the merchant, and the elements of one request."""
    method, path, body = bench.server.requests[number]
    content = {} if not body else {each.tag: each.text or _inside(each) for each in ET.fromstring(body)}
    return method, path.split("/", 3)[3], content


def _inside(element):
    return {each.tag: each.text or _inside(each) for each in element}


def status_of(bench, id):
    return bench.server.books.transactions[id]["status"]


# Sales


def test_a_hold_and_a_sale_differ_by_the_wish_for_settlement(bench):
    held = bench.gateway.authorize(1_000, nonce(), bench.options("R1-P1", idempotency_key="P1-authorize-1"))
    method, path, said = asked(bench)
    assert (method, path, said["type"], said["amount"]) == ("POST", "transactions", "sale", "10.00")
    assert said["options"] == {"submit_for_settlement": "false"}
    assert (said["order_id"], said["api_request_key"]) == ("R1-P1/P1-authorize-1", "P1-authorize-1")
    assert said["merchant_account_id"] == "shop_eur"
    assert status_of(bench, held.authorization) == "authorized"

    sold = bench.gateway.purchase(1_000, nonce(), bench.options())
    assert asked(bench)[2]["options"] == {"submit_for_settlement": "true"}
    assert status_of(bench, sold.authorization) == "submitted_for_settlement"


def test_the_customer_and_the_addresses_are_told(bench):
    options = bench.options(billing_address=ADDRESS, shipping_address=ADDRESS)
    answer = bench.gateway.authorize(1_000, nonce(), options)
    said = asked(bench)[2]
    assert said["billing"] == {
        "first_name": "Ada King",
        "last_name": "Byron",
        "street_address": "12 St James's Sq",
        "extended_address": "Flat 2",
        "locality": "London",
        "region": "LND",
        "postal_code": "SW1Y 4JH",
        "country_code_alpha2": "GB",
    }
    assert said["shipping"] == said["billing"]
    assert said["customer"] == {"email": "ada@example.com"}
    assert said["risk_data"] == {"customer_ip": "203.0.113.9"}
    assert (answer.avs_code, answer.cvv_code) == ("Y", "M")


def test_a_partial_match_of_the_address_is_told(bench):
    options = bench.options(billing_address=ADDRESS)
    assert bench.gateway.authorize(1_000, nonce("local-zip-only-nonce"), options).avs_code == "Z"
    assert bench.gateway.authorize(1_000, nonce(), bench.options()).avs_code == ""  # No address, nothing to compare.


def test_a_currency_without_a_merchant_account_is_refused_before_anything_is_sent(bench):
    gateway = QuickBraintree({**bench.config, "merchant_accounts": "EUR=shop_eur, USD=shop_usd"}, test=True)
    with pytest.raises(UnsupportedAction, match="No merchant account of Braintree is set for CHF"):
        gateway.authorize(1_000, nonce(), bench.options(currency="CHF"))
    assert not bench.server.requests
    assert gateway.authorize(1_000, nonce(), bench.options(currency="USD")).success
    assert asked(bench)[2]["merchant_account_id"] == "shop_usd"


def test_a_merchant_account_of_another_currency_is_found_out(bench):
    gateway = QuickBraintree({**bench.config, "merchant_accounts": "EUR=shop_usd"}, test=True)
    with pytest.raises(GatewayUnavailable, match="The answer is in USD; EUR was asked"):
        gateway.authorize(1_000, nonce(), bench.options())


def test_every_currency_goes_out_as_it_comes_in():
    for currency in CURRENCIES:
        written = params.major(123_456_789, currency)
        assert words.minor(written, currency) == 123_456_789
        assert len(written.partition(".")[2]) in (0, 2), f"{currency} has decimals that Braintree does not take"


@pytest.mark.parametrize(
    ("minor", "code"),
    [
        (200_100, "insufficient_funds"),
        (200_400, "expired_card"),
        (201_000, "incorrect_cvc"),
        (201_300, "pickup_card"),
        (204_600, "card_declined"),
        (209_900, "authentication_failed"),
        (299_999, "card_declined"),
        (300_000, "processing_error"),
        (500_100, "config_error"),
    ],
)
def test_the_test_amounts_of_the_sandbox_are_declined_alike(bench, minor, code):
    answer = bench.gateway.purchase(minor, nonce(), bench.options())
    assert (answer.outcome, answer.error_code, answer.amount_minor) == (Outcome.DECLINED, code, minor)
    assert answer.message


def test_what_was_declined_keeps_why_for_staff(bench):
    answer = bench.gateway.authorize(200_100, nonce(), bench.options())
    told = answer.params["transaction"]
    assert (told["status"], told["processor_response_code"]) == ("processor_declined", "2001")
    assert told["card"] == {"brand": "Visa", "last4": "1881"}
    rejected = bench.gateway.authorize(1_000, nonce("fake-gateway-rejected-fraud-nonce"), bench.options())
    assert (rejected.error_code, rejected.message) == ("suspected_fraud", "Gateway rejected: fraud")
    assert rejected.params["transaction"]["gateway_rejection_reason"] == "fraud"


@pytest.mark.parametrize(
    ("token", "code", "number"),
    [
        ("fake-consumed-nonce", "not_found", "91564"),
        ("nobodys-nonce", "not_found", "91565"),
        ("/gone", "not_found", "91518"),
    ],
)
def test_a_validation_error_is_a_decline_without_a_transaction(bench, token, code, number):
    answer = bench.gateway.authorize(1_000, nonce(token), bench.options())
    assert (answer.outcome, answer.error_code, answer.authorization) == (Outcome.DECLINED, code, "")
    assert answer.params == {"errors": [number]}
    assert not bench.server.books.transactions


# Settlements


def test_a_smaller_settlement_lets_the_rest_go(bench):
    held = bench.hold()
    taken = bench.gateway.capture(400, held, bench.options())
    assert asked(bench)[:2] == ("PUT", f"transactions/{held}/submit_for_settlement")
    assert (taken.amount_minor, taken.authorization, taken.reference) == (400, held, held)
    told = bench.gateway.fetch(held)
    assert (told.authorized_minor, told.captured_minor) == (1_000, 400)
    refused = bench.gateway.capture(100, held, bench.options())
    assert (refused.error_code, refused.params) == ("wrong_state", {"errors": ["91507"]})


def test_several_captures_are_transactions_of_their_own(bench):
    held = bench.hold()
    first = bench.gateway.capture(300, held, bench.options("R1-P1", idempotency_key="P1-capture-2", final=False))
    assert asked(bench)[2] == {"amount": "3.00", "order_id": "R1-P1/P1-capture-2", "api_request_key": "P1-capture-2"}
    last = bench.gateway.capture(250, held, bench.options("R1-P1", idempotency_key="P1-capture-3"))
    said = asked(bench)[2]
    assert (said["final_capture"], said["order_id"]) == ("true", "R1-P1/P1-capture-3/final")
    assert {first.authorization, last.authorization} == {held}
    assert len({first.reference, last.reference, held}) == 3
    told = bench.gateway.fetch(held)
    assert (told.authorized_minor, told.captured_minor, told.voided) == (1_000, 550, False)
    assert bench.gateway.capture(100, held, bench.options()).error_code == "wrong_state"


def test_more_than_is_left_is_refused_by_number(bench):
    held = bench.hold()
    too_much = bench.gateway.capture(1_001, held, bench.options())
    assert (too_much.error_code, too_much.params) == ("invalid_amount", {"errors": ["91522"]})
    bench.gateway.capture(900, held, bench.options(final=False))
    assert bench.gateway.capture(101, held, bench.options(final=False)).params == {"errors": ["91522"]}


def test_an_account_without_several_captures_says_so(bench):
    bench.server.books.several_captures = False
    refused = bench.gateway.capture(300, bench.hold(), bench.options(final=False))
    assert (refused.error_code, refused.params) == ("unsupported_feature", {"errors": ["915102"]})
    assert not BraintreeGateway.capabilities_with({}).multiple_captures
    assert BraintreeGateway.capabilities_with({"multiple_captures": True}).multiple_captures


def test_what_is_not_settled_in_the_end_was_not_captured(bench):
    held = bench.taken()
    bench.server.answer("PUT", f"/merchants/local_merchant/transactions/{held}/settlement_decline", auth(), b"")
    asked_for = bench.options()
    answer = bench.look("capture", asked_for, held)
    assert (answer.outcome, answer.error_code) == (Outcome.DECLINED, "capture_declined")
    assert bench.gateway.fetch(held).captured_minor == 0


def auth():
    return "Basic " + b64encode(f"{PUBLIC_KEY}:{PRIVATE_KEY}".encode()).decode()


# Voids


def test_a_void_lets_go_of_what_a_hold_has_left_and_leaves_what_was_taken(bench):
    held = bench.hold()
    bench.gateway.capture(300, held, bench.options(final=False))
    assert bench.gateway.void(held, bench.options()).success
    told = bench.gateway.fetch(held)
    assert (told.captured_minor, told.voided) == (300, True)


def test_after_the_last_part_there_is_nothing_to_void(bench):
    held = bench.hold()
    bench.gateway.capture(300, held, bench.options(final=False))
    bench.gateway.capture(200, held, bench.options())
    refused = bench.gateway.void(held, bench.options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "already_captured")
    assert bench.gateway.fetch(held).captured_minor == 500


def test_a_settled_sale_is_not_voided(bench):
    taken = bench.taken()
    bench.server.books.settle()
    refused = bench.gateway.void(taken, bench.options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "already_settled")


# Refunds


def test_before_it_is_settled_a_part_is_not_given_back_and_all_of_it_is_reversed(bench):
    taken = bench.taken()
    refused = bench.gateway.credit(400, taken, bench.options())
    assert (refused.error_code, refused.params) == ("wrong_state", {"errors": ["91506"]})
    options = bench.options()
    back = bench.gateway.credit(1_000, taken, options)
    assert asked(bench)[:2] == ("POST", f"transactions/{taken}/reverse")
    assert (back.outcome, back.amount_minor, back.reference) == (Outcome.APPROVED, 1_000, f"void-{taken}")
    assert status_of(bench, taken) == "voided"
    assert bench.gateway.credit(1_000, taken, options) == back  # The same key is the same deed.
    assert bench.look("refund", options, taken) == back


def test_a_reversal_that_came_too_late_is_a_refund(bench, monkeypatch):
    taken = bench.taken()
    deeds, reverse = bench.server.deeds, bench.server.deeds.reverse

    def settled_meanwhile(found, params):
        bench.server.books.settle()
        return reverse(found, params)

    monkeypatch.setattr(deeds, "reverse", settled_meanwhile)
    options = bench.options()
    assert bench.look("refund", options, taken) is None
    back = bench.gateway.credit(1_000, taken, options)
    assert back.success
    assert back.reference not in (taken, f"void-{taken}")
    assert bench.look("refund", options, taken).reference == back.reference
    assert bench.gateway.fetch(taken).refunded_minor == 1_000


def test_a_refund_of_several_captures_is_spread_over_them(bench):
    held = bench.hold()
    for amount, final in ((300, False), (250, False), (450, True)):
        bench.gateway.capture(amount, held, bench.options(final=final))
    bench.server.books.settle()
    options = bench.options()
    back = bench.gateway.credit(600, held, options)
    assert (back.outcome, back.amount_minor, back.authorization) == (Outcome.APPROVED, 600, held)
    refunds = [each for each in bench.server.books.transactions.values() if each["type"] == "credit"]
    assert [str(each["amount"]) for each in refunds] == ["4.50", "1.50"]  # The newest part first.
    assert bench.gateway.credit(600, held, options).amount_minor == 600  # Again with its key: nothing more is done.
    assert bench.gateway.fetch(held).refunded_minor == 600
    assert bench.look("refund", options, held).amount_minor == 600
    assert bench.gateway.credit(400, held, bench.options()).success
    refused = bench.gateway.credit(1, held, bench.options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "invalid_amount")


def test_parts_that_are_not_settled_are_reversed_as_a_whole(bench):
    held = bench.hold()
    bench.gateway.capture(300, held, bench.options(final=False))
    bench.gateway.capture(700, held, bench.options())
    assert bench.look("refund", bench.options(), held) is None
    back = bench.gateway.credit(1_000, held, bench.options())
    assert (back.outcome, back.amount_minor) == (Outcome.APPROVED, 1_000)
    told = bench.gateway.fetch(held)
    assert (told.captured_minor, told.refunded_minor) == (1_000, 1_000)
    with pytest.raises(UnsupportedAction, match="does not say for which request"):
        bench.look("refund", bench.options(), held)  # It may have been this one or another: nobody can tell.


def test_a_refund_that_stops_halfway_says_how_far_it_came(bench):
    held = bench.hold()
    bench.gateway.capture(300, held, bench.options(final=False))
    bench.gateway.capture(700, held, bench.options())
    newest = bench.server.books.children(held)[-1]
    bench.server.books.settle_one(newest)
    back = bench.gateway.credit(800, held, bench.options())  # The other part is not settled, and is asked for in part.
    assert (back.outcome, back.amount_minor) == (Outcome.APPROVED, 700)


@pytest.mark.parametrize("trouble", ["busy", "gone", "locked out"])
def test_a_refund_that_is_stopped_halfway_is_not_said_to_be_undone(bench, monkeypatch, trouble):
    """A part is given back already: that the rest was refused unread does not mean that nothing happened."""
    held = bench.hold()
    bench.gateway.capture(300, held, bench.options(final=False))
    bench.gateway.capture(700, held, bench.options())
    bench.server.books.settle()
    give_back = BraintreeGateway._give_back
    refusals = braintree_wire.sdk().exceptions
    answers = {
        "busy": GatewayUnavailable("Too many.", retry_after=2),
        "gone": refusals.NotFoundError(),
        "locked out": refusals.AuthorizationError(),
    }
    done = []

    def once(gateway, client, deed, *rest):
        done.append(deed.id)
        if len(done) == 2:
            raise answers[trouble]
        return give_back(gateway, client, deed, *rest)

    monkeypatch.setattr(BraintreeGateway, "_give_back", once)
    options = bench.options()
    with pytest.raises(GatewayUnavailable) as unknown:
        bench.gateway.credit(1_000, held, options)
    assert unknown.value.retry_after is None
    monkeypatch.undo()
    assert bench.gateway.fetch(held).refunded_minor == 700


# Keys


def test_a_key_that_was_used_for_something_else_is_unknown(bench):
    options = bench.options()
    bench.gateway.authorize(1_000, nonce(), options)
    with pytest.raises(GatewayUnavailable, match="sent before"):
        bench.gateway.authorize(1_100, nonce(), options)


def test_an_account_that_may_not_use_keys_can_do_without(bench):
    bench.server.books.keys_allowed = False
    refused = bench.gateway.authorize(1_000, nonce(), bench.options())
    assert (refused.error_code, refused.params) == ("config_error", {"errors": ["915231"]})
    gateway = QuickBraintree({**bench.config, "without_request_keys": True}, test=True)
    options = bench.options()
    bench.spoil("lost_answer")
    with pytest.raises(GatewayUnavailable):
        gateway.authorize(1_000, nonce(), options)
    key, order_id = options["idempotency_key"], options["order_id"]
    found = gateway.lookup(kind="authorize", idempotency_key=key, order_id=order_id, authorization="")
    assert found is not None and found.success


# Looking up


def test_the_search_goes_by_order_id_and_page_by_page(bench):
    bench.server.deeds.page = 2
    wanted = [bench.options("R1-P1", idempotency_key=f"P1-authorize-{number}") for number in range(1, 12)]
    done = [bench.gateway.authorize(1_000, nonce(), options) for options in wanted]
    before = len(bench.server.requests)
    found = bench.look("authorize", wanted[0])  # Its key is the beginning of -10 and -11.
    assert found is not None and found.reference == done[0].reference
    paths = [path.rpartition("/")[2] for _, path, _ in bench.server.requests[before:]]
    assert paths == ["advanced_search_ids", "advanced_search", "advanced_search"]
    assert b"<starts_with>R1-P1/P1-authorize-1</starts_with>" in bench.server.requests[before][2]


def test_what_was_asked_without_a_key_is_found_if_it_is_the_only_one(bench):
    bench.gateway.authorize(1_000, nonce(), bench.options("R1-P1", idempotency_key=""))
    look = {"kind": "authorize", "idempotency_key": "", "order_id": "R1-P1", "authorization": ""}
    assert bench.gateway.lookup(**look).success
    bench.gateway.authorize(1_000, nonce(), bench.options("R1-P1", idempotency_key=""))
    assert bench.gateway.lookup(**look) is None


def test_a_hold_that_was_let_go_meanwhile_is_no_hold(bench):
    options = bench.options()
    held = bench.gateway.authorize(1_000, nonce(), options).authorization
    assert bench.look("void", bench.options(), held) is None
    bench.gateway.void(held, bench.options())
    assert bench.look("void", bench.options(), held).success
    assert bench.look("authorize", options).outcome is Outcome.DECLINED
    assert bench.look("capture", bench.options(), held).outcome is Outcome.DECLINED


def test_an_expired_hold_says_so(bench):
    options = bench.options()
    held = bench.gateway.authorize(1_000, nonce(), options).authorization
    bench.let_pass(timedelta(days=8))
    assert bench.look("authorize", options).error_code == "authorization_expired"
    assert bench.gateway.capture(1_000, held, bench.options()).params == {"errors": ["91507"]}


# Time and trouble


def test_each_request_has_its_time_and_a_call_has_its_own(bench, monkeypatch):
    client = bench.gateway.client()
    monkeypatch.setattr(braintree_wire, "BUDGET_S", 0)
    with pytest.raises(GatewayUnavailable, match="takes too long"):
        bench.gateway.authorize(1_000, nonce(), bench.options())
    assert not bench.server.requests
    assert client.transaction.search  # One that was made before has the time that it was given.


def test_an_answer_that_is_no_xml_is_unknown(bench):
    bench.spoil("garbage")
    with pytest.raises(GatewayUnavailable, match="cannot be read"):
        bench.gateway.purchase(1_000, nonce(), bench.options())


def test_too_many_requests_say_when_to_come_back(bench):
    bench.spoil("rate_limited")
    with pytest.raises(GatewayUnavailable) as unread:
        bench.gateway.purchase(1_000, nonce(), bench.options())
    assert unread.value.retry_after == 1
    assert len(bench.server.requests) == 1


@pytest.mark.parametrize("wrong", [{"private_key": "another"}, {"merchant_id": "another"}])
def test_wrong_keys_are_a_refusal_and_no_silence(bench, wrong):
    gateway = QuickBraintree({**bench.config, **wrong}, test=True)
    answer = gateway.authorize(1_000, nonce(), bench.options())
    assert (answer.outcome, answer.error_code) == (Outcome.DECLINED, "config_error")
    with pytest.raises(GatewayError) as refused:
        gateway.fetch("abc")
    assert not isinstance(refused.value, GatewayUnavailable)


@pytest.mark.parametrize("key", ["", "a b", "../other", "ключ", "x\r\nHost: y"])
def test_a_key_that_cannot_be_one_is_not_sent(bench, key):
    gateway = QuickBraintree({**bench.config, "merchant_id": key}, test=True)
    with pytest.raises(GatewayError, match="merchant id is not set"):
        gateway.authorize(1_000, nonce(), bench.options())
    assert not bench.server.requests


def test_an_id_cannot_lead_elsewhere(bench):
    with pytest.raises(GatewayError, match="does not know"):
        bench.gateway.fetch("../customers/user_1")
    assert not bench.server.requests


def test_the_sdk_is_imported_when_it_is_needed_and_not_before():
    code = (
        "import sys; from django.conf import settings; settings.configure(); import payments.gateways.braintree;"
        "assert 'braintree' not in sys.modules, 'imported'; import warnings; warnings.simplefilter('error');"
        "from payments.gateways.braintree_wire import sdk; sdk(); assert 'braintree' in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


# Kept cards


def test_a_card_is_kept_for_its_customer_and_charged_by_its_token(bench):
    options = bench.options(customer_id=7)
    token = bench.gateway.store(nonce("fake-valid-visa-nonce--1"), options)
    assert token.startswith("user_7/card_")
    assert bench.gateway.store(nonce("fake-valid-visa-nonce--1"), options) == token  # Asked twice, kept once.
    paid = bench.gateway.purchase(1_000, nonce(token), bench.options(customer_id=7))
    said = asked(bench)[2]
    assert paid.success
    assert (said["payment_method_token"], said["customer_id"]) == (token.partition("/")[2], "user_7")
    assert "transaction_source" not in said
    bench.gateway.purchase(1_000, nonce(token), bench.options(customer_id=7, initiator="staff"))
    assert asked(bench)[2]["transaction_source"] == "unscheduled"
    bench.gateway.store(nonce("fake-valid-visa-nonce--2"), bench.options(customer_id=8))
    refused = bench.gateway.purchase(1_000, nonce(token), bench.options(customer_id=8))
    assert (refused.error_code, refused.params) == ("not_found", {"errors": ["91516"]})


def test_what_was_paid_with_is_kept_by_the_sale_if_its_customer_wants_that(bench):
    source = SimpleNamespace(token="fake-valid-mastercard-nonce--9", to_keep=True)
    paid = bench.gateway.purchase(1_000, source, bench.options(customer_id=7))
    later = bench.options(customer_id=7, originator=SimpleNamespace(response_code=paid.authorization))
    token = bench.gateway.store(source, later)
    customer, _, kept = token.partition("/")
    assert (customer, list(bench.server.books.cards)) == ("user_7", [kept])
    assert bench.gateway.purchase(500, nonce(token), bench.options(customer_id=7)).success


def test_a_nonce_that_was_used_without_that_cannot_be_kept(bench):
    paid = bench.gateway.purchase(1_000, nonce("fake-valid-nonce--5"), bench.options(customer_id=7))
    later = bench.options(customer_id=7, originator=SimpleNamespace(response_code=paid.authorization))
    with pytest.raises(PaymentDeclined) as refusal:
        bench.gateway.store(nonce("fake-valid-nonce--5"), later)
    assert refusal.value.error_code == "not_found"


def test_a_card_that_fails_its_verification_is_not_kept(bench):
    with pytest.raises(PaymentDeclined) as refusal:
        bench.gateway.store(nonce("local-stolen-card-nonce"), bench.options())
    assert refusal.value.error_code == "pickup_card"
    assert not bench.server.books.cards


def test_a_card_is_described_by_nonce_and_by_token(bench):
    right = {"brand": "visa", "last_four": "1881", "month": 12, "year": 2030, "name": ""}
    assert bench.gateway.describe("fake-valid-nonce") == right
    assert bench.gateway.describe(bench.gateway.store(nonce(), bench.options())) == right
    for unknown in ("nobodys-nonce", "user_1/gone"):
        with pytest.raises(PaymentDeclined):
            bench.gateway.describe(unknown)


# Before it goes live


def test_the_checklist_looks_at_every_merchant_account(bench):
    config = {**bench.config, "merchant_accounts": "EUR=shop_eur USD=shop_gbp JPY=gone"}
    asked_of = {"notification_url": "https://shop.example/n/", "currencies": frozenset({"EUR", "CHF"})}
    found = {each.name: each for each in QuickBraintree(config, test=True).check(**asked_of)}
    states = {name: each.state for name, each in found.items()}
    assert states == {
        "currency EUR": "ok",
        "currency USD": "problem",
        "currency JPY": "problem",
        "currency CHF": "warning",
        "webhook": "warning",
    }
    assert found["currency USD"].says == "The merchant account shop_gbp is in GBP."
    wrong = QuickBraintree({**config, "private_key": "another"}, test=True).check(**asked_of)
    assert (wrong[0].name, wrong[0].state) == ("keys", "problem")


# The browser


def test_the_browser_is_told_a_client_token_and_no_key(bench):
    told = bench.gateway.client_config({"currency": "EUR", "amount_minor": 1_000, "language": "de"})
    assert told["authorization"].startswith("local-client-token-")
    assert told["script_url"].startswith("https://js.braintreegateway.com/web/")
    assert told["language"] == "de"
    assert not {PUBLIC_KEY, PRIVATE_KEY} & set(told.values())
    assert asked(bench)[2]["merchant_account_id"] == "shop_eur"
    assert "authorization" not in bench.gateway.client_config({})


def test_without_a_client_token_the_page_is_drawn_all_the_same(bench):
    bench.server.faults.add("error_before", kinds=("vault",), times=0)
    assert "authorization" not in bench.gateway.client_config({"currency": "EUR"})


def test_the_page_loads_from_braintree_alone(bench):
    said = BraintreeGateway({}, test=True).csp_sources
    assert set(said) == {"script-src", "frame-src", "img-src", "connect-src"}
    assert said["connect-src"][0] == "https://api.sandbox.braintreegateway.com"
    assert BraintreeGateway({}, test=False).csp_sources["connect-src"][0] == "https://api.braintreegateway.com"
    stand_in = BraintreeGateway({"script_url": "http://127.0.0.1:9/js"}, test=True).csp_sources
    assert set(stand_in.values()) == {("http://127.0.0.1:9",)}


# Notices


def told(bench, xml):
    [notice] = bench.gateway.parse_webhook({}, sealed(xml, public_key=PUBLIC_KEY, private_key=PRIVATE_KEY))
    return notice


def test_a_settled_refund_is_the_refund(bench):
    taken = bench.taken()
    bench.server.books.settle()
    back = bench.gateway.credit(400, taken, bench.options("R1-P1"))
    [body] = bench.notices(back.reference)
    [fact] = told(bench, body).facts
    assert (fact.kind, fact.outcome, fact.amount_minor) == ("refund", Outcome.APPROVED, 400)
    assert (fact.reference, fact.authorization, fact.order_id) == (back.reference, taken, "R1-P1")
    assert not fact.idempotency_key


def test_a_refund_that_failed_is_told(bench):
    taken = bench.taken()
    bench.server.books.settle()
    back = bench.gateway.credit(400, taken, bench.options())
    found = bench.server.books.transactions[back.reference]
    bench.server.deeds.settlement_decline(found, {})
    [body] = bench.notices(back.reference)
    notice = told(bench, body)
    [fact] = notice.facts
    assert (notice.type, fact.kind, fact.outcome) == ("refund_failed", "refund", Outcome.DECLINED)
    assert (fact.error_code, fact.reference) == ("refund_declined", back.reference)


@pytest.mark.parametrize("kind", ["opened", "under_review", "won", "lost", "accepted", "expired"])
def test_a_dispute_is_a_refund_that_nobody_of_ours_asked_for(bench, kind):
    transaction = bench.server.books.transactions[bench.taken()]
    notice = told(bench, dispute(kind, transaction, bench.server.books.now()))
    [fact] = notice.facts
    outcomes = {"opened": Outcome.PROCESSING, "under_review": Outcome.PROCESSING, "won": Outcome.DECLINED}
    assert (notice.type, fact.kind, fact.disputed) == (f"dispute_{kind}", "refund", True)
    assert fact.outcome is outcomes.get(kind, Outcome.APPROVED)
    assert (fact.reference, fact.authorization) == (f"dp{transaction['id']}", transaction["id"])
    assert (fact.amount_minor, fact.currency) == (1_000, "EUR")
    assert fact.order_id == transaction["order_id"].partition("/")[0]
    assert notice.payload["dispute"]["transaction"] == transaction["id"]
    assert notice.payload["dispute"]["amount"] == "10.00"


@pytest.mark.parametrize(
    "body",
    [
        b"bt_payload=aGk%3D",
        b"bt_signature=&bt_payload=aGk%3D",
        b"bt_signature=local_public_key%7Czz&bt_payload=aGk%3D",
        b"bt_signature=a%7Cb%7Cc&bt_payload=aGk%3D",
        b"bt_signature=" + b"a" * 40 + b"&bt_payload=%ff",
        b"\xff\xfe",
        b"",
        b"&" * 2_000,
    ],
)
def test_a_form_of_nonsense_is_refused(bench, body):
    with pytest.raises(InvalidSignature):
        bench.gateway.parse_webhook({}, body)


def test_what_is_no_notification_is_unreadable(bench):
    for xml in (b"<a/>", b"<notification/>", b"<notification><kind>check</kind><subject/></notification>"):
        with pytest.raises(UnreadableNotice):
            told(bench, xml)
