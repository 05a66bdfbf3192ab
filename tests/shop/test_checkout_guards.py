"""What nobody may bring about at the checkout: another's card, a second charge, an order that was never placed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.views.debug import SafeExceptionReporterFilter
from django_fsm import TransitionNotAllowed

from orders.models import Order
from payments import limiting as notices
from payments.actors import Actor, Origin
from payments.errors import GatewayError, PaymentBusy
from payments.gateways.base import Fact, Outcome
from payments.models import CreditCard, PaymentMethod
from payments.wallet import Wallet
from shop import limiting, stock
from shop.checkout import placing
from shop.checkout.offers import offers
from shop.checkout.visitor import ip_of, network_of
from shop.links import order_url
from shop.models import Product
from tests.scripted import ScriptedGateway, declined, ok, waiting
from tests.shop.storefront import Customer, bogus, stocked

pytestmark = pytest.mark.django_db

WEBHOOK = Actor(Origin.WEBHOOK)


@pytest.fixture
def product(db):
    return stocked()


@pytest.fixture
def numbers(settings):
    """Test numbers, and answers as the test tells."""
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "bogus": "tests.shop.gateways.Numbers"}
    return bogus(auto_capture=False)


@pytest.fixture
def ada(product):
    return Customer().ready(product)


def states(order):
    return [payment.state for payment in order.payments.order_by("id")]


def asked():
    return [call[0] for call in ScriptedGateway.calls]


@pytest.mark.once
@pytest.mark.parametrize("token", ["user_7/abc123", "/abc123", "cus_1/pm_1"])
def test_a_card_that_a_provider_keeps_is_not_named_by_a_browser(ada, settings, token):
    """The tokens of kept cards say whose they are, and may be short: only the wallet may bring one."""
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "simulator": "tests.shop.gateways.Fields"}
    PaymentMethod.objects.create(name="Card", code="fields", gateway="simulator", auto_capture=True)
    answer = ada.post("payment", method="fields", **{"fields-token": token})
    assert answer.status_code == 400
    assert not CreditCard.objects.exists()
    assert not ada.order.payments.exists()


@pytest.mark.once
def test_what_is_typed_is_in_no_report_of_an_error(ada, settings):
    bogus()
    answer = ada.pay_by(number="4000 0000 0000 0003")
    settings.DEBUG = False
    reported = SafeExceptionReporterFilter().get_post_parameters(answer.wsgi_request)
    assert reported
    assert not [value for value in reported.values() if value in ("4000 0000 0000 0003", "123")]


def test_a_card_that_was_forgotten_is_not_offered_as_entered_before(product, numbers):
    user = User.objects.create_user("ada", email="ada@example.com")
    account = Customer(user).ready(product, user=user)
    made = CreditCard.objects.create(token="tok-1", brand="visa", last_four="4242", month=12, year=2040, user=user)
    entry = Wallet(user).add(made, numbers)
    assert account.post("payment", method=f"saved-{entry.pk}").status_code == 302
    agreed = account.agreed()
    Wallet(user).forget(entry)
    assert [offer.choice for offer in offers(account.order, user)] == ["card"]
    account.place(agreed)
    assert asked() == []
    assert [offer.choice for offer in offers(account.order, user)] == ["card"]


def test_money_that_is_held_late_is_not_held_twice(ada, numbers, product):
    """Refused, then approved in a window that was left open, after another card was entered: that one is left alone."""
    ScriptedGateway.script = {"authorize": waiting("GW-1")}
    ada.pay_by()
    ada.place()
    first = ada.order.payments.get()
    first.apply(Fact(kind="authorize", outcome=Outcome.DECLINED, authorization="GW-1", amount_minor=3000), by=WEBHOOK)
    ScriptedGateway.script = {"authorize": ok("GW-2")}
    ada.pay_by()
    ada.pay_by()  # Once more, so that nothing is placed any longer.
    agreed = ada.agreed()
    first.apply(Fact(kind="authorize", outcome=Outcome.APPROVED, authorization="GW-1", amount_minor=3000), by=WEBHOOK)
    assert (ada.order.state, states(ada.order)) == ("confirm", ["pending", "invalid", "checkout"])
    ScriptedGateway.calls.clear()
    ada.place(agreed)
    assert asked() == []
    assert (ada.order.state, states(ada.order)) == ("complete", ["pending", "invalid", "invalid"])
    product.refresh_from_db()
    assert product.stock == 4


def test_an_error_of_which_nobody_knows_what_it_means_is_not_said_to_be_a_failure(ada, numbers):
    ScriptedGateway.script = {"authorize": GatewayError("The provider refused to say.")}
    ada.pay_by()
    assert ada.place()["Location"] == order_url(ada.order)
    page = ada.client.get(order_url(ada.order)).content.decode()
    assert "being confirmed" in page
    assert "nothing was charged" not in page
    assert states(ada.order) == ["processing"]


@pytest.mark.parametrize(("answer", "state"), [(ok("GW-1"), "completed"), (waiting("GW-1"), "processing")])
def test_a_request_that_was_overtaken_undoes_nothing(product, numbers, ada, answer, state):
    """It read what was chosen, and meanwhile another tab has paid with it: then the order costs nothing any more."""
    numbers.auto_capture = True
    numbers.save()
    ScriptedGateway.script = {"purchase": answer}
    ada.pay_by()
    order = ada.order
    chosen = placing.payment_in_checkout(order)
    ada.place()
    with pytest.raises((PaymentBusy, TransitionNotAllowed)):
        placing.fit(order, chosen, by=WEBHOOK)
    assert asked() == ["purchase"]
    assert states(ada.order) == [state]


def test_what_was_chosen_after_a_refusal_is_not_placed_by_a_notice(ada, numbers):
    """A check needs nobody's answer; but it was only chosen, and the word that comes is about the card before it."""
    PaymentMethod.objects.create(name="Check", code="check", gateway="check")
    ScriptedGateway.script = {"authorize": waiting("GW-1", reference="ch-1")}
    ada.pay_by()
    ada.place()
    first = ada.order.payments.get()
    refused = Fact(
        kind="authorize", outcome=Outcome.DECLINED, authorization="GW-1", reference="ch-1", amount_minor=3000
    )
    first.apply(refused, by=WEBHOOK)
    assert (ada.order.state, states(ada.order)) == ("payment", ["failed"])
    ada.post("payment", method="check")
    assert (ada.order.state, states(ada.order)) == ("confirm", ["failed", "checkout"])
    first.apply(Fact(kind="void", outcome=Outcome.APPROVED, authorization="GW-1", reference="v-1"), by=WEBHOOK)
    assert ada.order.state == "confirm"
    assert ada.order.completed_at is None
    ada.place()
    assert ada.order.state == "complete"


def test_a_guest_who_has_signed_in_goes_on_with_the_order_of_the_link(ada, numbers, product):
    ScriptedGateway.script = {"authorize": declined()}
    ada.pay_by()
    ada.place()
    user = User.objects.create_user("ada", email="ada@example.com")
    later = Customer(user)
    own = later.take(product, user=user)
    later.order_pk = ada.order_pk
    assert later.client.post(f"{order_url(ada.order)}another-way/")["Location"] == "/checkout/payment/"
    assert later.get("payment").status_code == 200
    ScriptedGateway.script = {"authorize": ok("GW-2")}
    later.pay_by()
    later.client.get(later.place()["Location"])
    assert later.order.state == "complete"
    assert Order.objects.get(pk=own.pk).basket.active


def test_goods_of_an_order_that_is_being_paid_stay_off_the_shelf(ada, numbers, product):
    """One tab gives up what it was refused, while another has placed the order anew."""
    ScriptedGateway.script = {"authorize": waiting("GW-1")}
    ada.pay_by()
    ada.place()
    stock.release(ada.order)
    product.refresh_from_db()
    assert product.stock == 4


@pytest.mark.parametrize(("ends", "left"), [("given up", 5), ("paid", 4)])
def test_goods_that_were_counted_while_an_order_was_placed_are_not_made_more(ada, numbers, product, ends, left):
    """There was no end of them, so none was taken off the shelf: then none is put back, and what is sold is taken."""
    Product.objects.update(stock=None)
    ScriptedGateway.script = {"authorize": waiting("GW-1"), "void": ok("GW-1")}
    ada.pay_by()
    ada.place()
    Product.objects.update(stock=5)
    if ends == "paid":
        first = ada.order.payments.get()
        paid = Fact(kind="authorize", outcome=Outcome.APPROVED, authorization="GW-1", amount_minor=3000)
        first.apply(paid, by=WEBHOOK)
        stock.commit(ada.order)
    else:
        ada.client.post(f"{order_url(ada.order)}another-way/")
    product.refresh_from_db()
    assert product.stock == left


# Whom the limits count


@pytest.mark.parametrize(
    ("seen", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),  # As a socket for both kinds of address says it.
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),  # Whoever has one has all of its network.
        ("nobody", None),
    ],
)
def test_an_address_counts_as_whoever_has_it(rf, seen, counted):
    assert network_of(ip_of(rf.get("/", REMOTE_ADDR=seen))) == counted


def test_another_address_of_the_same_network_is_no_new_beginning(rf, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "LOOK_UPS_PER_IP": "2/hour"}
    settings.PAYMENTS = {**settings.PAYMENTS, "UNSIGNED_NOTICES_PER_IP": "2/hour"}
    addresses = [rf.get("/", REMOTE_ADDR=f"2001:db8:77:1::{number}") for number in range(1, 4)]
    for request in addresses[:2]:
        limiting.admit("LOOK_UPS_PER_IP", ip_of(request))
        notices.admit("of-a-network", notices.sender_of(request))
    with pytest.raises(limiting.TooMany):
        limiting.admit("LOOK_UPS_PER_IP", ip_of(addresses[2]))
    with pytest.raises(notices.TooManyNotices):
        notices.admit("of-a-network", notices.sender_of(addresses[2]))
