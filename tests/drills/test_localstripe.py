"""A second opinion on Stripe: our verbs over localstripe, which knows nothing of us, and its own signed webhooks.

What it cannot do is in the table of docs/reference/gateways/stripe.md; the settings below leave out what it refuses.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.models import CreditCard, Operation, PaymentMethod, WebhookEvent
from tests.drills.localstripe import LocalStripe, NotInstalled
from tests.factories import make_order, make_payment

pytestmark = [pytest.mark.drill, pytest.mark.django_db(transaction=True)]
UNKNOWN_TO_IT = {
    "create": dict.fromkeys(("allowed_payment_method_types", "description", "return_url", "shipping")),
    "capture": {"metadata": None},
    "cancel": {"cancellation_reason": None},
    "refund": {"reason": None},
    "setup": {"allowed_payment_method_types": None},
}
OLD = "2017-08-15"  # The version in which it writes its events.


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    try:
        started = LocalStripe(tmp_path_factory.mktemp("localstripe"))
    except NotInstalled as reason:
        pytest.skip(str(reason))
    yield started
    started.stop()


@pytest.fixture
def method(provider, live_server, settings):
    from django.urls import reverse

    settings.PAYMENT_SECRETS = {"KEY": provider.key, "WEBHOOK": provider.secret}
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": live_server.url}
    config = {"secret_key": "KEY", "webhook_secret": "WEBHOOK", "base_url": provider.url, "api_version": OLD}
    made = PaymentMethod.objects.create(
        name="Stripe", gateway="stripe", config={**config, "extra_params": UNKNOWN_TO_IT}
    )
    provider.report_to(live_server.url + reverse("payments:webhook", args=[made.code]))
    return made


def card(provider, number="4242424242424242"):
    fields = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
    form = {"type": "card", **{f"card[{name}]": value for name, value in fields.items()}}
    token = provider.ask("POST", "/v1/payment_methods", **form)["id"]
    return CreditCard.objects.create(token=token, brand="visa", last_four=number[-4:], month=12, year=2030, name="Ada")


def pay(method, source, total="30.00"):
    return make_payment(method=method, source=source, order=make_order(total))


def heard(payment, type, seconds=15):
    """Wait until its webhook about this payment, which it sends a second later, is taken in."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        event = WebhookEvent.objects.filter(type=type, payment=payment).first()
        if event is not None:
            return event
        time.sleep(0.1)
    raise AssertionError(f"No {type} came: {list(WebhookEvent.objects.values_list('type', flat=True))}")


def test_authorize_capture_and_refund_in_parts(provider, method):
    payment = pay(method, card(provider))
    payment.authorize()
    assert (payment.state, payment.authorized_amount.amount) == ("pending", 30)
    assert provider.ask("GET", f"/v1/payment_intents/{payment.response_code}")["status"] == "requires_capture"
    payment.capture("10.00")
    assert (payment.state, payment.captured_amount.amount) == ("completed", 10)
    for _ in range(2):
        payment.refund("4.00", reason="Duplicate")
    assert payment.refunded_amount.amount == 8
    with pytest.raises(ValueError, match="2"):
        payment.refund("3.00")
    theirs = provider.ask("GET", "/v1/refunds?" + urlencode({"payment_intent": payment.response_code}))["data"]
    assert sorted(each["amount"] for each in theirs) == [400, 400, 2_000]  # It lists what was let go as a refund, too.


def test_its_signed_webhook_changes_nothing_that_the_answer_said(provider, method):
    payment = pay(method, card(provider))
    payment.purchase()
    event = heard(payment, "payment_intent.succeeded")
    assert event.state == "applied"
    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount.amount) == ("completed", 30)
    assert payment.operations.count() == 1


def test_what_is_captured_outside_is_heard_of(provider, method):
    payment = pay(method, card(provider))
    payment.authorize()
    provider.ask("POST", f"/v1/payment_intents/{payment.response_code}/capture")
    heard(payment, "payment_intent.succeeded")
    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount.amount) == ("completed", 30)
    assert [each.origin for each in payment.operations.order_by("sequence")] == ["system", "webhook"]


def test_a_hold_is_let_go(provider, method):
    payment = pay(method, card(provider))
    payment.authorize()
    payment.void_transaction()
    assert payment.state == "void"
    assert provider.ask("GET", f"/v1/payment_intents/{payment.response_code}")["status"] == "canceled"


def test_a_refusal_is_a_refusal(provider, method):
    payment = pay(method, card(provider, "4000000000000341"))
    with pytest.raises(PaymentDeclined) as refusal:
        payment.purchase()
    assert (payment.state, refusal.value.error_code) == ("failed", "card_declined")
    heard(payment, "payment_intent.payment_failed")
    payment.refresh_from_db()
    assert (payment.state, payment.operations.count()) == ("failed", 1)


@pytest.mark.parametrize(("passed", "state"), [(True, "completed"), (False, "failed")])
def test_a_challenge_is_answered_in_the_browser(provider, method, passed, state):
    payment = pay(method, card(provider, "4000002760003184"))
    payment.purchase()
    [operation] = payment.operations.all()
    assert (payment.state, operation.state) == ("processing", "waiting")
    secret = operation.next_action["client_secret"]
    path = f"/v1/payment_intents/{payment.response_code}/_authenticate?success={str(passed).lower()}"
    provider.ask("POST", path, client_secret=secret)
    if passed:
        heard(payment, "payment_intent.succeeded")
    else:
        from payments import waiting

        waiting.look(payment, operation, by=waiting.RECOVERY)
    payment.refresh_from_db()
    assert payment.state == state


def test_a_lost_answer_is_found_by_listing(provider, method, monkeypatch):
    """It has no search: the list is enough."""
    from payments.gateways import stripe_words

    payment = pay(method, card(provider))

    def lose(*_args, **_named):
        raise GatewayUnavailable("The answer is lost.")

    with monkeypatch.context() as broken:
        broken.setattr(stripe_words, "attempt", lose)
        with pytest.raises(GatewayUnavailable):
            payment.authorize()
    assert payment.operations.get().state == Operation.State.UNKNOWN
    payment.recover()
    payment.refresh_from_db()
    assert (payment.state, payment.authorized_amount.amount) == ("pending", 30)
    assert payment.response_code.startswith("pi_")
