"""Stripe behind our own verbs: what the shop's books say after what Stripe's stand-in did, and was told to do."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from payments import inbox
from payments.actors import Actor, Origin
from payments.errors import GatewayUnavailable, PaymentDeclined, UnsupportedAction
from payments.models import CreditCard, PaymentMethod, RefundReason, WebhookEvent
from tests.factories import make_order, make_payment
from tests.gateways.stripe_benches import SECRET_KEY, WEBHOOK_SECRET
from tests.providers.stripe_server import ledger
from tests.providers.stripe_server.faults import Rule
from tests.providers.stripe_server.post import signature, written
from tests.providers.stripe_server.server import Server
from tests.providers.stripe_server.world import Options

pytestmark = pytest.mark.django_db(transaction=True)
CHECKOUT, STAFF = Actor(Origin.CHECKOUT), Actor(Origin.STAFF)


@pytest.fixture
def provider():
    server = Server(Options(secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET)).start()
    yield server
    server.stop()


@pytest.fixture
def method(provider, settings):
    settings.PAYMENT_SECRETS = {"KEY": SECRET_KEY, "HOOK": WEBHOOK_SECRET}
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": "https://shop.example"}
    config = {"secret_key": "KEY", "webhook_secret": "HOOK", "base_url": provider.url, "retries": 0}
    return PaymentMethod.objects.create(name="Stripe", gateway="stripe", config=config)


def pay(method, token="pm_card_visa", total="100.00"):
    facts = {"brand": "visa", "last_four": "4242", "month": 12, "year": 2030, "name": "Ada Byron"}
    return make_payment(
        method=method, source=CreditCard.objects.create(token=token, **facts), order=make_order(total, currency="EUR")
    )


def hear(provider, method, *, times=1):
    """Everything that Stripe has to tell, in the reverse order and as often as that."""
    for event in provider.engine.world.events[::-1] * times:
        body = written(event)
        inbox.receive(method.code, {"Stripe-Signature": signature(WEBHOOK_SECRET, body, int(time.time()))}, body)


def sums(payment):
    payment.refresh_from_db()
    amounts = (payment.authorized_amount, payment.captured_amount, payment.refunded_amount)
    return payment.state, *(int(each.amount) for each in amounts)


def test_the_hold_ends_when_its_charge_says(provider, method):
    provider.engine.world.options.hold_s = 5 * 86_400
    payment = pay(method)
    payment.authorize(by=CHECKOUT)
    payment.refresh_from_db()
    assert abs(payment.capture_by - timezone.now() - timedelta(days=5)) < timedelta(minutes=1)
    assert payment.cvv_response_code == "M"


def test_several_captures_only_where_the_settings_say_so(provider, method):
    payment = pay(method)
    payment.authorize(by=CHECKOUT)
    before = len(provider.engine.seen)
    with pytest.raises(UnsupportedAction, match="multiple_captures"):
        payment.capture("40.00", final=False)
    assert len(provider.engine.seen) == before
    method.config["multiple_captures"] = True
    method.save()
    payment = pay(method)
    payment.authorize(by=CHECKOUT)
    for amount in ("40.00", "25.00"):
        payment.capture(amount, final=False, by=STAFF)
    payment.capture("10.00", by=STAFF)
    hear(provider, method, times=2)
    assert sums(payment) == ("completed", 100, 75, 0)
    assert payment.operations.count() == 4


def test_what_is_done_in_the_dashboard_is_in_our_books(provider, method):
    payment = pay(method)
    payment.authorize(by=CHECKOUT)
    for deed, params in (("capture", {}), ("refund", {"amount": "3000"})):
        provider.engine._outside({"deed": deed, "intent": payment.response_code, "params": params})
    hear(provider, method, times=2)
    hear(provider, method)
    assert sums(payment) == ("completed", 100, 100, 30)
    assert not WebhookEvent.objects.exclude(state__in=("applied", "ignored")).exists()


def test_refunds_have_their_reason_and_the_rest_is_known(provider, method):
    payment = pay(method)
    payment.purchase(by=CHECKOUT)
    reason = RefundReason.objects.create(name="Requested by customer")
    for amount in ("30.00", "20.00"):
        payment.refund(amount, reason=reason, by=STAFF)
    hear(provider, method)
    assert sums(payment) == ("completed", 100, 100, 50)
    assert {each["reason"] for each in provider.engine.world.all("refund")} == {"requested_by_customer"}


def test_a_lost_answer_is_recovered_by_evidence(provider, method):
    payment = pay(method)
    provider.engine.faults.rules.append(Rule("lost_answer"))
    with pytest.raises(GatewayUnavailable):
        payment.authorize(by=CHECKOUT)
    payment.recover()
    assert sums(payment) == ("pending", 100, 0, 0)
    provider.engine.faults.rules.append(Rule("error_after"))
    with pytest.raises(GatewayUnavailable):
        payment.capture("60.00")
    payment.recover()
    assert sums(payment) == ("completed", 100, 60, 0)
    provider.engine.faults.rules.append(Rule("truncated_body"))
    with pytest.raises(GatewayUnavailable):
        payment.refund("10.00")
    payment.recover()
    assert sums(payment) == ("completed", 100, 60, 10)


def test_an_answer_of_another_amount_is_decided_by_what_is_held(provider, method):
    payment = pay(method)
    payment.authorize(by=CHECKOUT)
    provider.engine.faults.rules.append(Rule("wrong_amount"))
    payment.capture()
    assert sums(payment) == ("completed", 100, 100, 0)


def test_a_webhook_alone_ends_a_challenge(provider, method):
    payment = pay(method, "pm_card_threeDSecure2Required")
    payment.purchase(by=CHECKOUT)
    assert payment.operations.get().next_action["type"] == "redirect"
    provider.engine._bank("POST", f"intent={payment.operations.get().authorization}", b"passed=yes")
    hear(provider, method, times=2)
    assert sums(payment) == ("completed", 100, 100, 0)
    assert payment.operations.count() == 1


def test_staff_are_refused_what_only_the_customer_can_confirm(provider, method):
    payment = pay(method, "pm_card_threeDSecure2Required")
    with pytest.raises(PaymentDeclined) as refusal:
        payment.purchase(by=STAFF)
    assert refusal.value.error_code == "authentication_failed"


@pytest.mark.parametrize("won", [True, False])
def test_a_dispute_waits_and_is_won_or_lost(provider, method, won):
    payment = pay(method, "pm_card_createDispute")
    payment.purchase(by=CHECKOUT)
    hear(provider, method)
    payment.refresh_from_db()
    assert payment.review_reason
    assert sums(payment) == ("completed", 100, 100, 0)
    [dispute] = provider.engine.world.all("dispute")
    ledger.close_dispute(provider.engine.world, dispute, won=won)
    hear(provider, method)
    assert sums(payment) == ("completed", 100, 100, 0 if won else 100)
    assert bool(payment.review_reason) is not won


def test_nothing_of_a_card_and_no_secret_is_in_the_database(provider, method):
    payment = pay(method)
    payment.purchase(by=CHECKOUT)
    hear(provider, method)
    kept = [each.params for each in payment.operations.all()] + [each.payload for each in WebhookEvent.objects.all()]
    assert not any(word in json.dumps(kept) for word in ("_secret_", "fingerprint", SECRET_KEY, WEBHOOK_SECRET))
