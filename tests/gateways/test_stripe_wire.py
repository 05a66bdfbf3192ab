"""What is particular to Stripe: what is sent, what is understood, what is asked again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest

from payments.errors import GatewayError, GatewayUnavailable, PaymentDeclined, UnsupportedAction
from payments.gateways.base import Outcome
from payments.gateways.conformance import Source
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe_amounts import from_stripe, to_stripe
from tests.gateways.stripe_benches import PUBLISHABLE, SECRET_KEY, StripeBench, card_named, settings

VISA, CHALLENGED = "pm_card_visa", "pm_card_threeDSecure2Required"


@pytest.fixture
def bench():
    made = StripeBench()
    made.setup_method()
    yield made
    made.teardown_method()


def sent(bench, path=""):
    """The last form that was sent, to a path that ends so, with its headers."""
    found = [each for each in bench.engine.seen if each[0] == "POST" and each[1].endswith(path)]
    _method, _target, headers, body = found[-1]
    return {name: values[-1] for name, values in parse_qs(body.decode()).items()}, headers


def configured(bench, **more):
    gateway = StripeGateway(settings(**more), test=True)
    gateway.wire, gateway.pause = bench.wire, lambda: None
    return gateway


# What is sent


def test_an_intent_is_made_and_confirmed_in_one_request(bench):
    options = bench.options("R1-P1", idempotency_key="P1-authorize-1", shipping_address=ADDRESS)
    bench.gateway.authorize(1_000, card_named(VISA), options)
    form, headers = sent(bench, "/payment_intents")
    right = {
        "amount": "1000", "currency": "eur", "capture_method": "manual", "confirm": "true", "payment_method": VISA,
        "metadata[order_id]": "R1-P1", "metadata[operation]": "P1-authorize-1", "description": "Order R1",
        "shipping[name]": "Ada Byron", "shipping[address][postal_code]": "N1", "return_url": options["return_url"],
        "payment_method_options[card][request_multicapture]": "if_available", "allowed_payment_method_types[0]": "card",
    }  # fmt: skip
    assert {name: form.get(name) for name in right} == right
    assert headers["idempotency-key"] == "P1-authorize-1"
    assert headers["stripe-version"] == "2026-10-28.endive"
    assert "x-stripe-client-telemetry" not in headers
    assert "platform" not in headers["x-stripe-client-user-agent"]


ADDRESS = {"name": "Ada Byron", "address1": "1 Way", "address2": "", "city": "London", "zip": "N1", "country": "GB"}


def test_extra_parameters_are_laid_over_ours_and_null_leaves_one_out(bench):
    extra = {"create": {"statement_descriptor_suffix": "TEES", "description": None, "metadata": {"shop": "one"}}}
    held = configured(bench, extra_params=extra).authorize(1_000, card_named(VISA), bench.options("R1-P1"))
    form, _ = sent(bench, "/payment_intents")
    assert (form["statement_descriptor_suffix"], form["metadata[shop]"]) == ("TEES", "one")
    assert form["metadata[order_id]"] == "R1-P1"
    assert "description" not in form
    assert held.success


@pytest.mark.parametrize(("initiator", "attended"), [("checkout", True), ("staff", False), ("batch", False)])
def test_whoever_is_not_at_the_checkout_charges_off_session(bench, initiator, attended):
    bench.gateway.purchase(1_000, card_named(VISA), bench.options(initiator=initiator))
    form, _ = sent(bench, "/payment_intents")
    assert ("return_url" in form, form.get("off_session")) == (attended, None if attended else "true")


def test_off_session_a_challenge_is_a_refusal(bench):
    answer = bench.gateway.purchase(1_000, card_named(CHALLENGED), bench.options(initiator="staff"))
    assert (answer.outcome, answer.error_code) == (Outcome.DECLINED, "authentication_failed")
    assert answer.authorization.startswith("pi_")
    assert answer.reference.startswith("ch_")


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("Requested by customer", "requested_by_customer"), ("Fraud", "fraudulent"), ("Duplicate", "duplicate")],
)
def test_a_reason_of_ours_is_one_of_theirs(bench, name, theirs):
    taken = bench.taken()
    bench.gateway.credit(400, taken, bench.options(originator=SimpleNamespace(reason=name)))
    [back] = bench.world.all("refund")
    assert (back["reason"], back["metadata"]["reason"], back["amount"]) == (theirs, name, 400)


def test_a_reason_that_is_none_of_theirs_is_kept_in_the_metadata(bench):
    bench.gateway.credit(400, bench.taken(), bench.options(originator=SimpleNamespace(reason="Wrong size")))
    [back] = bench.world.all("refund")
    assert (back["reason"], back["metadata"]["reason"]) == (None, "Wrong size")


# Currencies


@pytest.mark.parametrize(
    ("minor", "currency", "theirs"),
    [
        (1_000, "USD", 1_000),
        (500, "JPY", 500),
        (500, "ISK", 50_000),
        (500, "UGX", 50_000),
        (123_400, "MGA", 1_234),
        (1_250, "KWD", 1_250),
        (12_345, "HUF", 12_345),
        (12_345, "TWD", 12_345),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(minor, currency, theirs):
    assert to_stripe(minor, currency) == theirs
    assert from_stripe(theirs, currency.lower()) == minor


@pytest.mark.parametrize(("minor", "currency"), [(1_255, "KWD"), (123_450, "MGA"), (1, "CLF"), (100, "IQD")])
def test_what_stripe_cannot_take_exactly_is_refused_before_it_is_sent(bench, minor, currency):
    with pytest.raises(UnsupportedAction):
        bench.gateway.authorize(minor, card_named(VISA), bench.options(currency=currency))
    assert not bench.engine.seen


def test_half_a_krona_in_an_answer_is_no_answer():
    with pytest.raises(GatewayUnavailable):
        from_stripe(550, "isk")


# What is understood


def test_checks_of_address_and_security_code_are_told(bench):
    letters = [("pm_card_avsFail", "N"), ("pm_card_avsLine1Fail", "Z"), ("pm_card_avsZipFail", "A"), (VISA, "")]
    for name, avs in letters:
        answer = bench.gateway.authorize(1_000, card_named(name), bench.options())
        assert (answer.avs_code, answer.cvv_code) == (avs, "M"), name
    assert bench.gateway.authorize(1_000, card_named("pm_card_cvcCheckFail"), bench.options()).cvv_code == "N"


def test_the_charge_says_until_when_it_can_be_captured(bench):
    held = bench.approved()
    ends = datetime.fromisoformat(held.params["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=1)
    assert bench.gateway.fetch(held.authorization).expires_at == ends


def test_a_challenge_leads_to_the_bank_and_back(bench):
    options = bench.options()
    waits = bench.gateway.authorize(1_000, card_named(CHALLENGED), options)
    asked = {"kind": "authorize", "idempotency_key": options["idempotency_key"], "order_id": options["order_id"]}
    assert (waits.outcome, waits.next_action["type"]) == (Outcome.ACTION_REQUIRED, "redirect")
    assert bench.gateway.lookup(**asked, authorization=waits.authorization).outcome is Outcome.ACTION_REQUIRED
    path = waits.next_action["url"].removeprefix(bench.world.options.public_url)
    status, headers, _ = bench.engine.handle("POST", path, {}, b"passed=yes")
    assert (status, headers["location"]) == (303, options["return_url"])
    held = bench.gateway.lookup(**asked, authorization=waits.authorization)
    assert (held.outcome, held.amount_minor, held.authorization) == (Outcome.APPROVED, 1_000, waits.authorization)
    [fact] = bench.facts(bench.notices(waits.authorization))
    assert (fact.kind, fact.reference, fact.idempotency_key) == ("authorize", held.reference, asked["idempotency_key"])


def test_a_challenge_that_is_failed_is_a_refusal_of_the_same_attempt(bench):
    options = bench.options()
    waits = bench.gateway.purchase(1_000, card_named(CHALLENGED), options)
    path = waits.next_action["url"].removeprefix(bench.world.options.public_url)
    bench.engine.handle("POST", path, {}, b"passed=no")
    [fact] = bench.facts(bench.notices(waits.authorization))
    said = (fact.kind, fact.outcome, fact.error_code, fact.idempotency_key)
    assert said == ("purchase", Outcome.DECLINED, "authentication_failed", options["idempotency_key"])


def test_a_challenge_within_our_page_has_a_client_secret(bench):
    waits = configured(bench, challenge="script").purchase(1_000, card_named(CHALLENGED), bench.options())
    assert waits.outcome is Outcome.ACTION_REQUIRED
    assert waits.next_action["type"] == "client_secret"
    assert waits.next_action["client_secret"].startswith(f"{waits.authorization}_secret_")


def test_what_waits_for_the_bank_can_be_given_up(bench):
    waits = bench.gateway.authorize(1_000, card_named(CHALLENGED), bench.options())
    assert bench.gateway.void(waits.authorization, bench.options()).success
    gone = bench.gateway.lookup(kind="authorize", idempotency_key="", order_id="", authorization=waits.authorization)
    assert gone is None


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda bench: bench.gateway.capture(1_001, bench.hold(), bench.options()), "invalid_amount"),
        (lambda bench: bench.gateway.capture(500, bench.taken(), bench.options()), "already_captured"),
        (lambda bench: bench.gateway.void(bench.taken(), bench.options()), "already_settled"),
        (lambda bench: bench.gateway.credit(1_001, bench.taken(), bench.options()), "invalid_amount"),
        (lambda bench: bench.gateway.credit(1_000, bench.hold(), bench.options()), "invalid_request"),
        (lambda bench: bench.gateway.authorize(10, card_named(VISA), bench.options()), "invalid_amount"),
        (lambda bench: bench.gateway.authorize(1_000, Source(token="pm_nobody"), bench.options()), "not_found"),
    ],
)
def test_what_stripe_refuses_has_our_word_for_it(bench, ask, code):
    refused = ask(bench)
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, code)
    assert refused.message


def test_a_second_refund_of_everything_says_so(bench):
    taken = bench.taken()
    bench.gateway.credit(1_000, taken, bench.options())
    assert bench.gateway.credit(1, taken, bench.options()).error_code == "already_refunded"


def test_a_hold_that_is_over_says_so(bench):
    held = bench.hold()
    bench.let_pass(timedelta(days=8))
    assert bench.gateway.capture(1_000, held, bench.options()).error_code == "authorization_expired"


def test_a_wrong_key_is_no_silence(bench):
    refused = configured(bench, secret_key="sk_test_wrong_key").authorize(1_000, card_named(VISA), bench.options())
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "config_error")
    assert SECRET_KEY not in refused.message


def test_a_key_that_was_used_for_something_else_is_unknown(bench):
    options = bench.options()
    bench.gateway.authorize(1_000, card_named(VISA), options)
    with pytest.raises(GatewayUnavailable, match="sent before"):
        bench.gateway.authorize(2_000, card_named(VISA), options)


def test_a_refund_may_wait_and_may_come_back(bench):
    waiting = bench.gateway.purchase(1_000, card_named("pm_card_pendingRefund"), bench.options()).authorization
    options = bench.options()
    assert bench.gateway.credit(1_000, waiting, options).outcome is Outcome.PROCESSING
    bouncing = bench.gateway.purchase(1_000, card_named("pm_card_refundFail"), bench.options()).authorization
    back = bench.gateway.credit(1_000, bouncing, bench.options())
    bench.let_pass(timedelta(days=1))
    asked = {"kind": "refund", "idempotency_key": options["idempotency_key"], "order_id": "", "authorization": waiting}
    assert bench.gateway.lookup(**asked).success
    facts = [fact for fact in bench.facts(bench.notices(bouncing)) if fact.outcome is Outcome.DECLINED]
    assert {(fact.kind, fact.reference, fact.error_code) for fact in facts} == {
        ("refund", back.reference, "refund_declined")
    }
    assert bench.gateway.fetch(bouncing).refunded_minor == 0


# Several captures


def test_each_of_several_captures_has_a_name_and_an_amount_of_its_own(bench):
    held = bench.approved()
    captures = [bench.gateway.capture(300, held.authorization, bench.options(final=False)) for _ in range(2)]
    captures.append(bench.gateway.capture(250, held.authorization, bench.options()))
    assert [each.amount_minor for each in captures] == [300, 300, 250]
    assert [each.reference for each in captures] == [held.reference, f"{held.reference}:600", f"{held.reference}:850"]
    facts = [fact for fact in bench.facts(bench.notices(held.authorization)) if fact.kind == "capture"]
    told = {(fact.reference, fact.amount_minor, fact.idempotency_key) for fact in facts if fact.reference}
    assert {(each.reference, each.amount_minor) for each in captures} == {each[:2] for each in told}
    now = datetime.now(UTC)
    records = bench.gateway.list_records(now - timedelta(hours=1), now + timedelta(hours=1))
    listed = {(each.reference, each.amount_minor) for each in records if each.kind == "capture"}
    assert listed == {(each.reference, each.amount_minor) for each in captures}


def test_where_the_account_may_not_the_second_capture_is_refused_before_it_is_asked(bench):
    gateway = configured(bench, multiple_captures=False)
    held = gateway.authorize(1_000, card_named(VISA), bench.options()).authorization
    before = len(bench.engine.seen)
    with pytest.raises(UnsupportedAction, match="multiple_captures"):
        gateway.capture(400, held, bench.options(final=False))
    assert len(bench.engine.seen) == before
    assert StripeGateway.capabilities_with({}).multiple_captures is False
    assert StripeGateway.capabilities_with({"multiple_captures": True}).multiple_captures is True


def test_a_void_of_what_is_partly_captured_lets_the_rest_go(bench):
    held = bench.hold()
    bench.gateway.capture(300, held, bench.options(final=False))
    options = bench.options()
    assert bench.gateway.void(held, options).success
    found = bench.gateway.lookup(kind="void", idempotency_key="", order_id="", authorization=held)
    assert found.success
    assert bench.gateway.fetch(held).captured_minor == 300


# What became of it


@pytest.mark.parametrize("search", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_a_lost_intent_is_found_with_and_without_the_search(bench, search, late):
    bench.world.options.search, options = search, bench.options()
    bench.spoil("lost_answer")
    with pytest.raises(GatewayUnavailable):
        bench.gateway.purchase(1_000, card_named(VISA), options)
    if late:
        bench.world.ahead_s = 600
    for _ in range(9):
        bench.hold()
    asked = {"kind": "purchase", "idempotency_key": options["idempotency_key"], "order_id": "", "authorization": ""}
    found = bench.gateway.lookup(**asked)
    assert (found.outcome, found.amount_minor) == (Outcome.APPROVED, 1_000)
    assert bench.gateway.lookup(**{**asked, "idempotency_key": "never"}) is None


def test_too_many_to_look_through_prove_nothing(bench, monkeypatch):
    from payments.gateways import stripe_looking

    monkeypatch.setattr(stripe_looking, "MOST_PAGES", 0)
    bench.world.options.search = False
    for _ in range(2):
        bench.hold()
    with pytest.raises(GatewayUnavailable, match="too many"):
        bench.gateway.lookup(kind="authorize", idempotency_key="never", order_id="", authorization="")


def test_what_nobody_knows_cannot_be_fetched(bench):
    with pytest.raises(GatewayError) as refused:
        bench.gateway.fetch("pi_nobody")
    assert not isinstance(refused.value, GatewayUnavailable)
    with pytest.raises(GatewayError):
        bench.gateway.fetch("../events?x=")
    assert not bench.engine.seen[-1][1].startswith("/v1/events")


# Patience


@pytest.mark.parametrize("fault", ["lost_answer", "error_before", "key_in_use", "truncated_body"])
def test_silence_is_asked_again_once_under_the_same_key(bench, fault):
    gateway = configured(bench, retries=1)
    bench.spoil(fault)
    options = bench.options()
    assert gateway.authorize(1_000, card_named(VISA), options).success
    keys = [headers["idempotency-key"] for method, _, headers, _ in bench.engine.seen if method == "POST"]
    assert keys == [options["idempotency_key"]] * 2
    assert bench.deeds(options["order_id"]) == 1


def test_refused_unread_says_when_to_come_back(bench):
    bench.spoil("rate_limited")
    with pytest.raises(GatewayUnavailable) as error:
        bench.gateway.authorize(1_000, card_named(VISA), bench.options())
    assert error.value.retry_after == 1


def test_refused_unread_after_silence_is_unknown(bench):
    gateway = configured(bench, retries=1)
    bench.spoil("lost_answer")
    bench.spoil("rate_limited")
    with pytest.raises(GatewayUnavailable) as error:
        gateway.authorize(1_000, card_named(VISA), bench.options())
    assert error.value.retry_after is None


def test_a_key_that_is_revoked_after_silence_says_nothing_of_what_was_asked_before(bench):
    """Who asks is looked at before what was answered to the same key: it is refused though the deed is done."""
    gateway = configured(bench, retries=1)
    options, known = bench.options(), bench.engine.world.options
    gateway.pause = lambda: setattr(bench.engine.world, "options", replace(known, secret_key="sk_test_another"))
    bench.spoil("lost_answer")
    with pytest.raises(GatewayUnavailable) as error:
        gateway.authorize(1_000, card_named(VISA), options)
    assert error.value.retry_after is None
    assert bench.deeds(options["order_id"]) == 1


@pytest.mark.parametrize(
    ("wanted", "answer_ms", "tries"),
    [
        ({}, 15_000, 2),
        ({"answer_seconds": 4, "retries": 0}, 4_000, 1),
        ({"answer_seconds": 99, "retries": 9}, 15_000, 2),
    ],
)
def test_patience_can_be_less_and_never_more(wanted, answer_ms, tries):
    gateway = StripeGateway({"secret_key": "sk_test_1", **wanted}, test=True)
    patience = gateway.client._requestor._client.patience
    assert (patience.answer_ms, patience.tries) == (answer_ms, tries)
    assert 3 * patience.longest <= StripeGateway.longest_call


def test_a_secret_goes_over_no_plain_line():
    gateway = StripeGateway({"secret_key": "sk_test_1", "base_url": "http://api.example.com"}, test=True)
    with pytest.raises(GatewayError, match="https"):
        gateway.fetch("pi_1")


def test_the_sdk_is_imported_when_it_is_needed():
    script = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'shop.settings'\n"
        "from payments.gateways.stripe import StripeGateway\n"
        "gateway = StripeGateway({'secret_key': 'sk_test_1', 'publishable_key': 'pk_test_1'}, test=True)\n"
        "gateway.client_config({}); gateway.supports(object()); gateway.csp_sources\n"
        "assert 'stripe' not in sys.modules, 'too early'\n"
        "gateway.client\n"
        "import stripe; assert stripe.enable_telemetry is False"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


# Cards that are kept


def kept(bench, **more):
    return Source(token=bench.gateway.store(card_named(VISA), bench.options(customer_id=7, **more)))


def test_a_card_is_kept_under_its_customer_who_is_made_once(bench):
    first, again = kept(bench), kept(bench)
    [customer] = bench.world.all("customer")
    assert (customer["email"], customer["metadata"]) == ("ada@example.com", {"customer_id": "7"})
    assert first.token.startswith(f"{customer['id']}/pm_")
    assert again.token.startswith(f"{customer['id']}/pm_")
    assert [setup["usage"] for setup in bench.world.all("setup_intent")] == ["off_session"] * 2
    assert bench.gateway.describe(first.token) == {"brand": "visa", "last_four": "4242", "month": 8, "year": 2030}


def test_one_click_and_staff_charge_what_is_kept(bench):
    saved = kept(bench)
    for initiator in ("checkout", "staff"):
        answer = bench.gateway.purchase(1_000, saved, bench.options(customer_id=7, initiator=initiator))
        assert answer.success
        form, _ = sent(bench, "/payment_intents")
        assert f"{form['customer']}/{form['payment_method']}" == saved.token


def test_a_card_that_cannot_be_kept_is_declined(bench):
    with pytest.raises(PaymentDeclined) as refusal:
        bench.gateway.store(card_named("pm_card_chargeDeclinedExpiredCard"), bench.options())
    assert refusal.value.error_code == "expired_card"
    with pytest.raises(PaymentDeclined) as refusal:
        bench.gateway.store(card_named(CHALLENGED), bench.options())
    assert refusal.value.error_code == "authentication_failed"
    assert [setup["status"] for setup in bench.world.all("setup_intent")][-1] == "canceled"


def wished(token):
    return SimpleNamespace(token=token, to_keep=True)


def test_a_card_is_kept_by_the_payment_that_is_made_with_it(bench):
    """Stripe keeps none that was paid with before without its customer."""
    entered = bench.gateway.client.v1.payment_methods.retrieve(VISA).id
    sold = bench.gateway.purchase(1_000, wished(entered), bench.options(customer_id=7))
    form, _ = sent(bench, "/payment_intents")
    assert form["setup_future_usage"] == "off_session"
    saved = bench.gateway.store(wished(entered), bench.options(customer_id=7))
    assert saved == f"{form['customer']}/{entered}"
    assert sold.success
    assert not bench.world.all("setup_intent")
    assert bench.gateway.purchase(1_000, Source(token=saved), bench.options(initiator="staff")).success


def test_a_payment_is_made_also_where_its_card_cannot_be_kept(bench):
    bench.spoil("error_before", kind="lookup", times=0)
    sold = bench.gateway.purchase(1_000, wished(VISA), bench.options(customer_id=7))
    assert sold.success
    assert "customer" not in sent(bench, "/payment_intents")[0]


def test_a_token_that_nobody_knows_is_declined(bench):
    with pytest.raises(PaymentDeclined) as refusal:
        bench.gateway.describe("pm_nobody")
    assert refusal.value.error_code == "not_found"


# The browser


def test_the_browser_is_told_nothing_secret(bench):
    told = bench.gateway.client_config({"currency": "EUR", "amount_minor": 1_000, "country": "IT", "email": ""})
    assert told == {
        "publishable_key": PUBLISHABLE, "script_url": "https://js.stripe.com/v3/", "currency": "EUR", "country": "IT",
    }  # fmt: skip
    assert "0123456789abcdef" in json.dumps(told)
    assert SECRET_KEY not in json.dumps(told)


def test_the_page_loads_from_stripe_alone_or_from_its_stand_in(bench):
    assert {host for hosts in bench.gateway.csp_sources.values() for host in hosts} == {
        "https://js.stripe.com", "https://*.js.stripe.com", "https://hooks.stripe.com", "https://api.stripe.com",
    }  # fmt: skip
    local = configured(bench, script_url="http://127.0.0.1:8420/js.stripe.com/v3/")
    assert set(local.csp_sources.values()) == {("http://127.0.0.1:8420",)}
