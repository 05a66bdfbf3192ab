"""What is particular to the simulator's gateway; what every gateway must do is in tests/conformance_kit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from payments.errors import GatewayError, GatewayUnavailable, InvalidSignature, PaymentDeclined
from payments.gateways.base import Outcome
from payments.gateways.conformance import Source
from payments.gateways.simulator import SimulatorGateway
from tests.conformance_kit.benches import SECRET_KEY, SimulatorBench


@pytest.fixture
def bench():
    made = SimulatorBench()
    made.setup_method()
    yield made
    made.teardown_method()


def card(name="visa"):
    return Source(token=f"tok_{name}")


def test_it_can_do_everything():
    abilities = SimulatorGateway.capabilities
    flags = {name: getattr(abilities, name) for name in abilities.__dataclass_fields__}
    assert [name for name, value in flags.items() if value is False] == []


def test_the_order_and_its_customer_are_told(bench):
    held = bench.gateway.authorize(1_000, card(), bench.options("R1-P1", customer_id=7))
    said = bench.engine.books.show_payment(held.authorization)
    assert (said["order_id"], said["customer"], said["email"]) == ("R1-P1", "7", "ada@example.com")
    assert held.params["payment"]["card"] == {"brand": "visa", "last4": "4242"}


def test_address_and_security_code_checks_are_told(bench):
    answer = bench.gateway.authorize(1_000, card("avs_zip"), bench.options())
    assert (answer.outcome, answer.avs_code, answer.cvv_code) == (Outcome.APPROVED, "A", "M")


def test_a_wrong_key_is_no_silence(bench):
    bench.gateway.http.headers = {"Authorization": "Bearer sk_wrong"}
    answer = bench.gateway.authorize(1_000, card(), bench.options())
    assert (answer.outcome, answer.error_code) == (Outcome.DECLINED, "config_error")
    with pytest.raises(GatewayError, match="refused to say") as refused:
        bench.gateway.fetch("pay_1")
    assert not isinstance(refused.value, GatewayUnavailable)


def test_a_key_that_was_used_for_something_else_is_unknown(bench):
    options = bench.options()
    bench.gateway.authorize(1_000, card(), options)
    with pytest.raises(GatewayUnavailable, match="sent before"):
        bench.gateway.authorize(2_000, card(), options)


def test_what_was_asked_without_a_key_is_looked_up_by_the_order(bench):
    held = bench.gateway.authorize(1_000, card(), bench.options("R1-P1", idempotency_key=""))
    asked = {"kind": "authorize", "idempotency_key": "lost", "order_id": "R1-P1", "authorization": ""}
    assert bench.gateway.lookup(**asked).reference == held.reference
    bench.gateway.authorize(1_000, card(), bench.options("R1-P1", idempotency_key=""))
    assert bench.gateway.lookup(**asked) is None  # It might be either.


def test_what_others_did_to_the_order_is_not_taken_for_ours(bench):
    held = bench.gateway.authorize(1_000, card(), bench.options("R1-P1"))
    bench.engine.call("POST", "/_events", {"payment": held.authorization, "deed": "capture"})
    asked = {"kind": "capture", "idempotency_key": "lost", "order_id": "R1-P1", "authorization": held.authorization}
    assert bench.gateway.lookup(**asked) is None


def test_what_nobody_knows_cannot_be_fetched(bench):
    with pytest.raises(GatewayError, match="does not know"):
        bench.gateway.fetch("pay_unknown")


def test_a_payment_id_cannot_lead_elsewhere(bench):
    with pytest.raises(GatewayError):
        bench.gateway.fetch("../events?x=")
    assert bench.wire.sent[-1].startswith(b"/v1/payments/..%2Fevents%3Fx%3D")


def test_an_expiry_and_a_bounced_refund_are_told(bench):
    held = bench.gateway.authorize(1_000, card(), bench.options()).authorization
    bench.let_pass(timedelta(days=8))
    fact = bench.facts(bench.notices(held)[-1:])[0]
    assert (fact.kind, fact.outcome, fact.authorization) == ("void", Outcome.APPROVED, held)
    sold = bench.gateway.purchase(1_000, card("refund_bounces"), bench.options()).authorization
    back = bench.gateway.credit(1_000, sold, bench.options())
    bench.let_pass(timedelta(minutes=1))
    fact = bench.facts(bench.notices(sold)[-1:])[0]
    assert (fact.kind, fact.outcome, fact.error_code) == ("refund", Outcome.DECLINED, "refund_declined")
    assert fact.reference == back.reference


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("", Outcome.PROCESSING), ("lose_dispute", Outcome.APPROVED), ("win_dispute", Outcome.DECLINED)],
)
def test_a_dispute_is_a_refund_that_nobody_of_ours_has_asked_for(bench, end, outcome):
    sold = bench.gateway.purchase(1_000, card(), bench.options()).authorization
    for deed in filter(None, ("open_dispute", end)):
        bench.engine.call("POST", "/_events", {"payment": sold, "deed": deed})
    [notice] = bench.read(bench.notices(sold)[-1])
    [fact] = notice.facts
    assert (fact.kind, fact.disputed, fact.outcome, fact.amount_minor) == ("refund", True, outcome, 1_000)
    assert fact.authorization == sold
    assert fact.reference.startswith("dp_")
    assert fact.params["dispute"] == notice.type.partition(".")[2]


def test_without_a_webhook_secret_nothing_is_believed(bench):
    gateway = SimulatorGateway({"secret_key": SECRET_KEY}, test=True)
    [body] = bench.notices(bench.hold())
    with pytest.raises(InvalidSignature):
        gateway.parse_webhook(bench.sign(body), body)


@pytest.mark.parametrize(
    "header", ["", "t=,v1=", "t=1", "v1=aa", "t=x,v1=aa", "t=٣,v1=aa", "t=1,v1=\xff", "t=" + "9" * 99]
)
def test_a_header_of_nonsense_is_refused(bench, header):
    with pytest.raises(InvalidSignature):
        bench.gateway.parse_webhook({"SIMULATOR-SIGNATURE": header}, b"{}")


def test_the_books_are_listed_with_fees(bench):
    sold = bench.gateway.purchase(10_000, card(), bench.options("R1-P1"))
    bench.gateway.void(sold.authorization, bench.options("R1-P1"))
    now = datetime.now(UTC)
    records = list(bench.gateway.list_records(now - timedelta(hours=1), now + timedelta(hours=1)))
    assert [(each.kind, each.amount_minor, each.fee_minor) for each in records] == [
        ("authorize", 10_000, 0),
        ("capture", 10_000, 165),
        ("capture_voided", 10_000, -165),
        ("void", 10_000, 0),
    ]


def test_a_card_that_cannot_be_saved_is_declined(bench):
    with pytest.raises(PaymentDeclined) as refusal:
        bench.gateway.store(card("expired_card"), bench.options())
    assert refusal.value.error_code == "expired_card"


def test_a_saved_card_is_charged_for_its_customer_only(bench):
    saved = Source(token=bench.gateway.store(card(), bench.options(customer_id=7)))
    assert bench.gateway.authorize(1_000, saved, bench.options(customer_id=7)).success
    refused = bench.gateway.authorize(1_000, saved, bench.options(customer_id=8))
    assert (refused.outcome, refused.error_code) == (Outcome.DECLINED, "not_found")


@pytest.mark.parametrize("broken", [{}, {"action": 1, "payment": {}}, {"action": {"status": "succeeded"}}])
def test_an_answer_without_its_parts_is_unknown(bench, broken):
    from payments.gateways import simulator_words

    with pytest.raises(GatewayUnavailable):
        simulator_words.response(broken)


@pytest.mark.parametrize(
    ("wanted", "answer_ms"), [({}, 10_000), ({"answer_seconds": 1}, 1_000), ({"answer_seconds": 99}, 10_000)]
)
def test_patience_can_be_less_and_never_more(wanted, answer_ms):
    assert SimulatorGateway({"secret_key": "sk", **wanted}, test=True).http.patience.answer_ms == answer_ms
    assert SimulatorGateway.longest_call == timedelta(seconds=31)
