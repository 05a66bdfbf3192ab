"""The whole way over real HTTP: our site, the simulator beside it, and a browser that is closed too early."""

from __future__ import annotations

import time
from urllib.parse import urlencode, urlsplit

import pytest
from django.core import mail

from payments.gateways.http import Line, Patience
from payments.models import Payment, WebhookEvent
from payments.recovery import recover_due
from payments.simulator.options import Options
from payments.simulator.server import Simulator
from tests.factories import make_order
from tests.payments.inbox_shop import CONFIG, SECRETS, card, hosted_payment, wired_method

pytestmark = [pytest.mark.postgres, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PATIENCE_S = 20


@pytest.fixture
def simulator(settings, live_server):
    options = Options(secret_key=SECRETS["WIRED_KEY"], webhook_secret=SECRETS["WIRED_HOOK"])
    settings.PAYMENT_SECRETS = SECRETS
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": live_server.url}
    with Simulator(options=options) as running:
        yield running


def method(simulator, **facts):
    return wired_method(gateway="simulator", config={**CONFIG, "base_url": simulator.url}, **facts)


def browser(simulator, url, **form):
    """One click: where it leads."""
    parts = urlsplit(url)
    line = Line("http", "127.0.0.1", urlsplit(simulator.url).port, Patience())
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": simulator.url}
    status, told, _page = line.request("POST", parts.path, urlencode(form).encode(), headers)
    assert status == 303
    return told["location"]


def pay_and_close_the_browser(simulator, payment):
    page = payment.operations.get(state="waiting").next_action["url"]
    challenge = browser(simulator, page, number="4000 0000 0000 3220", expiry="12/40", cvc="123", name="Ada")
    back = browser(simulator, challenge, passed="yes")
    assert "/payments/return/" in back  # Where nobody ever goes.


def wait_until(simulator, done):
    """Meanwhile the simulator's clock runs twenty times as fast: its pauses are not what is waited for."""
    for _ in range(PATIENCE_S * 20):
        if done():
            return
        time.sleep(0.05)
        simulator.engine.call("POST", "/_clock", {"advance": 1})
    raise AssertionError("It did not come about.")


def is_paid(payment):
    found = Payment.objects.select_related("order").get(pk=payment.pk)
    return (found.state, found.order.state, found.order.payment_state) == ("completed", "complete", "paid")


def all_delivered(simulator):
    rows = simulator.engine.store.all("SELECT status FROM events")
    return bool(rows) and all(row["status"] in ("delivered", "missing") for row in rows)


@pytest.mark.parametrize(
    "fault",
    ["", "webhook_duplicate", "webhook_reordered", "webhook_early", "webhook_bad_signature", "webhook_missing"],
)
def test_a_challenge_met_and_a_browser_closed_end_in_a_complete_order(simulator, fault):
    if fault:
        simulator.engine.call("POST", "/_faults", {"rules": [{"fault": fault, "times": 0}]})
    payment = hosted_payment(method(simulator))

    pay_and_close_the_browser(simulator, payment)
    if fault == "webhook_missing":
        list(recover_due(at_once=True))  # The clock makes up for a notice that never comes.

    wait_until(simulator, lambda: is_paid(payment) and all_delivered(simulator))
    assert payment.operations.count() == 1
    assert len(mail.outbox) == 1
    events = list(WebhookEvent.objects.all())
    assert [event.state for event in events] == ([] if fault == "webhook_missing" else ["applied"])
    statuses = [row["status"] for row in simulator.engine.store.all("SELECT status FROM deliveries ORDER BY seq")]
    told = {"webhook_duplicate": [200, 200], "webhook_bad_signature": [400, 200], "webhook_missing": []}
    assert statuses == told.get(fault, [200])


@pytest.mark.parametrize("fault", ["webhook_early", "webhook_reordered", "webhook_duplicate"])
def test_a_life_whose_notices_are_early_reordered_or_double(simulator, fault):
    """The notice of a capture may be here before our own commit of its answer."""
    simulator.engine.call("POST", "/_faults", {"rules": [{"fault": fault, "times": 0}]})
    order = make_order("48.00")
    payment = order.add_payment(method(simulator, auto_capture=False), source=card())
    order.complete()
    payment.capture()
    payment.refund("8.00")

    wait_until(
        simulator, lambda: all_delivered(simulator) and not WebhookEvent.objects.exclude(state="applied").exists()
    )
    payment.refresh_from_db()
    assert (str(payment.captured_amount.amount), str(payment.refunded_amount.amount)) == ("48.00", "8.00")
    assert [(each.kind, each.state) for each in payment.operations.all()] == [
        ("authorize", "succeeded"),
        ("capture", "succeeded"),
        ("refund", "succeeded"),
    ]
    assert WebhookEvent.objects.count() == 3
    assert len(mail.outbox) == len({letter.subject for letter in mail.outbox}) == 2  # The order's and the refund's.
