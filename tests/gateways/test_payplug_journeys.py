"""Pay, capture, refund a part, cancel, one-click: through the storefront's and the back office's own forms, over the
local server and its page."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from payments.keeping import remember_source
from payments.models import Payment, PaymentMethod, Reaction, RefundReason, WebhookEvent
from payments.wallet import Wallet
from shop.models import ShippingMethod
from tests.back_office.conftest import errand_page, filled_in, text_of
from tests.gateways.payplug_bench import visit
from tests.providers.payplug_server import SECRET_KEY, PayPlugServer
from tests.shop.storefront import Customer, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.once]
RIGHTS = ("view_payment", "capture_payment", "void_payment", "refund_payment", "review_payment")
GOOD, BAD = "4242424242424242", "4000000000009995"


@pytest.fixture
def server(settings):
    made = PayPlugServer().start()
    settings.PAYMENT_SECRETS = {"PAYPLUG_SECRET_KEY": SECRET_KEY}
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": "http://testserver", "UNSIGNED_NOTICES_PER_IP": ""}
    gateway = "tests.gateways.payplug_bench.QuickPayPlug"
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "payplug": gateway}
    yield made
    made.close()


@pytest.fixture
def method(server):
    return make_method(server)


def make_method(server, **facts):
    config = {"secret_key": "PAYPLUG_SECRET_KEY", "base_url": server.address}
    named = {"name": "PayPlug", "code": "payplug", "gateway": "payplug", "auto_capture": False, "config": config}
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
    made = stocked()
    made.prices.create(currency="EUR", amount=Decimal("24.00"))
    ShippingMethod.objects.get().rates.create(currency="EUR", amount=Decimal("6.00"))
    return made


def placed(product, *, user=None, currency="EUR", **more):
    """An order of 30 euros, placed through the pages of checkout: the customer, and where they are sent."""
    customer = Customer(user)
    customer.take(product, user=user, currency=currency)
    customer.until("payment")
    chosen = {"method": "payplug", **more}
    assert customer.post("payment", **chosen).status_code == 302
    return customer, customer.place()["Location"]


def paid(product, *, number=GOOD, **more):
    """The same, and paid on PayPlug's page; the customer comes back."""
    customer, url = placed(product, **more)
    form = {"save": "1"} if "payplug-save" in more else {}
    back = visit(url, number=number, act="pay", **form)[1]
    parts = urlsplit(back)
    return customer, customer.client.get(parts.path + (f"?{parts.query}" if parts.query else ""), follow=True)


def deliver(server):
    """Every notice, as PayPlug sends it."""
    for _, address, body in server.books.told:
        assert Client().post(urlsplit(address).path, body, "application/json").status_code == 200


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


def test_the_payment_page_says_where_the_card_is_entered(method, product):
    customer = Customer()
    customer.take(product, currency="EUR")
    page = customer.until("payment").get("payment").content.decode()
    assert "you are led to PayPlug&#x27;s page" in page or "you are led to PayPlug's page" in page
    assert 'name="payplug-number"' not in page
    assert SECRET_KEY not in page


def test_another_currency_is_not_offered(method, product):
    customer = Customer()
    customer.take(product, currency="USD")
    assert b"There is no way to pay at the moment" in customer.until("payment").get("payment").content


def test_pay_later_capture_and_refund_in_parts(method, product, clerk, server):
    customer, page = paid(product)
    assert "Thank you" in text_of(page)
    payment = the_payment(customer)
    assert (payment.state, sums(payment)) == ("pending", ("30.00", "0.00", "0.00"))
    shown = text_of(clerk.get(errand_page(payment, "capture")))
    assert "takes or gives back all of it, and no part" in shown

    press(clerk, payment, "capture")
    assert (sums(payment), payment.state) == (("30.00", "30.00", "0.00"), "completed")
    reason = str(RefundReason.objects.create(name="Damaged").pk)
    for amount in ("12.00", "5.00"):
        press(clerk, payment, "refund", amount=amount, reason=reason)
    assert sums(payment) == ("30.00", "30.00", "17.00")
    deliver(server)
    assert sums(payment) == ("30.00", "30.00", "17.00")  # What PayPlug tells is what we know.
    assert (payment.review_reason, payment.operations.count(), payment.state) == ("", 4, "completed")
    assert set(WebhookEvent.objects.values_list("verified_by", "state")) == {("fetch", "applied")}


def test_who_never_comes_back_has_paid_all_the_same(server, product):
    make_method(server, auto_capture=True)
    customer, url = placed(product)
    visit(url, number=GOOD, act="pay")
    assert the_payment(customer).state == "processing"
    deliver(server)
    assert (the_payment(customer).state, customer.order.state) == ("completed", "complete")


def test_a_refused_card_is_told_and_another_one_pays(server, product):
    make_method(server, auto_capture=True)
    customer, page = paid(product, number=BAD)
    payment = the_payment(customer)
    assert (payment.state, payment.operations.get().error_code) == ("failed", "insufficient_funds")
    assert "Thank you" not in text_of(page)
    assert customer.post("payment", method="payplug").status_code == 302
    visit(customer.place()["Location"], number=GOOD, act="pay")
    deliver(server)
    assert customer.order.state == "complete"
    assert sums(payment) == ("0.00", "0.00", "0.00")


@pytest.mark.parametrize("auto", [False, True])
def test_cancel_lets_go_or_gives_back(server, product, clerk, auto):
    make_method(server, auto_capture=auto)
    customer, _ = paid(product)
    payment = the_payment(customer)
    press(clerk, payment, "cancel")
    payment.refresh_from_db()
    assert payment.state == ("completed" if auto else "void")
    assert sums(payment) == (("30.00", "30.00", "30.00") if auto else ("30.00", "0.00", "0.00"))
    [there] = server.books.payments.values()
    assert (there["amount_refunded"], bool(there["failure"])) == ((3_000, False) if auto else (0, True))
    deliver(server)
    assert not Payment.objects.get().review_reason


def test_one_click_with_the_card_that_was_kept(server, product):
    make_method(server, auto_capture=True)
    ada = User.objects.create_user("ada", "ada@example.com")
    customer, _ = paid(product, user=ada, **{"payplug-save": "on"})
    remember_source(Reaction(topic="order.completed", key=customer.order.number))
    [entry] = Wallet(ada).entries()
    assert entry.source.token.startswith("card_")

    again = Customer(ada)
    again.take(product, user=ada, currency="EUR")
    again.until("payment")
    assert again.post("payment", method=f"saved-{entry.pk}").status_code == 302
    again.place()
    assert the_payment(again).state == "completed"
    assert len(server.books.payments) == 2


def test_a_plan_without_kept_cards_offers_none(method, product, admin_client):
    method.config = {**method.config, "without_saved_cards": True}
    method.save()
    ada = User.objects.create_user("ada", "ada@example.com")
    customer = Customer(ada)
    customer.take(product, user=ada, currency="EUR")
    assert b"payplug-save" not in customer.until("payment").get("payment").content
    page = text_of(admin_client.get(f"/admin/payments/paymentmethod/{method.pk}/change/"))
    assert "takes only EUR" in page
