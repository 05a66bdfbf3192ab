"""The dummy: a provider for a laptop, whose payments are decided by whoever posts to its address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from payments.backends import (
    AbortPaymentFailed,
    CreatePaymentFailed,
    DummyPaymentBackend,
    GatewayBackend,
    ParseNotificationFailed,
    RefundPaymentFailed,
    RegisterPaymentFailed,
    get_payment_backend,
)
from payments.models import CreditCard, Operation, Payment, PaymentMethod
from tests.backends.catalogue import case
from tests.backends.conftest import ADDRESS, seen
from tests.factories import card_recipe, make_method, make_order
from tests.payments.inbox_shop import Provider, wired_method
from tests.scripted import ScriptedGateway, waiting

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
URL = "https://shop.example/api/v1.0/payments/notifications/dummy"


@pytest.fixture
def tell(dummy, rf):
    """Post this to the dummy, as JSON."""

    def post(**said):
        dummy.handle_notification(rf.post("/", json.dumps(said), content_type="application/json"))

    return post


@pytest.fixture
def created(dummy, order):
    return dummy.create_payment(order, ADDRESS)["payment_id"]


def names_of(dummy, monkeypatch, hook):
    """What the hook is called with."""
    heard = []
    monkeypatch.setattr(dummy, hook, lambda *args: heard.append(args))
    return heard


@case(48, ours="A new id for each attempt, so that none is taken for another.")
def test_048_the_id_of_a_payment(dummy, order):
    """The id is of the payment."""
    first = dummy.create_payment(order, ADDRESS)["payment_id"]
    dummy.abort_payment(first)
    second = dummy.create_payment(order, ADDRESS)["payment_id"]
    assert first != second
    assert [first, second] == [dummy.get_payment_id(each) for each in Payment.objects.order_by("id")]


@case(49)
def test_049_what_is_kept(dummy, order, created):
    """Creating keeps the id, the amount, the address, the notification address and whose order it is."""
    operation = Operation.objects.select_related("payment__order").get()
    assert (operation.reference, operation.amount, operation.state) == (created, order.total, "waiting")
    assert operation.params == {"notification_url": URL, "order_id": order.number}
    assert operation.payment.response_code == created
    assert operation.payment.order.bill_address.name == "Sam Iam"
    assert seen(order) == ("confirm", "", "0.00")


@case(50)
def test_050_what_is_returned(dummy, order):
    """Creating returns the id, the provider and where to go on; asked again, the same."""
    info = dummy.create_payment(order, ADDRESS)
    assert info == {"payment_id": f"pay_{Payment.objects.get().number}", "provider": "dummy", "url": URL}
    assert dummy.create_payment(order, ADDRESS) == info


@case(51)
def test_051_much_later_and_elsewhere(order, created, tell):
    """A payment is found later and by another process: it is in the database."""
    with time_machine.travel(timezone.now() + timezone.timedelta(minutes=10)):
        tell(type="payment", id=created, state="success")
    assert seen(order) == ("complete", "paid", "100.00")


@case(53)
@pytest.mark.parametrize(("number", "is_paid"), [("4111111111111111", True), ("4000000000000002", False)])
def test_053_one_click(dummy, order, number, is_paid):
    """A saved card that is declined is not paid, and nothing is captured; one that approves is."""
    card = CreditCard.objects.create(number=number, month=12, year=2030, name="Ada")
    CreditCard.objects.filter(pk=card.pk).update(token=dummy.method.build_gateway().tokenize(card))
    card.refresh_from_db()
    info = dummy.create_one_click_payment(order, ADDRESS, card.token)
    assert (info["is_paid"], info["provider"], info["payment_id"] != "") == (is_paid, "dummy", True)
    assert seen(order) == (("complete", "paid", "100.00") if is_paid else ("payment", "", "0.00"))


@case(54)
def test_054_no_type(tell, created):
    """Without a type, or with one that nobody knows, it cannot be parsed."""
    with pytest.raises(ParseNotificationFailed):
        tell(id=created, state="success")
    with pytest.raises(ParseNotificationFailed):
        tell(type="gift", id=created)


@case(55)
def test_055_no_id(tell, created):
    """Without an id it cannot be parsed."""
    with pytest.raises(ParseNotificationFailed, match="“id”"):
        tell(type="payment", state="success")


@case(56)
def test_056_an_unknown_id(tell, created):
    """An id that nobody knows does not exist."""
    with pytest.raises(ParseNotificationFailed, match="does not exist"):
        tell(type="payment", id="pay_unknown", state="success")


@pytest.mark.parametrize("body", ["", "[]", "3", "{", '"payment"', "\xff"])
def test_what_is_no_object_cannot_be_parsed(dummy, rf, body):
    with pytest.raises(ParseNotificationFailed):
        dummy.handle_notification(rf.post("/", body.encode("latin-1"), content_type="application/json"))


@case(58)
@pytest.mark.parametrize("state", ["refund", "", None, ["success"]])
def test_058_a_state_outside_the_list(tell, created, state):
    """A state outside the list is refused with the list."""
    with pytest.raises(RegisterPaymentFailed, match="success, failed"):
        tell(type="payment", id=created, state=state)


@case(59)
def test_059_failed(dummy, order, created, tell, monkeypatch):
    """A failed payment is the failure hook's, with the order; a second or late word of it is nobody's."""
    tell(type="payment", id=created, state="failed")
    assert seen(order) == ("payment", "", "0.00")
    again = dummy.create_payment(order, ADDRESS)["payment_id"]
    tell(type="payment", id=created, state="failed")
    assert [each.state for each in Payment.objects.order_by("id")] == ["failed", "processing"]
    heard = names_of(dummy, monkeypatch, "_do_on_payment_failure")
    tell(type="payment", id=again, state="failed")
    assert heard == [(order,)]


@case(60)
def test_060_success(dummy, order, created, tell, monkeypatch):
    """A success is the success hook's, with the id, the amount as Decimal and the address."""
    heard = names_of(dummy, monkeypatch, "_do_on_payment_success")
    tell(type="payment", id=created, state="success")
    [(told, payment)] = heard
    assert (told, payment["id"], payment["amount"]) == (order, created, Decimal("100.00"))
    assert isinstance(payment["amount"], Decimal)
    assert payment["billing_address"]["name"] == "Sam Iam"


@pytest.mark.parametrize("times", [1, 3])
def test_a_success_completes_the_order_once(order, created, tell, times):
    for _ in range(times):
        tell(type="payment", id=created, state="success")
    tell(type="payment", id=created, state="failed")
    assert seen(order) == ("complete", "paid", "100.00")
    assert Operation.objects.count() == 1


@case(61)
@pytest.mark.parametrize("amount", [None, "", "ten", 1.5, True])
def test_061_a_refund_without_an_amount(order, created, tell, amount):
    """A refund without an amount in whole minor units is refused."""
    tell(type="payment", id=created, state="success")
    with pytest.raises(RefundPaymentFailed, match="amount"):
        tell(type="refund", id=created, amount=amount)


@case(63)
def test_063_a_refund_of_what_was_never_recorded(created, tell):
    """A payment of which no money is recorded has nothing to give back."""
    with pytest.raises(RefundPaymentFailed, match="never recorded"):
        tell(type="refund", id=created, amount=100)


@case(64)
def test_064_a_refund(dummy, order, created, tell, monkeypatch):
    """A refund is the refund hook's: a Decimal, the order's invoice, and a reference of its own."""
    tell(type="payment", id=created, state="success")
    with pytest.raises(RefundPaymentFailed, match="More than"):
        tell(type="refund", id=created, amount=10001)
    heard = names_of(dummy, monkeypatch, "_do_on_refund")
    tell(type="refund", id=created, amount=2500)
    [(amount, invoice, reference)] = heard
    assert (amount, invoice) == (Decimal("25.00"), order.main_invoice)
    assert isinstance(amount, Decimal)
    assert reference.startswith("ref_")


@case(65)
def test_065_two_refunds_in_one_second(order, created, tell):
    """Two refunds in one second are two; the same reference twice is one."""
    tell(type="payment", id=created, state="success")
    with time_machine.travel(timezone.now(), tick=False):
        tell(type="refund", id=created, amount=1000)
        tell(type="refund", id=created, amount="1000")
        tell(type="refund", id=created, amount=500, reference="ref_mine")
        tell(type="refund", id=created, amount=500, reference="ref_mine")
    assert Operation.objects.filter(kind="refund").values("reference").distinct().count() == 3
    assert seen(order) == ("complete", "balance_due", "75.00")


@case(66)
def test_066_aborting_what_is_unknown(dummy, order, created):
    """What is unknown, or of another method, cannot be aborted; nor can what is paid."""
    other = make_method(name="Other")
    for unknown in ("pay_unknown", "", GatewayBackend(other).name):
        with pytest.raises(AbortPaymentFailed, match="does not exist"):
            dummy.abort_payment(unknown)
    with pytest.raises(AbortPaymentFailed):
        GatewayBackend(other).abort_payment(created)
    dummy._do_on_payment_success(order, {"id": created, "amount": "100.00"})
    with pytest.raises(AbortPaymentFailed, match="completed"):
        dummy.abort_payment(created)
    assert seen(order) == ("complete", "paid", "100.00")


@case(68)
@pytest.mark.parametrize("paid_meanwhile", [True, False])
def test_068_a_late_success_of_what_was_aborted(dummy, order, created, tell, paid_meanwhile):
    """A success after all is recorded and flagged; it pays the order that waits, or is owed where that is paid."""
    dummy.abort_payment(created)
    assert seen(order)[0] == "payment"
    if paid_meanwhile:
        order.refresh_from_db()
        order.add_payment(make_method(auto_capture=True), card_recipe.make())
        order.complete()
    tell(type="payment", id=created, state="success")
    owed = ("complete", "credit_owed", "200.00") if paid_meanwhile else ("complete", "paid", "100.00")
    assert seen(order) == owed
    assert "void" in Payment.objects.get(number=created[4:]).review_reason


@case(73)
def test_073_not_in_production(dummy_method, settings, client):
    """In production the dummy refuses to exist, its address is not found, and `check --deploy` says so."""
    settings.PAYMENTS = {**settings.PAYMENTS, "ALLOW_DUMMY": False}
    with pytest.raises(ValueError, match="ALLOW_DUMMY"):
        DummyPaymentBackend(dummy_method)
    with pytest.raises(ValueError, match="ALLOW_DUMMY"):
        get_payment_backend(dummy_method)
    said = {"type": "payment", "id": "pay_1", "state": "success"}
    assert client.post("/api/v1.0/payments/notifications", said).status_code == 404
    settings.PAYMENTS = {**settings.PAYMENTS, "ALLOW_DUMMY": True}
    settings.DEBUG = False
    with pytest.raises(SystemCheckError, match=r"payments\.E004"):
        call_command("check", deploy=True, tags=["payments"])


@pytest.mark.once
def test_production_does_not_allow_the_dummy_by_itself():
    environment = {**os.environ, "DEBUG": "false", "SECRET_KEY": "x" * 60, "DJANGO_SETTINGS_MODULE": "shop.settings"}
    environment.pop("PAYMENTS_ALLOW_DUMMY", None)
    ask = "from django.conf import settings; print(settings.PAYMENTS['ALLOW_DUMMY'])"
    told = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert told.stdout.strip() == "False", told.stderr


def test_it_needs_no_configuration(order):
    backend = DummyPaymentBackend()
    assert (backend.name, backend.method.gateway, backend.method.auto_capture) == ("dummy", "bogus", True)
    assert DummyPaymentBackend().method == backend.method
    info = backend.create_payment(order, None)
    backend._do_on_payment_success(order, {"id": info["payment_id"], "amount": "100.00"})
    assert seen(order) == ("complete", "paid", "100.00")
    assert not PaymentMethod.objects.available_to_users().exists()


def test_an_order_that_is_being_paid_another_way_is_not_begun_again(dummy, order):
    ScriptedGateway.script = {"authorize": waiting()}
    order.add_payment(make_method(), card_recipe.make())
    order.complete()
    with pytest.raises(CreatePaymentFailed, match="under way"):
        dummy.create_payment(order, ADDRESS)


# What the dummy has from every gateway


@pytest.fixture
def provider(settings):
    made = Provider(settings)
    yield made
    made.engine.close()


def test_a_hosted_page_is_created_paid_and_heard_of(provider, rf):
    backend = get_payment_backend(wired_method())
    order = make_order("48.00")
    info = backend.create_payment(order, ADDRESS)
    assert backend.create_payment(order, ADDRESS) == info
    assert (info["provider"], info["url"].startswith("http")) == ("wired", True)
    provider.deaf = True
    provider.pay(Payment.objects.get())
    sent = []
    provider.engine.webhooks.sender = lambda url, headers, body: sent.append((headers, body)) or 200
    provider.deliver_due()
    for headers, body in sent * 2:
        told = rf.post("/", body, content_type="application/json", headers=dict(headers))
        backend.handle_notification(told)
    assert sent
    assert seen(order) == ("complete", "paid", "48.00")
    with pytest.raises(ParseNotificationFailed):
        backend.handle_notification(rf.post("/", b"{}", content_type="application/json"))


def test_a_page_is_aborted_at_the_provider(provider):
    backend = get_payment_backend(wired_method())
    order = make_order("48.00")
    info = backend.create_payment(order, ADDRESS)
    backend.abort_payment(info["payment_id"])
    assert Payment.objects.get().state == "void"
    assert seen(order)[0] == "payment"
    assert backend.create_payment(order, ADDRESS)["payment_id"] != info["payment_id"]


def test_one_click_at_a_provider_waits_for_its_challenge(provider):
    backend = get_payment_backend(wired_method())
    order = make_order("48.00")
    card_recipe.make(token="tok_challenge")
    with pytest.raises(CreatePaymentFailed, match="no such card"):
        backend.create_one_click_payment(order, ADDRESS, "tok_somebody_elses")
    info = backend.create_one_click_payment(order, ADDRESS, "tok_challenge")
    assert (info["is_paid"], bool(info["url"])) == (False, True)
    assert seen(order)[0] == "confirm"


def test_without_a_page_nothing_is_created():
    order = make_order("48.00")
    with pytest.raises(CreatePaymentFailed, match="no page"):
        get_payment_backend(make_method()).create_payment(order, ADDRESS)
    assert not Payment.objects.exists()


def test_what_costs_nothing_is_not_paid(dummy):
    with pytest.raises(CreatePaymentFailed, match="costs nothing"):
        dummy.create_payment(make_order("0"), ADDRESS)
