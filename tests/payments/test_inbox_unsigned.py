"""A provider that signs nothing: anybody may have sent its notices, so the provider itself is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar

import pytest

from payments.errors import GatewayUnavailable, UnreadableNotice
from payments.gateways.base import Fact, Outcome, Snapshot, WebhookNotice
from payments.models import Payment, WebhookEvent
from tests.factories import make_method, make_payment
from tests.payments.inbox_shop import post
from tests.scripted import EVERYTHING, ScriptedGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db
HOOK = "/payments/webhooks/open/"


class UnsignedGateway(ScriptedGateway):
    """Its notices are what a test writes: {"id", "type", "facts": [...]}."""

    capabilities = replace(EVERYTHING, webhooks=True)
    signs_webhooks: ClassVar[bool] = False

    def parse_webhook(self, headers, body):
        try:
            said = json.loads(body)
            facts = [Fact(**{**each, "outcome": Outcome(each["outcome"])}) for each in said["facts"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableNotice("No notice.") from error
        return [WebhookNotice(event_id=said.get("id", ""), type=said["type"], facts=facts, payload={"id": "x"})]


class SumsOnlyGateway(UnsignedGateway):
    capabilities = replace(EVERYTHING, webhooks=True, lookup=False)


@pytest.fixture(autouse=True)
def _registered(settings):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "open": UnsignedGateway, "sums": SumsOnlyGateway}


@pytest.fixture
def payment():
    """One that waits for its customer."""
    ScriptedGateway.script["purchase"] = waiting()
    made = make_payment(method=make_method(name="Open", code="open", gateway="open"))
    made.purchase()
    return made


def said(payment, *, id="evt_1", **facts):
    name = f"{payment.order.number}-{payment.number}"
    claim = {"kind": "purchase", "outcome": "approved", "amount_minor": 10000, "order_id": name} | facts
    return json.dumps({"id": id, "type": "payment", "facts": [claim]})


def state(payment):
    return Payment.objects.get(pk=payment.pk).state


def answers(payment, answer):
    UnsignedGateway.lookup = lambda self, **asked: answer


@pytest.fixture(autouse=True)
def _as_before():
    before = ScriptedGateway.lookup
    yield
    UnsignedGateway.lookup = before


def test_what_the_provider_confirms_is_taken_in(payment):
    answers(payment, ok("GW-WAIT", reference="ch_1", amount_minor=10000))
    assert post(HOOK, said(payment, idempotency_key=payment.operations.get().idempotency_key)) == 200
    event = WebhookEvent.objects.get()
    assert (event.verified_by, event.state, event.dedupe_key[:8]) == ("fetch", "applied", "fetched:")
    assert (state(payment), payment.operations.get().state) == ("completed", "succeeded")


def test_a_forged_success_is_what_the_provider_says_it_is(payment):
    answers(payment, declined("Not paid.", authorization="GW-WAIT"))
    assert post(HOOK, said(payment, idempotency_key=payment.operations.get().idempotency_key)) == 200
    assert state(payment) == "failed"


def test_a_forged_amount_counts_for_nothing(payment):
    answers(payment, ok("GW-WAIT", amount_minor=10000))
    assert post(HOOK, said(payment, amount_minor=1)) == 200
    assert str(Payment.objects.get(pk=payment.pk).captured_amount.amount) == "100.00"


def test_what_the_provider_does_not_know_is_refused(payment):
    answers(payment, None)
    assert post(HOOK, said(payment)) == 400
    assert (WebhookEvent.objects.count(), state(payment)) == (0, "processing")


def test_a_provider_that_does_not_answer_is_asked_when_it_comes_again(payment):
    def silent(self, **asked):
        raise GatewayUnavailable("Nobody answers.")

    UnsignedGateway.lookup = silent
    assert post(HOOK, said(payment)) == 503
    assert WebhookEvent.objects.count() == 0


def test_nobody_is_asked_about_what_is_not_ours(payment):
    def never(self, **asked):
        raise AssertionError("The provider was asked.")

    UnsignedGateway.lookup = never
    assert post(HOOK, said(payment, order_id="R1-NOBODY22")) == 400
    assert WebhookEvent.objects.count() == 0


def test_new_ids_for_an_old_story_are_the_same_event(payment):
    answers(payment, ok("GW-WAIT", reference="ch_1", amount_minor=10000))
    assert [post(HOOK, said(payment, id=f"evt_{number}")) for number in range(5)] == [200] * 5
    assert WebhookEvent.objects.count() == 1


def test_a_key_of_another_deed_is_not_believed(payment):
    """A forger who learned a key cannot have one deed's answer booked as another's."""
    answers(payment, ok("GW-WAIT", reference="re_1", amount_minor=10000))
    key = payment.operations.get().idempotency_key
    assert post(HOOK, said(payment, kind="refund", idempotency_key=key)) == 200
    assert payment.operations.get(kind="purchase").state == "waiting"


@pytest.mark.parametrize(
    ("captured", "status", "ends"), [(10000, 200, "completed"), (0, 400, "processing"), (9999, 400, "processing")]
)
def test_where_only_sums_can_be_fetched_they_have_to_bear_it_out(captured, status, ends):
    ScriptedGateway.script["purchase"] = waiting()
    payment = make_payment(method=make_method(name="Open", code="open", gateway="sums"))
    payment.purchase()
    SumsOnlyGateway.snapshot = Snapshot(
        authorization="GW-WAIT", authorized_minor=10000, captured_minor=captured, refunded_minor=0, voided=False
    )
    assert post(HOOK, said(payment)) == status
    assert state(payment) == ends
    if status == 200:
        assert post(HOOK, said(payment)) in (200, 400)
        assert str(Payment.objects.get(pk=payment.pk).captured_amount.amount) == "100.00"
    SumsOnlyGateway.snapshot = None


def test_without_an_id_a_notice_without_facts_is_known_by_its_digest(payment):
    body = json.dumps({"type": "ping", "facts": []})
    assert [post(HOOK, body), post(HOOK, body)] == [200, 200]
    assert WebhookEvent.objects.get().dedupe_key.startswith("sha256:")
