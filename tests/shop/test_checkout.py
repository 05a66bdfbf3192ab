"""Checkout by its forms alone: step by step, back again, told of what changed, and charged once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from orders.models import Address, Order
from payments.actors import Actor
from payments.models import Payment, PaymentMethod, Reaction
from shop import cart
from shop.checkout.placing import place
from shop.models import SavedAddress, ShippingMethod
from tests.counting import statements
from tests.shop.storefront import ADDRESS, DECLINED, Customer, bogus, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(db):
    bogus()
    return stocked()


@pytest.fixture
def ada(product):
    customer = Customer()
    customer.take(product)
    return customer


def payments(order):
    return [(each.state, str(each.captured_amount.amount)) for each in order.payments.order_by("id")]


def held(product):
    product.refresh_from_db()
    return 5 - product.stock


# The whole way


def test_a_guest_buys_with_a_card(ada, product):
    assert ada.get("address").status_code == 200
    assert ada.address()["Location"] == "/checkout/delivery/"
    assert b"Post" in ada.get("delivery").content
    assert ada.delivery()["Location"] == "/checkout/payment/"
    assert b"4111 1111 1111 1111" in ada.get("payment").content
    assert ada.pay_by()["Location"] == "/checkout/confirm/"
    assert b"$30.00" in ada.get("confirm").content
    assert ada.order.last_ip_address == "127.0.0.1"
    page = ada.client.get(ada.place()["Location"])
    assert b"Thank you for your order" in page.content
    order = ada.order
    assert (order.state, order.payment_state, str(order.total.amount)) == ("complete", "paid", "30.00")
    assert payments(order) == [("completed", "30.00")]
    assert held(product) == 1
    assert order.payments.get().operations.get().origin == "checkout"
    assert ada.get("address")["Location"].startswith("/order/")  # Placed already.


def test_amounts_come_from_the_shop_and_from_no_form(ada):
    ada.until("payment")
    fields = {
        "method": "card",
        "card-number": "4111111111111111",
        "card-name": "A",
        "card-expiry": "1234",
        "card-code": "123",
    }
    ada.post("payment", **fields, amount="0.01", total="0.01", unit_price="0.01")
    ada.post("confirm", agreed=ada.agreed(), amount="0.01", total="0.01")
    assert payments(ada.order) == [("completed", "30.00")]


def test_whoever_jumps_ahead_is_led_to_the_step_that_is_due(ada):
    for step in ("delivery", "payment", "confirm"):
        assert ada.get(step)["Location"] == "/checkout/address/"
    assert ada.client.get("/checkout/")["Location"] == "/checkout/address/"
    ada.address()
    assert ada.get("confirm")["Location"] == "/checkout/delivery/"
    assert ada.post("payment", method="card")["Location"] == "/checkout/delivery/"
    assert not ada.order.payments.exists()


def test_without_a_cart_there_is_nothing_to_check_out(product):
    customer = Customer()
    for step in ("address", "delivery", "payment", "confirm"):
        assert customer.get(step)["Location"] == "/cart/"
    assert customer.client.get("/checkout/")["Location"] == "/cart/"
    order = customer.take(product)
    order.line_items.all().delete()
    assert customer.get("address")["Location"] == "/cart/"


def test_what_is_missing_is_said_and_what_was_typed_stays(ada):
    answer = ada.address(email="nobody", **{"shipping-zip": "", "shipping-name": "Ada King"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "valid email" in page
    assert "needs a postal code" in page
    assert 'value="Ada King"' in page
    assert ada.order.state == "cart"
    assert not Address.objects.exists()
    assert ada.address(**{"shipping-country": "US"}).status_code == 400  # No state.
    assert ada.address(**{"shipping-country": "XX"}).status_code == 400
    assert ada.address(**{"shipping-country": "HK", "shipping-zip": ""}).status_code == 302


def test_the_bill_may_go_elsewhere(ada):
    billing = {name.replace("shipping", "billing"): value for name, value in ADDRESS.items()}
    ada.address(same="", **billing | {"billing-name": "Babbage & Co"})
    order = ada.order
    assert (order.ship_address.name, order.bill_address.name) == ("Ada Byron", "Babbage & Co")
    ada.address()  # Thought better of it: what nothing names any more is gone.
    assert Address.objects.count() == 1


def test_nothing_to_pay_needs_no_payment(product):
    product.prices.update(amount=0)
    ShippingMethod.objects.get().rates.update(amount=0)
    ada = Customer()
    ada.take(product)
    ada.address()
    assert ada.delivery()["Location"] == "/checkout/confirm/"
    assert b"How do you want to pay" not in ada.get("confirm").content
    assert ada.get("payment")["Location"] == "/checkout/confirm/"
    ada.place()
    assert (ada.order.state, ada.order.payment_state) == ("complete", "paid")


def test_a_check_completes_the_order_and_is_awaited(ada):
    PaymentMethod.objects.create(name="By check", code="cheque", gateway="check")
    ada.until("payment").pay_by("cheque")
    page = ada.client.get(ada.place()["Location"]).content
    assert b"$30.00 awaited" in page
    assert (ada.order.state, ada.order.payment_state) == ("complete", "balance_due")


def test_where_nobody_delivers_the_customer_can_only_change_the_address(ada):
    ShippingMethod.objects.get().rates.update(country="FR")
    ada.address()
    assert b"We do not send there" in ada.get("delivery").content
    assert ada.delivery().status_code == 400
    assert ada.order.state == "delivery"
    ada.address(**{"shipping-country": "FR"})
    assert ada.delivery()["Location"] == "/checkout/payment/"


# Back again


def test_going_back_keeps_what_was_chosen_and_charges_nothing(ada):
    ada.until("confirm")
    assert b"Ada Byron" in ada.get("address").content
    assert ada.order.state == "confirm"  # Looking changes nothing.
    ada.address(**{"shipping-city": "Leeds"})
    assert (ada.order.state, ada.order.ship_address.city) == ("delivery", "Leeds")
    assert 'value="post" checked' in ada.get("delivery").content.decode()
    ada.delivery()
    page = ada.get("payment").content.decode()
    assert "Visa •••• 1111" in page
    assert 'value="again" data-opens="way-again" checked' in page
    ada.post("payment", method="again")
    ada.place()
    assert payments(ada.order) == [("invalid", "0.00"), ("completed", "30.00")]


def test_back_from_the_last_page_to_another_way_to_pay(ada):
    PaymentMethod.objects.create(name="By check", code="cheque", gateway="check")
    ada.until("confirm")
    ada.pay_by("cheque")
    ada.place()
    assert [state for state, _paid in payments(ada.order)] == ["invalid", "checkout"]
    assert ada.order.state == "complete"


# Refused


def test_declined_then_paid_with_another_card(ada, product):
    ada.until("confirm", number=DECLINED)
    assert ada.place()["Location"] == "/checkout/payment/"
    page = ada.get("payment").content.decode()
    assert "This payment did not come about" in page
    assert "Your bank declined the payment and gave no reason." in page
    assert "Forced failure" not in page  # The provider's own words are for staff.
    assert "as you entered it" not in page
    assert held(product) == 0
    assert (ada.order.state, ada.order.payment_state) == ("payment", "")
    ada.pay_by()
    ada.place()
    assert payments(ada.order) == [("failed", "0.00"), ("completed", "30.00")]
    assert held(product) == 1


def test_a_stale_page_after_a_refusal_charges_nothing(ada):
    ada.until("confirm", number=DECLINED)
    agreed = ada.agreed()
    ada.place(agreed)
    assert ada.place(agreed)["Location"] == "/checkout/payment/"
    ada.pay_by()
    assert ada.place(agreed)["Location"] == "/checkout/confirm/"  # Another card than was agreed to.
    assert payments(ada.order) == [("failed", "0.00"), ("checkout", "0.00")]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("number", "4111 1111 1111 1112", "wrong digit"),
        ("number", "४१११", "digits only"),
        ("number", "", "required"),
        ("expiry", "13 / 30", "Give month and year"),
        ("expiry", "01 / 20", "has expired"),
        ("expiry", "12 / 2199", "Give month and year"),
        ("code", "12", "at least 3"),
        ("code", "abc", "three or four digits"),
        ("name", "", "required"),
    ],
)
def test_a_card_that_cannot_be_right_is_refused_before_anything_is_made(ada, field, value, says):
    answer = ada.until("payment").pay_by(**{field: value})
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not ada.order.payments.exists()


# Told, not charged


def test_a_price_that_changed_is_told_and_only_then_charged(ada, product):
    ada.until("confirm")
    agreed = ada.agreed()
    product.prices.update(amount="25.00")
    assert ada.place(agreed)["Location"] == "/checkout/confirm/"
    page = ada.get("confirm").content.decode()
    assert "Tee now costs $25.00; it was $24.00." in page
    assert "$31.00" in page
    assert not ada.order.payments.exclude(captured_amount=0).exists()
    ada.place()
    assert payments(ada.order) == [("invalid", "0.00"), ("completed", "31.00")]


def test_goods_that_are_gone_are_told_and_nothing_is_charged(ada, product):
    ada.until("confirm")
    agreed = ada.agreed()
    type(product).objects.update(stock=0)
    assert ada.place(agreed)["Location"] == "/cart/"
    assert b"Tee is sold out." in ada.client.get("/cart/").content
    assert payments(ada.order) == [("checkout", "0.00")]
    type(product).objects.update(stock=1)
    ada.place(agreed)
    assert payments(ada.order) == [("completed", "30.00")]


def test_a_way_to_deliver_that_is_gone_is_chosen_anew(ada):
    ada.until("confirm")
    agreed = ada.agreed()
    ShippingMethod.objects.update(active=False)
    courier = ShippingMethod.objects.create(name="Courier", code="courier")
    courier.rates.create(currency="USD", amount="9.00")
    assert ada.place(agreed)["Location"] == "/checkout/delivery/"
    assert b"not available for this order any more" in ada.get("delivery").content
    ada.delivery("courier")
    ada.post("payment", method="again")
    ada.place()
    assert payments(ada.order)[-1] == ("completed", "33.00")


def test_another_tab_that_changed_the_cart_is_told(ada, product):
    ada.until("confirm")
    agreed = ada.agreed()
    cart.set_quantity(ada.order, ada.order.line_items.get(), 2)
    assert ada.place(agreed).status_code == 302
    assert not ada.order.payments.exclude(captured_amount=0).exists()
    assert ada.order.state == "cart"


@pytest.mark.parametrize("forged", ["", "x", "another order's"])
def test_what_we_did_not_sign_is_no_agreement(ada, product, forged):
    ada.until("confirm")
    if forged == "another order's":
        other = Customer()
        other.take(product)
        forged = other.until("confirm").agreed()
    assert ada.place(forged)["Location"] == "/checkout/confirm/"
    assert payments(ada.order) == [("checkout", "0.00")]


def test_a_payment_chosen_for_another_total_is_made_to_fit(ada):
    """Who adds an adjustment by hand, as staff do, leaves the payment behind."""
    ada.until("confirm")
    ada.order.add_adjustment("shipping", "0.00", "Gift wrap")
    order = ada.order
    order.payments.update(amount="7.00")
    ada.place(ada.agreed())
    ada.place()
    assert payments(ada.order)[-1] == ("completed", "30.00")


# Once


def test_placed_twice_one_after_the_other(ada):
    ada.until("confirm")
    agreed = ada.agreed()
    first, second = ada.place(agreed), ada.place(agreed)
    assert first["Location"].startswith("/order/")
    assert second["Location"] == first["Location"]
    assert payments(ada.order) == [("completed", "30.00")]
    assert Order.objects.count() == 1
    assert Reaction.objects.filter(topic="order.completed").count() == 1


def test_a_request_that_read_the_order_before_another_placed_it(ada):
    ada.until("confirm")
    agreed, stale = ada.agreed(), ada.order
    ada.place(agreed)
    place(stale, agreed, ip=None, by=Actor("checkout"))
    assert (stale.state, payments(stale)) == ("complete", [("completed", "30.00")])


# Whoever has an account


def test_an_account_finds_its_addresses_again(product):
    user = User.objects.create_user("ada", email="ada@example.com")
    ada = Customer(user)
    ada.take(product, user=user)
    assert 'value="ada@example.com"' in ada.get("address").content.decode()
    ada.until("confirm").place()
    kept = SavedAddress.objects.of(user).get()
    assert kept.address != ada.order.ship_address  # A copy: what changes in one leaves the other alone.
    ada.take(product, user=user)
    page = ada.get("address").content.decode()
    assert f'name="saved" value="{kept.pk}" checked' in page
    answer = ada.client.post("/checkout/address/", {"email": "ada@example.com", "same": "on", "saved": kept.pk})
    assert answer["Location"] == "/checkout/delivery/"
    assert ada.order.ship_address.address1 == "12 Marylebone Rd"
    ada.delivery()
    ada.pay_by()
    ada.place()
    assert SavedAddress.objects.count() == 1


def test_nobody_takes_the_address_of_somebody_else(product, ada):
    grace = User.objects.create_user("grace")
    theirs = SavedAddress.objects.remember(grace, Address.objects.create(name="Grace", country="US"))
    answer = ada.client.post("/checkout/address/", {"email": "a@example.com", "same": "on", "saved": theirs.pk})
    assert answer.status_code == 400
    assert ada.order.ship_address is None


# How much a page costs


def test_no_page_costs_more_than_twelve_statements(product):
    user = User.objects.create_user("ada", email="ada@example.com")
    SavedAddress.objects.remember(user, Address.objects.create(name="Ada", country="GB"))
    ada = Customer(user)
    ada.take(product, user=user)
    ada.until("confirm")
    costs = {}
    for many in (0, 4):
        for number in range(many):
            bogus(code=f"card-{number}")
            ShippingMethod.objects.create(name="More", code=f"more-{number}").rates.create(currency="USD", amount=1)
            ada.order.add_line("Cap", unit_price="1.00", sku=f"CAP-{number}")
            order = ada.order
            order.add_payment(PaymentMethod.objects.get(code="card"), source=Payment.objects.first().source)
        for step in ("address", "delivery", "payment", "confirm"):
            with statements() as ran:
                assert ada.get(step).status_code == 200
            costs.setdefault(step, []).append(len(ran))
    assert all(before == after <= 12 for before, after in costs.values()), costs
