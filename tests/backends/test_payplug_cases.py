"""Joanie's PayPlug cases, through GatewayBackend over the local server: no hook is replaced, nothing is pretended."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from orders.models import Order
from payments.backends import (
    AbortPaymentFailed,
    CreatePaymentFailed,
    GatewayBackend,
    ParseNotificationFailed,
    get_payment_backend,
)
from payments.errors import GatewayUnavailable
from payments.keeping import remember_source
from payments.models import CreditCard, Operation, Payment, PaymentMethod, Reaction, WebhookEvent
from payments.recovery import recover_due
from payments.wallet import Wallet
from tests.backends.catalogue import case
from tests.backends.conftest import ADDRESS, seen
from tests.factories import address_recipe, make_order
from tests.gateways.payplug_bench import CARD_OF, visit
from tests.providers.payplug_server import GOOD, SECRET_KEY, PayPlugServer

pytestmark = pytest.mark.django_db
HOOK = "/payments/webhooks/payplug/"
PAID, REFUSED = "4242424242424242", "4000000000000002"


@pytest.fixture
def server(settings):
    made = PayPlugServer(late_s=0.6).start()
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": "https://shop.example", "UNSIGNED_NOTICES_PER_IP": ""}
    settings.PAYMENT_SECRETS = {"PAYPLUG_SECRET_KEY": SECRET_KEY}
    gateway = "tests.gateways.payplug_bench.QuickPayPlug"
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "payplug": gateway}
    yield made
    made.close()


@pytest.fixture
def method(server):
    config = {"secret_key": "PAYPLUG_SECRET_KEY", "base_url": server.address}
    return PaymentMethod.objects.create(name="PayPlug", gateway="payplug", auto_capture=True, config=config)


@pytest.fixture
def backend(method):
    return get_payment_backend(method)


@pytest.fixture
def sam(db):
    return User.objects.create_user("sam", "sam@example.com")


@pytest.fixture
def order(sam):
    return an_order(sam)


def an_order(user, total="123.45"):
    return make_order(total, currency="EUR", user=user, bill_address=address_recipe.make())


def asked(server):
    return [(method, path.partition("?")[0], json.loads(body or b"null")) for method, path, body in server.requests]


def pay(info, number=PAID, **form):
    visit(info["url"], number=number, act="pay", **form)


def notify(backend, rf, body):
    backend.handle_notification(rf.post(HOOK, body, content_type="application/json"))


def told(server, payment_id):
    return [body for about, _, body in server.books.told if about == payment_id]


def kept(sam, method, token=GOOD):
    card = CreditCard.objects.create(
        token=token, brand="visa", last_four="4242", month=9, year=2031, payment_method=method
    )
    Wallet(sam).add(card)
    return card


@case(74)
def test_074_name(backend):
    """The backend is called "payplug"."""
    assert (type(backend), backend.name) == (GatewayBackend, "payplug")


@case(75, ours="The same ValueError as for every method that is not set up (case 16).")
@pytest.mark.parametrize("config", [{}, {"base_url": "https://api.example.com"}])
def test_075_no_secret_key(config):
    """Without a configuration, or without a secret key in it, there is no backend."""
    method = PaymentMethod.objects.create(name="PayPlug", gateway="payplug", config=config)
    with pytest.raises(ValueError, match="secret_key"):
        get_payment_backend(method)


@case(76)
def test_076_payload(backend, order, server):
    """The payment is created in cents, with the bill, the kind of delivery, our addresses and our names in it."""
    info = backend.create_payment(order, ADDRESS)
    payment = Payment.objects.get()
    [(method, path, said)] = asked(server)
    assert (method, path) == ("POST", "/v1/payments")
    assert (said["amount"], said["currency"], said["notification_url"]) == (
        12_345,
        "EUR",
        f"https://shop.example{HOOK}",
    )
    assert said["billing"] == {
        "first_name": "Sam",
        "last_name": "Iam",
        "email": "ada@example.com",
        "address1": "1 Rue des Œufs",
        "postcode": "69001",
        "city": "Lyon",
        "country": "FR",
    }
    assert (said["shipping"], said["allow_save_card"]) == ({"delivery_type": "DIGITAL_GOODS"}, True)
    assert said["metadata"]["order_id"] == f"{order.number}-{payment.number}"
    assert info == {
        "payment_id": payment.response_code,
        "provider": "payplug",
        "url": f"{server.address}/pay/test/{payment.response_code[4:]}",
    }


@case(78)
def test_078_refused(backend, sam):
    """What PayPlug does not accept is CreatePaymentFailed, with its words."""
    with pytest.raises(CreatePaymentFailed, match="The amount is to be from 99"):
        backend.create_payment(an_order(sam, "0.50"), ADDRESS)
    assert Payment.objects.get().state == "failed"


@case(79, ours="401 and 403 are refusals: surely nothing was done. Silence and 5xx are unknown, and looked up.")
def test_079_unknown(backend, order, server, method):
    """Silence at the creation keeps the attempt unknown, until the clock finds it by the names that it carries."""
    server.faults.add("lost_answer")
    with pytest.raises(GatewayUnavailable):
        backend.create_payment(order, ADDRESS)
    assert Operation.objects.get().state == "unknown"
    list(recover_due(at_once=True))
    payment = Payment.objects.get()
    assert (payment.state, payment.operations.get().state) == ("processing", "waiting")
    assert backend.create_payment(order, ADDRESS)["url"].endswith(payment.response_code[4:])
    assert len(server.books.payments) == 1
    server.may["save"] = False
    with pytest.raises(CreatePaymentFailed, match="not allowed to save cards"):
        backend.create_payment(an_order(order.user), ADDRESS)


@case(80)
def test_080_one_click(backend, order, server, sam, method):
    """A kept card is charged at once, by its owner's click: it is paid."""
    info = backend.create_one_click_payment(order, ADDRESS, kept(sam, method).token)
    [(_, _, said)] = asked(server)
    assert (said["payment_method"], said["initiator"]) == (GOOD, "PAYER")
    assert not said.get("allow_save_card")
    assert info["is_paid"] is True
    assert seen(order) == ("complete", "paid", "123.45")


@case(81)
@pytest.mark.parametrize(("card", "leads_on"), [("page", True), ("card_declined", False)])
def test_081_one_click_is_not_paid(backend, order, server, sam, method, card, leads_on):
    """A kept card whose bank wants to ask leads to the page; one that is declined is not paid."""
    info = backend.create_one_click_payment(order, ADDRESS, kept(sam, method, CARD_OF[card]).token)
    assert (info["is_paid"], bool(info["url"])) == (False, leads_on)
    if leads_on:
        visit(info["url"], act="confirm")
        assert Client().post(HOOK, told(server, info["payment_id"])[-1], "application/json").status_code == 200
        assert seen(order) == ("complete", "paid", "123.45")


def test_a_card_that_payplug_has_forgotten_leads_to_the_page(backend, order, server, sam, method):
    """Joanie falls back to the page where a card is not taken at all; the order is paid there."""
    info = backend.create_one_click_payment(order, ADDRESS, kept(sam, method, "card_gone").token)
    assert "is_paid" not in info
    pay(info)
    assert Client().post(HOOK, told(server, info["payment_id"])[-1], "application/json").status_code == 200
    assert seen(order) == ("complete", "paid", "123.45")
    assert [payment.state for payment in Payment.objects.order_by("id")] == ["failed", "completed"]


@case(83)
def test_083_unknown_resource(backend, order, rf, server):
    """What PayPlug does not know, although it says that it is our payment, cannot be parsed."""
    info = backend.create_payment(order, ADDRESS)
    pay(info)
    forged = json.loads(told(server, info["payment_id"])[-1]) | {"id": "pay_nobodyHasThis"}
    with pytest.raises(ParseNotificationFailed, match="Cannot parse notification"):
        notify(backend, rf, json.dumps(forged))
    assert (WebhookEvent.objects.count(), seen(order)[2]) == (0, "0.00")


@case(84, ours="It is about nothing of ours, and not signed: it is refused before anybody is asked.")
def test_084_an_unknown_order(backend, order, rf, server):
    """A payment with another order's name in it is not taken in."""
    info = backend.create_payment(order, ADDRESS)
    pay(info)
    stranger = server.books.payments[info["payment_id"]] | {"id": "pay_stranger", "metadata": {"order_id": "R9-P9"}}
    before = len(server.requests)
    with pytest.raises(ParseNotificationFailed):
        notify(backend, rf, json.dumps(stranger))
    assert (len(server.requests), WebhookEvent.objects.count()) == (before, 0)


@case(85)
def test_085_failure(backend, order, rf, server):
    """A payment that failed on the page is failed here."""
    info = backend.create_payment(order, ADDRESS)
    pay(info, REFUSED)
    notify(backend, rf, told(server, info["payment_id"])[-1])
    payment = Payment.objects.get()
    assert (payment.state, payment.operations.get().error_code) == ("failed", "card_declined")
    assert seen(order)[2] == "0.00"


@case(86)
def test_086_success(backend, order, rf, server):
    """A payment that was paid on the page pays the order, also when nobody comes back, and however often it is told."""
    info = backend.create_payment(order, ADDRESS)
    pay(info)
    for _ in range(2):
        notify(backend, rf, told(server, info["payment_id"])[-1])
    payment = Payment.objects.get()
    assert (payment.state, payment.captured_amount.amount) == ("completed", Decimal("123.45"))
    assert seen(order) == ("complete", "paid", "123.45")
    assert Order.objects.get().bill_address.city == "Lyon"
    assert [(event.verified_by, event.state) for event in WebhookEvent.objects.all()] == [("fetch", "applied")]


@case(88)
def test_088_a_card_is_saved(backend, order, rf, server, sam):
    """A card that its owner had kept on the page is in the wallet, with PayPlug's token."""
    info = backend.create_payment(order, ADDRESS)
    pay(info, save="1")
    notify(backend, rf, told(server, info["payment_id"])[-1])
    remember_source(Reaction(topic="order.completed", key=order.number))
    [entry] = Wallet(sam).entries()
    card = entry.source
    assert card.token == server.books.payments[info["payment_id"]]["card"]["id"]
    assert (card.brand, card.last_four, card.month, card.year) == ("visa", "4242", 9, 2031)


@case(89)
def test_089_no_card_is_saved_by_one_click(backend, order, server, sam, method):
    """A payment in one click repeats the card's name alone, and keeps nothing."""
    backend.create_one_click_payment(order, ADDRESS, kept(sam, method).token)
    remember_source(Reaction(topic="order.completed", key=order.number))
    assert (CreditCard.objects.count(), Wallet(sam).entries().count()) == (1, 1)


@case(90)
def test_090_a_card_that_is_kept_already(backend, order, rf, server, sam, method):
    """A token that is known is the same card, and the payment is recorded whatever becomes of it."""
    card = kept(sam, method)
    info = backend.create_payment(order, ADDRESS)
    pay(info, save="1")
    server.books.payments[info["payment_id"]]["card"]["id"] = card.token
    notify(backend, rf, told(server, info["payment_id"])[-1])
    remember_source(Reaction(topic="order.completed", key=order.number))
    assert seen(order) == ("complete", "paid", "123.45")
    assert [entry.source.pk for entry in Wallet(sam).entries()] == [card.pk]


@case(91, ours="Like every notice that is about nothing of ours: ParseNotificationFailed, and nobody is asked.")
def test_091_a_refund_of_an_unknown_payment(backend, rf, server):
    """A refund of a payment that we do not have is refused."""
    said = {"object": "refund", "id": "re_1", "payment_id": "pay_1", "amount": 100, "currency": "EUR", "metadata": {}}
    with pytest.raises(ParseNotificationFailed):
        notify(backend, rf, json.dumps(said))
    assert not server.requests


@case(93, ours="There are no instalments: the refund of any order is booked, with nothing mocked.")
def test_093_a_refund_is_booked(backend, order, rf, server):
    """Refunds that were made in PayPlug's portal are booked, each of them once."""
    info = backend.create_payment(order, ADDRESS)
    pay(info)
    notify(backend, rf, told(server, info["payment_id"])[-1])
    books = server.books
    for amount in (2_000, 2_000):
        books.give_back(books.payments[info["payment_id"]], amount, {})
    for body in (*told(server, info["payment_id"])[-2:], told(server, info["payment_id"])[-1]):
        notify(backend, rf, body)
    payment = Payment.objects.get()
    assert (str(payment.refunded_amount.amount), payment.refunds.count()) == ("40.00", 2)


@case(94)
def test_094_abort(backend, order, rf, server):
    """What PayPlug forbids to abort, or does not know, is AbortPaymentFailed with its words; a page can be given up."""
    info = backend.create_payment(order, ADDRESS)
    pay(info)
    with pytest.raises(AbortPaymentFailed, match="cannot be aborted"):
        backend.abort_payment(info["payment_id"])
    notify(backend, rf, told(server, info["payment_id"])[-1])
    assert seen(order) == ("complete", "paid", "123.45")
    with pytest.raises(AbortPaymentFailed, match="cannot be aborted any more"):
        backend.abort_payment(info["payment_id"])
    with pytest.raises(AbortPaymentFailed, match="does not exist"):
        backend.abort_payment("pay_nobody")
    given_up = backend.create_payment(an_order(order.user), ADDRESS)
    backend.abort_payment(given_up["payment_id"])
    assert server.books.payments[given_up["payment_id"]]["failure"]["code"] == "aborted"
    assert Payment.objects.get(response_code=given_up["payment_id"]).state == "void"


@case(95)
def test_095_path_characters(backend, order, server):
    """A name that leads somewhere else is refused, and PayPlug is not asked."""
    info = backend.create_payment(order, ADDRESS)
    said = server.books.payments[info["payment_id"]]
    before = len(server.requests)
    for name in ("pay_1/../../cards/card_1", "pay_1?page=1", "pay_%2e%2e", "../account"):
        body = json.dumps({**said, "id": name, "is_paid": True})
        assert Client().post(HOOK, body, "application/json").status_code == 400
    assert (len(server.requests), WebhookEvent.objects.count()) == (before, 0)


@case(96)
def test_096_the_fetch_times_out(backend, order, server):
    """Where PayPlug does not answer nothing is stored, PayPlug may come again, and we look again soon by ourselves."""
    info = backend.create_payment(order, ADDRESS)
    pay(info)
    server.faults.add("late_answer", kinds=("fetch",))
    Operation.objects.update(next_try_at=None)
    body = told(server, info["payment_id"])[-1]
    assert Client().post(HOOK, body, "application/json").status_code == 503
    assert (WebhookEvent.objects.count(), Payment.objects.get().state) == (0, "processing")
    assert Operation.objects.get().next_try_at <= timezone.now()
    assert Client().post(HOOK, body, "application/json").status_code == 200
    assert seen(order) == ("complete", "paid", "123.45")


def test_a_card_is_deleted_at_payplug_when_its_owner_wants_it(backend, sam, method, server):
    from payments.keeping import forget_at_provider

    card = kept(sam, method)
    backend.delete_credit_card(card)
    assert not Wallet(sam).entries()
    forget_at_provider(Reaction.objects.get(topic="card.forgotten"))
    assert asked(server) == [("DELETE", f"/v1/cards/{GOOD}", None)]
    assert GOOD not in server.books.cards
