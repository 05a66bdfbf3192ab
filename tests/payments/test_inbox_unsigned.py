"""A provider that signs nothing: anybody may have sent its notices, so the provider itself is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from payments import limiting
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


def test_nobody_can_make_up_a_dispute(payment):
    answers(payment, ok("GW-WAIT", reference="ch_1", amount_minor=10000))
    assert post(HOOK, said(payment, kind="refund", outcome="processing", disputed=True)) == 400
    assert Payment.objects.get(pk=payment.pk).review_reason == ""


# So that nobody has us ask the provider without end


@pytest.fixture
def three_a_minute(settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "UNSIGNED_NOTICES_PER_IP": "3/minute", "LIMITS_STORAGE": ""}
    limiting._limiter.cache_clear()
    yield
    limiting._limiter.cache_clear()


def forged(payment, number, **meta):
    body = said(payment, id=f"evt_{number}")
    return Client().post(HOOK, body, content_type="application/json", **meta)


def test_whoever_sends_too_many_is_told_when_to_come_back(payment, three_a_minute):
    asked = []
    UnsignedGateway.lookup = lambda self, **about: asked.append(about)
    assert [forged(payment, number).status_code for number in range(3)] == [400] * 3
    refused = forged(payment, 4)
    assert (refused.status_code, refused.content, len(asked)) == (429, b"", 3)
    assert 1 <= int(refused["Retry-After"]) <= 61

    assert forged(payment, 5, REMOTE_ADDR="203.0.113.5").status_code == 400
    with time_machine.travel(timezone.now() + timedelta(seconds=62)):
        assert forged(payment, 6).status_code == 400


def test_behind_a_proxy_the_address_is_the_one_that_it_has_seen(payment, three_a_minute, settings):
    answers(payment, None)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(3):
        forged(payment, number, HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.9")
    assert forged(payment, 4, HTTP_X_FORWARDED_FOR="198.51.100.4, 203.0.113.9").status_code == 429
    assert forged(payment, 5, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.5").status_code == 400


def test_a_signed_notice_is_never_too_many(payment, three_a_minute, monkeypatch):
    monkeypatch.setattr(UnsignedGateway, "signs_webhooks", True)
    assert {forged(payment, number).status_code for number in range(8)} == {200}


def test_where_no_limit_is_set_all_are_looked_at(payment, settings):
    answers(payment, None)
    settings.PAYMENTS = {**settings.PAYMENTS, "UNSIGNED_NOTICES_PER_IP": ""}
    assert {forged(payment, number).status_code for number in range(70)} == {400}
