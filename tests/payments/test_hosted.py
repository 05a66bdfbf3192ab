"""Payments on a provider's page: the customer pays, returns or does not, comes late, or never."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments.errors import GatewayUnavailable, UnsupportedAction
from payments.gateway_options import read_return_token, return_token
from payments.gateways.base import Outcome, Response
from payments.models import HostedSource, Operation, Payment, Reaction, WebhookEvent
from payments.recovery import Ended, recover_due
from shop.links import order_url
from tests.factories import fact, make_method, make_order
from tests.payments.inbox_shop import ORIGIN, Provider, card, hosted_payment, wired_method
from tests.scripted import NarrowGateway, ScriptedGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    made = Provider(settings)
    yield made
    made.engine.close()


@pytest.fixture(autouse=True)
def without_an_order_page(settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "ORDER_PAGE": ""}


def seen(payment):
    payment = Payment.objects.select_related("order").get(pk=payment.pk)
    return payment.state, payment.order.state, payment.order.payment_state


def came_back(about, /, **query):
    return Client().get(reverse("payments:return", args=[return_token(about.number)]), query)


def reasons(payment):
    return Payment.objects.get(pk=payment.pk).review_reason


# Waiting


def test_a_hosted_payment_waits_and_nothing_else_can_be_paid(provider):
    payment = hosted_payment()
    operation = payment.operations.get()
    assert seen(payment) == ("processing", "confirm", "")
    assert (operation.state, operation.next_action["type"]) == ("waiting", "redirect")
    assert isinstance(payment.source, HostedSource)
    assert payment.payment_method.supports(payment.source)


def test_the_addresses_come_from_the_public_origin_and_never_from_a_header(provider, settings):
    payment = hosted_payment()
    options = payment.gateway_options()
    assert options["notification_url"] == f"{ORIGIN}/payments/webhooks/card/"
    assert options["return_url"] == f"{ORIGIN}/payments/return/{return_token(payment.number)}/"
    assert payment.gateway_options()["return_url"] == options["return_url"]  # A repeated question is the same one.
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": ""}
    options = payment.gateway_options()
    assert (options["return_url"], options["notification_url"]) == ("", "")


def test_a_method_without_a_page_refuses_a_hosted_source():
    order = make_order("10.00")
    payment = order.add_payment(make_method(), source=HostedSource.objects.create())
    with pytest.raises(Exception, match="does not take"):
        payment.process()
    assert Payment.objects.get(pk=payment.pk).state == "invalid"


def test_the_page_that_waits_needs_no_script_and_has_none_inside(provider):
    html = came_back(hosted_payment()).content.decode()
    without = html.partition("<noscript>")[2].partition("</noscript>")[0]
    assert 'http-equiv="refresh"' in without and "Look again" in without
    assert [
        each.partition(">")[0]
        for each in html.split("<script")[1:]
        if not each.partition(">")[2].startswith("</script>")
    ] == []
    assert "data-waits=" in html


# The webhook alone


@pytest.mark.parametrize(
    "fault", ["", "webhook_duplicate", "webhook_reordered", "webhook_early", "webhook_bad_signature"]
)
@pytest.mark.parametrize("auto_capture", [True, False])
def test_the_notice_alone_completes_the_order(provider, fault, auto_capture):
    if fault:
        provider.fault({"fault": fault, "times": 0})
    payment = hosted_payment(wired_method(auto_capture=auto_capture))
    provider.pay(payment)
    for _ in range(4):
        provider.deliver_due()
        provider.advance(3)
    assert seen(payment) == (
        ("completed", "complete", "paid") if auto_capture else ("pending", "complete", "balance_due")
    )
    assert payment.operations.count() == 1
    assert Reaction.objects.filter(topic="order.completed").count() == 1
    assert {event.state for event in WebhookEvent.objects.all()} == {"applied"}
    statuses = [status for *_said, status in provider.posted]
    assert set(statuses) == ({200, 400} if fault == "webhook_bad_signature" else {200})


def test_a_challenge_that_is_refused_leaves_the_page_open_and_the_customer_may_pay_after_all(provider):
    payment = hosted_payment()
    provider.pay(payment, passed="no")
    provider.deliver_due()
    assert seen(payment) == ("processing", "confirm", "")
    provider.pay(payment, number="4242 4242 4242 4242")
    provider.deliver_due()
    assert seen(payment) == ("completed", "complete", "paid")


def test_a_customer_who_cancels_at_the_page_can_pay_another_way(provider):
    payment = hosted_payment()
    url = payment.operations.get().next_action["url"]
    provider.visit(f"{url}/cancel", go="1")
    provider.deliver_due()
    assert seen(payment)[0] == "failed"
    again(payment.order)


def again(order):
    """The order is paid by another payment."""
    order = type(order).objects.get(pk=order.pk)
    order.add_payment(Payment.objects.filter(order=order).first().payment_method, source=card())
    order.complete()
    order.refresh_from_db()
    assert (order.state, order.payment_state) == ("complete", "paid")
    return order


# Coming back


def test_a_customer_who_returns_before_the_notice_sees_it_settled(provider, settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "ORDER_PAGE": "shop.links.order_url"}
    payment = hosted_payment()
    back = provider.pay(payment)
    assert back.startswith(f"{ORIGIN}/payments/return/")
    answer = Client(headers={"host": "shop.example"}).get(back)
    assert (answer.status_code, answer["Location"]) == (302, order_url(payment.order))
    assert seen(payment) == ("completed", "complete", "paid")
    provider.deliver_due()
    assert payment.operations.count() == 1
    assert [event.state for event in WebhookEvent.objects.all()] == ["applied"]


def test_without_an_order_page_ours_says_what_became_of_it(provider):
    payment = hosted_payment()
    waits = came_back(payment)
    assert waits.status_code == 200
    assert b"being confirmed" in waits.content
    assert "no-store" in waits["Cache-Control"]
    provider.pay(payment)
    payment.operations.update(next_try_at=None)
    assert b"Thank you" in came_back(payment).content


def test_nothing_that_the_browser_says_is_believed(provider):
    payment = hosted_payment()
    came_back(payment, status="succeeded", payment="pay_1")
    assert seen(payment) == ("processing", "confirm", "")


@pytest.mark.parametrize("token", ["", "x", "AAAA2222.x", "AAAA2222"])
def test_an_address_that_is_not_ours_leads_nowhere(provider, token):
    if token:
        assert Client().get(f"/payments/return/{token}/").status_code == 404
        assert Client().get(f"/payments/return/{token}/status/").status_code == 404
    assert read_return_token(token) == ""
    assert read_return_token(return_token("ABCD2345")) == "ABCD2345"


def test_the_waiting_page_looks_at_our_own_status_which_asks_nobody(provider):
    payment = hosted_payment()
    page = f"/payments/return/{return_token(payment.number)}/status/"
    asked = provider.engine.store.one("SELECT count(*) AS n FROM actions")["n"]
    assert Client().get(page).json() == {"state": "processing", "settled": False}
    provider.pay(payment)
    assert Client().get(page).json()["settled"] is False
    provider.deliver_due()
    assert Client().get(page).json() == {"state": "completed", "settled": True}
    assert provider.engine.store.one("SELECT count(*) AS n FROM actions")["n"] == asked


def test_a_customer_who_reloads_does_not_keep_the_provider_busy():
    ScriptedGateway.script["*"] = waiting()
    payment = scripted_payment()
    for _ in range(5):
        assert came_back(payment).status_code == 200
    assert [name for name, *_more in ScriptedGateway.calls] == ["authorize", "lookup"]


def test_a_silent_provider_leaves_the_page_waiting(settings):
    ScriptedGateway.script["*"] = waiting()
    payment = scripted_payment()

    class Silent(dict):
        def get(self, *_key):
            raise GatewayUnavailable("Nobody answers.")

    ScriptedGateway.books = Silent()
    assert b"being confirmed" in came_back(payment).content


def scripted_payment(**facts):
    order = make_order("100.00")
    payment = order.add_payment(make_method(**facts), source=card())
    order.complete()
    return Payment.objects.get(pk=payment.pk)


# Never coming back


def test_a_missing_notice_is_made_up_for_by_the_clock(provider):
    provider.fault({"fault": "webhook_missing", "times": 0})
    payment = hosted_payment()
    provider.pay(payment)
    provider.deliver_due()
    assert provider.posted == []
    assert list(recover_due()) == []  # A notice may be on its way.
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        [found] = recover_due()
    assert found.ended == Ended.SETTLED
    assert seen(payment) == ("completed", "complete", "paid")


def test_an_abandoned_page_is_closed_at_the_provider_and_the_order_can_be_paid(provider, settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "PAGE_LIFETIME_MINUTES": 30}
    payment = hosted_payment()
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        assert [each.ended for each in recover_due()] == [Ended.WAITING]
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        [found] = recover_due()
        assert found.ended == Ended.RELEASED
        assert seen(payment)[0] == "void"
        theirs = provider.engine.books.show_payment(payment.response_code)
        assert theirs["status"] in ("voided", "canceled")
        assert list(recover_due(at_once=True)) == []
    provider.deliver_due()
    assert seen(payment)[0] in ("void", "failed")
    again(payment.order)


def test_a_page_that_the_provider_closed_fails_and_the_order_can_be_paid(provider):
    payment = hosted_payment()
    provider.advance(3_700)
    provider.deliver_due()
    assert seen(payment)[0] == "failed"
    assert payment.operations.get().error_code == "session_expired"
    again(payment.order)


def test_a_provider_that_will_say_later_is_not_given_up():
    ScriptedGateway.script["authorize"] = Response(outcome=Outcome.PROCESSING, authorization="GW-LATER")
    payment = scripted_payment()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert [each.ended for each in recover_due()] == [Ended.WAITING]
    assert seen(payment)[0] == "processing"
    assert [name for name, *_more in ScriptedGateway.calls] == ["authorize", "lookup"]


def test_a_gateway_that_cannot_close_its_page_leaves_it_to_staff():

    NarrowGateway.script["authorize"] = waiting()
    NarrowGateway.script["void"] = UnsupportedAction("It cannot void.")
    payment = scripted_payment(gateway="narrow")
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        [found] = recover_due()
    assert found.ended == Ended.STAFF
    assert "cannot be closed" in payment.operations.get(kind="authorize").reason
    assert seen(payment)[0] == "processing"


def test_who_pays_while_the_page_is_being_closed_has_paid():

    ScriptedGateway.script["authorize"] = waiting()
    payment = scripted_payment()
    key = payment.operations.get().idempotency_key

    def too_late(_options):
        ScriptedGateway.books[key] = ok("GW-WAIT")
        return declined("It is paid.")

    ScriptedGateway.script["void"] = too_late
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        list(recover_due())
    assert seen(payment)[:2] == ("pending", "complete")


# Too late


@pytest.mark.parametrize("given_up", ["failed", "void", "invalid"])
def test_a_late_success_is_recorded_flagged_and_finishes_the_order(given_up):
    ScriptedGateway.script["authorize"] = waiting()
    payment = scripted_payment()
    key = payment.operations.get().idempotency_key
    ScriptedGateway.script["void"] = ok("GW-WAIT")
    if given_up == "failed":
        payment.apply(fact("authorize", Outcome.DECLINED, idempotency_key=key))
    elif given_up == "void":
        payment.void_transaction()
    else:
        Payment.objects.filter(pk=payment.pk).update(state="invalid")
        Operation.objects.filter(payment=payment).update(state="canceled")
    payment.refresh_from_db()
    assert payment.state == given_up
    payment.apply(fact("capture", amount_minor=10000, authorization="GW-WAIT", reference="cap_late"))
    payment.refresh_from_db()
    assert payment.state == "completed"
    assert payment.captured_amount.amount == Decimal("100.00")
    assert given_up in reasons(payment)


@pytest.mark.parametrize("how", ["canceled", "paid already"])
def test_a_late_success_shows_what_is_owed(provider, how):
    payment = hosted_payment()
    page = payment.operations.get().next_action["url"]
    provider.deaf = True
    provider.visit(f"{page}/cancel", go="1")
    payment.apply(fact("purchase", Outcome.DECLINED, idempotency_key=payment.operations.get().idempotency_key))
    order = again(payment.order)
    if how == "canceled":
        order.cancel()
        order.refresh_from_db()
        assert order.payment_state == "void"
    provider.deaf = False
    provider.deed(payment, "succeed_late")
    for _ in range(3):
        provider.deliver_due()
        provider.advance(5)
    assert seen(payment)[0] == "completed"
    assert "failed" in reasons(payment)
    assert seen(payment)[2] == "credit_owed"
