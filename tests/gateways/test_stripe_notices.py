"""What Stripe's events become: facts under the names that answers have, or nothing that moves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from payments.errors import InvalidSignature, UnreadableNotice
from payments.gateways.base import Outcome
from payments.gateways.stripe import StripeGateway
from payments.gateways.stripe_notices import READERS, WANTED
from tests.gateways.stripe_benches import StripeBench, card_named, settings


@pytest.fixture
def bench():
    made = StripeBench()
    made.setup_method()
    yield made
    made.teardown_method()


def outside(bench, deed, intent, **params):
    return bench.engine._outside({"deed": deed, "intent": intent, "params": params})


def told(bench, authorization, *, since=0):
    facts = bench.facts(bench.notices(authorization)[since:])
    return {(fact.kind, fact.outcome.value, fact.amount_minor, fact.reference) for fact in facts}


def test_a_sale_is_one_fact(bench):
    sold = bench.gateway.purchase(1_000, card_named("pm_card_visa"), bench.options("R1-P1"))
    [fact] = bench.facts(bench.notices(sold.authorization))
    assert (fact.kind, fact.reference, fact.order_id) == ("purchase", sold.reference, "R1-P1")


def test_what_is_done_in_the_dashboard_becomes_facts(bench):
    held = bench.approved(options=bench.options("R1-P1"))
    outside(bench, "capture", held.authorization)
    back = outside(bench, "refund", held.authorization, amount="300")
    facts = bench.facts(bench.notices(held.authorization)[2:])
    assert {(fact.kind, fact.amount_minor, fact.reference) for fact in facts} == {
        ("authorize", 1_000, held.reference),
        ("capture", 1_000, held.reference),
        ("refund", 300, back["id"]),
    }
    assert {fact.authorization for fact in facts} == {held.authorization}
    assert not any(fact.idempotency_key for fact in facts if fact.kind != "authorize")


def test_an_outside_capture_of_a_part_after_ours_has_its_own_amount(bench):
    held = bench.approved()
    bench.gateway.capture(300, held.authorization, bench.options(final=False))
    outside(bench, "capture", held.authorization, amount_to_capture="200")
    assert ("capture", "approved", 200, f"{held.reference}:500") in told(bench, held.authorization)
    assert bench.gateway.fetch(held.authorization).captured_minor == 500


def test_an_outside_cancellation_and_an_expiry_are_voids(bench):
    held, old = bench.approved(), bench.approved()
    outside(bench, "cancel", held.authorization)
    bench.let_pass(timedelta(days=8))
    for each in (held, old):
        assert ("void", "approved", None, each.authorization) in told(bench, each.authorization)


def test_our_own_void_is_told_by_its_key(bench):
    held, options = bench.hold(), bench.options()
    bench.gateway.void(held, options)
    voids = [fact for fact in bench.facts(bench.notices(held)) if fact.kind == "void"]
    assert {fact.idempotency_key for fact in voids} == {options["idempotency_key"]}


def test_a_refusal_is_told(bench):
    refused = bench.gateway.authorize(1_000, card_named("pm_card_visa_chargeDeclined"), bench.options())
    [fact] = bench.facts(bench.notices(refused.authorization))
    assert (fact.kind, fact.outcome, fact.error_code) == ("authorize", Outcome.DECLINED, "card_declined")
    assert fact.reference == refused.reference


@pytest.mark.parametrize(("won", "ends"), [(True, Outcome.DECLINED), (False, Outcome.APPROVED)])
def test_a_dispute_is_opened_and_closed(bench, won, ends):
    from tests.providers.stripe_server import ledger

    sold = bench.gateway.purchase(1_000, card_named("pm_card_createDispute"), bench.options()).authorization
    [dispute] = bench.world.all("dispute")
    ledger.close_dispute(bench.world, dispute, won=won)
    opened, closed = [fact for fact in bench.facts(bench.notices(sold)) if fact.disputed]
    assert (opened.kind, opened.outcome, closed.outcome) == ("refund", Outcome.PROCESSING, ends)
    assert {opened.reference, closed.reference} == {dispute["id"]}
    assert (opened.amount_minor, opened.params["dispute"], opened.authorization) == (1_000, "open", sold)


@pytest.mark.parametrize("change", [{"api_version": "2019-12-03"}, {"type": "invoice.paid"}, {"livemode": True}])
def test_what_is_not_for_us_to_read_is_left_alone(bench, change):
    [body] = [each for each in bench.notices(bench.hold()) if b"amount_capturable_updated" in each]
    [notice] = bench.read(json.dumps({**json.loads(body), **change}).encode())
    assert list(notice.facts) == []
    assert notice.payload["api_version"]
    assert bench.facts([body])


def test_another_version_can_be_agreed_on(bench):
    gateway = StripeGateway(settings(api_version="2019-12-03"), test=True)
    [body] = [each for each in bench.notices(bench.hold()) if b"amount_capturable_updated" in each]
    old = json.dumps({**json.loads(body), "api_version": "2019-12-03"}).encode()
    assert len(bench.facts([old], gateway)) == 1
    assert bench.facts([body], gateway) == []


def test_an_intent_that_we_did_not_make_is_none_of_our_payments(bench):
    bench.gateway.client.v1.payment_intents.create(
        {"amount": 900, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    [intent] = bench.world.all("payment_intent")
    assert bench.facts(bench.notices(intent["id"])) == []


def test_a_field_that_is_missing_makes_a_riddle(bench):
    [body] = [each for each in bench.notices(bench.hold()) if b"amount_capturable_updated" in each]
    event = json.loads(body)
    del event["data"]["object"]["status"]
    with pytest.raises(UnreadableNotice):
        bench.read(json.dumps(event).encode())


def test_without_a_webhook_secret_nothing_is_believed(bench):
    gateway = StripeGateway(settings(webhook_secret=""), test=True)
    body = bench.notices(bench.hold())[-1]
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(bench.sign(body), body)


@pytest.mark.parametrize("header", ["", "t=,v1=", "t=1", "v1=aa", "t=x,v1=aa", "t=٣,v1=aa", "t=" + "9" * 99, ",,="])
def test_a_header_of_nonsense_is_refused(bench, header):
    with pytest.raises(InvalidSignature):
        bench.gateway.parse_webhook({"STRIPE-SIGNATURE": header}, b"{}")


def test_the_payload_keeps_no_card_and_no_client_secret(bench):
    for body in bench.notices(bench.hold()):
        [notice] = bench.read(body)
        kept = json.dumps(notice.payload)
        assert "_secret_" not in kept
        assert "fingerprint" not in kept


def test_everything_that_is_read_is_asked_for():
    assert set(READERS) < set(WANTED)
    assert len(set(WANTED)) == len(WANTED)


# Its books


def listed(bench, **more):
    now = datetime.now(UTC) + timedelta(seconds=bench.world.ahead_s)
    return list(bench.gateway.list_records(now - timedelta(days=3), now + timedelta(hours=1)))


def test_the_books_have_fees_and_what_goes_back(bench):
    sold = bench.gateway.purchase(10_000, card_named("pm_card_visa"), bench.options("R1-P1"))
    bench.gateway.credit(4_000, sold.authorization, bench.options("R1-P1"))
    let_go = bench.hold(2_000, bench.options("R2-P1"))
    bench.gateway.void(let_go, bench.options("R2-P1"))
    lines = {(each.kind, each.amount_minor, each.fee_minor, each.order_id) for each in listed(bench)}
    assert lines == {
        ("authorize", 10_000, 0, "R1-P1"),
        ("capture", 10_000, 320, "R1-P1"),
        ("refund", 4_000, 0, "R1-P1"),
        ("authorize", 2_000, 0, "R2-P1"),
        ("void", 2_000, 0, "R2-P1"),
    }


def test_a_refund_that_came_back_and_a_dispute_are_lines(bench):
    bouncing = bench.gateway.purchase(1_000, card_named("pm_card_refundFail"), bench.options()).authorization
    back = bench.gateway.credit(400, bouncing, bench.options())
    bench.gateway.purchase(2_000, card_named("pm_card_createDispute"), bench.options())
    bench.let_pass(timedelta(minutes=1))
    lines = [(each.kind, each.amount_minor, each.reference) for each in listed(bench)]
    assert ("refund_failed", 400, back.reference) in lines
    assert ("dispute", 2_000) in {line[:2] for line in lines}


def test_a_line_in_the_accounts_own_currency_is_told_in_the_payments(bench):
    bench.world.options.account_currency = "usd"
    sold = bench.gateway.purchase(10_000, card_named("pm_card_visa"), bench.options())
    [line] = [each for each in listed(bench) if each.kind == "capture"]
    assert (line.amount_minor, line.currency, line.fee_minor, line.reference) == (10_000, "EUR", 320, sold.reference)


def test_oldest_first(bench):
    for _ in range(3):
        bench.hold()
        bench.world.ahead_s += 3_600
    times = [each.occurred_at for each in listed(bench)]
    assert times == sorted(times)
    assert len(times) == 3
