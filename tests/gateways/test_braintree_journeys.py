"""Pay, capture a part, refund a part, cancel, one-click: through the storefront's and the back office's own forms, over
the local server. What a browser would get from Braintree's fields, a nonce, is posted as it is."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from payments.errors import GatewayUnavailable
from payments.inbox import receive
from payments.keeping import remember_source
from payments.models import Payment, PaymentMethod, Reaction, RefundReason, WebhookEvent
from payments.wallet import Wallet
from tests.back_office.conftest import errand_page, filled_in, text_of
from tests.providers.braintree_server import MERCHANT, PRIVATE_KEY, PUBLIC_KEY, BraintreeServer
from tests.providers.braintree_server.notices import dispute, sealed, told_of
from tests.shop.storefront import Customer, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.once]
FORM = "application/x-www-form-urlencoded"
RIGHTS = ("view_payment", "capture_payment", "void_payment", "refund_payment", "review_payment")


@pytest.fixture
def server(settings):
    made = BraintreeServer(accounts={"shop_usd": "USD"}).start()
    settings.PAYMENT_SECRETS = {"BRAINTREE_PRIVATE_KEY": PRIVATE_KEY}
    settings.PAYMENT_GATEWAYS = {
        **settings.PAYMENT_GATEWAYS,
        "braintree": "tests.gateways.braintree_bench.QuickBraintree",
    }
    yield made
    made.close()


@pytest.fixture
def method(server):
    return make_method(server)


def make_method(server, **facts):
    config = {
        "merchant_id": MERCHANT,
        "public_key": PUBLIC_KEY,
        "private_key": "BRAINTREE_PRIVATE_KEY",
        "merchant_accounts": "USD=shop_usd",
        "multiple_captures": True,
        "base_url": server.address,
    }
    named = {"name": "Card", "code": "card", "gateway": "braintree", "auto_capture": False, "config": config}
    return PaymentMethod.objects.create(**{**named, **facts})


@pytest.fixture
def clerk(db):
    user = User.objects.create_user("mira", password="secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=RIGHTS))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def product(db):
    return stocked()


def bought(product, *, nonce="fake-valid-nonce--1", user=None, **more):
    """An order of 30 dollars, placed through the pages of checkout."""
    customer = Customer(user)
    customer.take(product, user=user)
    customer.until("payment")
    assert customer.post("payment", method="card", **{"card-token": nonce}, **more).status_code == 302
    return customer


def press(clerk, payment, name, **chosen):
    """Look at what it would do with these choices, and confirm what was shown."""
    page = clerk.get(errand_page(payment, name), chosen)
    assert page.status_code == 200
    return clerk.post(errand_page(payment, name), filled_in(page) | chosen | {"confirm": "1"}, follow=True)


def the_payment(customer) -> Payment:
    found: Payment = customer.order.payments.latest("id")
    return found


def sums(payment):
    payment.refresh_from_db()
    return tuple(
        str(each.amount) for each in (payment.authorized_amount, payment.captured_amount, payment.refunded_amount)
    )


def test_the_page_has_the_fields_and_a_client_token_and_no_card_form(method, product):
    customer = Customer()
    customer.take(product)
    page = customer.until("payment").get("payment").content.decode()
    assert '"authorization": "local-client-token-' in page
    assert 'data-braintree="config-card"' in page
    assert "shop/braintree.js" in page
    assert PRIVATE_KEY not in page and PUBLIC_KEY not in page
    assert 'name="card-number"' not in page
    answer = customer.post("payment", method="card", **{"card-token": ""})
    assert answer.status_code == 400
    assert b"could not be loaded" in answer.content


def test_a_currency_without_a_merchant_account_is_not_offered(method, product):
    method.config = {**method.config, "merchant_accounts": "EUR=shop_eur"}
    method.save()
    customer = Customer()
    customer.take(product)
    assert b"There is no way to pay at the moment" in customer.until("payment").get("payment").content


def test_pay_capture_parts_and_refund_a_part(method, product, clerk, server):
    customer = bought(product)
    assert b"Visa" in customer.get("confirm").content
    assert b"Thank you" in customer.client.get(customer.place()["Location"]).content
    payment = the_payment(customer)
    assert (payment.state, sums(payment), payment.cvv_response_code) == ("pending", ("30.00", "0.00", "0.00"), "M")
    assert payment.avs_response == "Y"

    press(clerk, payment, "capture", amount="10.00", keep_rest="on")
    assert (payment.state, sums(payment)) == ("pending", ("30.00", "10.00", "0.00"))
    press(clerk, payment, "capture", amount="15.00")
    assert sums(payment) == ("30.00", "25.00", "0.00")
    assert payment.state == "completed"

    reason = str(RefundReason.objects.create(name="Damaged").pk)
    said = text_of(press(clerk, payment, "refund", amount="12.00", reason=reason))
    assert "Cannot refund transaction unless it is settled." in said
    server.books.settle()
    press(clerk, payment, "refund", amount="12.00", reason=reason)
    assert sums(payment) == ("30.00", "25.00", "12.00")
    known = list(server.books.transactions.values())
    bodies = [told for each in known if (told := told_of(each, each["updated_at"]))]
    for key, status in (("another", 400), (PRIVATE_KEY, 200), (PRIVATE_KEY, 200)):
        for body in bodies:
            form = sealed(body, public_key=PUBLIC_KEY, private_key=key)
            assert Client().post("/payments/webhooks/card/", form, content_type=FORM).status_code == status
    assert WebhookEvent.objects.count() == len(bodies) == 2
    assert sums(payment) == ("30.00", "25.00", "12.00")  # What Braintree tells is what we know.
    assert not payment.review_reason
    assert payment.operations.count() == 5


def test_a_decline_is_told_and_another_card_pays(method, product):
    customer = bought(product, nonce="local-insufficient-funds-nonce")
    assert customer.place()["Location"].endswith("/payment/")
    assert the_payment(customer).state == "failed"
    assert the_payment(customer).operations.get().error_code == "insufficient_funds"
    customer.post("payment", method="card", **{"card-token": "fake-valid-nonce--2"})
    customer.place()
    assert customer.order.state == "complete"


@pytest.mark.parametrize("settled", [False, True])
def test_cancel_gives_everything_back_by_day_and_after_the_night(server, product, clerk, settled):
    make_method(server, auto_capture=True)
    customer = bought(product)
    customer.place()
    payment = the_payment(customer)
    assert payment.state == "completed"
    if settled:
        server.books.settle()
    press(clerk, payment, "cancel")
    payment.refresh_from_db()
    assert payment.state == ("completed" if settled else "void")
    given_back = payment.captured_amount - payment.refunded_amount
    assert given_back.amount == 0


def test_cancel_reverses_parts_that_are_not_settled(method, product, clerk, server):
    customer = bought(product)
    customer.place()
    payment = the_payment(customer)
    press(clerk, payment, "capture", amount="10.00", keep_rest="on")
    press(clerk, payment, "capture", amount="20.00")
    press(clerk, payment, "cancel")
    assert sums(payment) == ("30.00", "30.00", "30.00")
    statuses = [each["status"] for each in server.books.transactions.values() if each["authorized_transaction_id"]]
    assert statuses == ["voided", "voided"]


def test_one_click_with_the_card_that_was_kept(server, product, settings, django_capture_on_commit_callbacks):
    make_method(server, auto_capture=True)
    ada = User.objects.create_user("ada", "ada@example.com")
    customer = bought(product, user=ada, **{"card-save": "on"})
    customer.place()
    remember_source(Reaction(topic="order.completed", key=customer.order.number))
    [entry] = Wallet(ada).entries()
    kept = entry.source
    assert kept.token.startswith(f"user_{ada.pk}/")
    assert list(server.books.cards) == [kept.token.partition("/")[2]]

    again = Customer(ada)
    again.take(product, user=ada)
    again.until("payment")
    assert again.post("payment", method=f"saved-{entry.pk}").status_code == 302
    again.place()
    assert the_payment(again).state == "completed"
    body = server.requests[-1][2]
    assert f"<payment_method_token>{kept.token.partition('/')[2]}</payment_method_token>".encode() in body


def test_a_dispute_is_seen_in_the_back_office(server, product, clerk):
    make_method(server, auto_capture=True)
    customer = bought(product)
    customer.place()
    payment = the_payment(customer)
    server.books.settle()
    transaction = server.books.transactions[payment.response_code]
    for kind, refunded in (("opened", "0.00"), ("lost", "30.00")):
        xml = dispute(kind, transaction, server.books.now())
        assert receive("card", {}, sealed(xml, public_key=PUBLIC_KEY, private_key=PRIVATE_KEY))
        assert sums(payment) == ("30.00", "30.00", refunded)
        assert payment.review_reason
    assert "isput" in text_of(clerk.get(f"/admin/payments/payment/{payment.pk}/change/"))


def test_the_back_office_offers_what_the_account_may(method, product, clerk, admin_client):
    customer = bought(product)
    customer.place()
    payment = the_payment(customer)
    assert "keep_rest" in clerk.get(errand_page(payment, "capture")).content.decode()
    method.config = {**method.config, "multiple_captures": False}
    method.save()
    assert "keep_rest" not in clerk.get(errand_page(payment, "capture")).content.decode()
    page = text_of(admin_client.get(f"/admin/payments/paymentmethod/{method.pk}/change/"))
    assert "capture in several parts no" in page
    assert "takes only USD" in page


def test_a_reversal_whose_answer_was_lost_is_settled_by_the_sums(method, product, server):
    customer = bought(product)
    customer.place()
    payment = the_payment(customer)
    payment.capture("10.00", final=False)
    payment.capture("20.00")
    server.faults.add("lost_answer", kinds=("refund",))
    with pytest.raises(GatewayUnavailable):
        payment.refund("20.00")
    for state in ("unknown", "succeeded"):  # First it is left to staff, then the provider's sums decide.
        payment.recover()
        assert payment.operations.latest("sequence").state == state
    assert sums(payment) == ("30.00", "30.00", "20.00")
