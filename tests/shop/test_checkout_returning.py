"""Whoever comes to the checkout a second time, and what was typed there that is not asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.models import Order
from payments.models import PaymentMethod
from shop.accounts.wording import stands
from shop.checkout.address_form import AddressForm
from shop.checkout.regions import code_of
from shop.links import order_url
from shop.mail.wording import payments_in_words
from shop.models import TaxRate
from tests.shop.storefront import ADDRESS, Customer, bogus, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def ada():
    product = stocked()
    bogus()
    return Customer().ready(product)


def placed(ada):
    """The browser has not heard of it: the site went down meanwhile, or the answer was lost."""
    assert ada.pay_by()["Location"] == "/checkout/confirm/"
    ada.order.complete()
    return ada


@pytest.mark.parametrize("address", ["/checkout/", "/checkout/address/", "/checkout/confirm/"])
def test_an_order_that_was_placed_unseen_is_what_its_customer_comes_back_to(ada, address):
    placed(ada)
    page = ada.client.get(address, follow=True)
    assert page.redirect_chain[-1][0] == order_url(ada.order)
    assert "This order has been placed already." in page.content.decode()


def test_it_is_no_news_after_an_hour(ada):
    placed(ada)
    Order.objects.update(completed_at=timezone.now() - timedelta(hours=2))
    assert ada.client.get("/checkout/")["Location"] == "/cart/"


def test_another_browser_is_not_led_to_it(ada):
    placed(ada)
    assert Customer().client.get("/checkout/")["Location"] == "/cart/"


def test_what_was_put_in_since_is_what_is_bought(ada):
    placed(ada)
    ada.client.get(order_url(ada.order))
    ada.client.post("/p/tee/add", {"quantity": "1"})
    assert ada.client.get("/checkout/")["Location"] == "/checkout/address/"


def test_an_order_that_another_tab_has_changed_says_so_and_is_not_placed(ada):
    ada.pay_by()
    agreed = ada.agreed()
    ada.client.post("/p/tee/add", {"quantity": "1"})
    page = ada.client.post("/checkout/confirm/", {"agreed": agreed}, follow=True)
    assert page.redirect_chain[-1][0] == "/checkout/address/"
    assert "Your order has changed meanwhile." in page.content.decode()
    assert [each.state for each in ada.order.payments.all()] == ["invalid"]


def test_the_address_that_is_not_asked_for_is_not_found_wrong(ada):
    wrong = ada.address(**{"shipping-name": "", "billing-city": "Paris"})
    page = wrong.content.decode()
    assert page.count("This field is required.") == 1
    assert 'value="Paris"' in page


def address_with(**said):
    parts = {name.partition("-")[2]: value for name, value in ADDRESS.items()} | said
    return AddressForm({f"shipping-{name}": value for name, value in parts.items()}, section="shipping")


@pytest.mark.parametrize("said", ["NY", "ny", "New York", "  new  york ", "N.Y."])
def test_a_state_is_known_however_it_is_written_and_taxed(ada, said):
    TaxRate.objects.create(country="US", region="NY", rate="0.04", label="New York")
    ada.address(**{"shipping-country": "US", "shipping-zip": "10001", "shipping-state": said})
    assert ada.order.ship_address.state == "NY"
    assert str(ada.order.additional_tax_total.amount) == "0.96"


def test_a_state_that_does_not_exist_is_refused():
    form = address_with(country="US", zip="10001", state="Bavaria")
    assert not form.is_valid()
    assert form.errors == {"state": ["We do not know this state or province. Its short form will do, such as NY."]}


def test_elsewhere_it_is_taken_as_written():
    form = address_with(country="DE", zip="80331", state="Bayern")
    assert form.is_valid(), form.errors
    assert (code_of("CA", "Québec"), code_of("AU", "Victoria"), code_of("MX", "Jalisco")) == ("QC", "VIC", "Jalisco")


def test_who_pays_by_check_reads_where_to_send_it(ada):
    note = "Payable to Everycent, 12 Penny Lane."
    PaymentMethod.objects.create(name="Check", code="check", gateway="check", description=note)
    ada.pay_by("check")
    answer = ada.place()
    assert note in ada.client.get(answer["Location"]).content.decode()
    assert payments_in_words(ada.order) == [f"Check: we are waiting for $30.00. {note}"]


def test_an_account_is_told_of_money_owed_only_where_it_is(ada):
    """The order's payment_state is balance_due in each of these: sums that only staff read that way."""
    PaymentMethod.objects.update(auto_capture=False)
    ada.pay_by()
    ada.place()
    payment = ada.order.payments.get()
    told = [stands(ada.order)]
    payment.capture()
    told.append(stands(ada.order))
    for amount in ("5.00", None):
        payment.refund(amount)
        told.append(stands(ada.order))
    assert told == ["Reserved", "Paid", "Partly given back", "Given back"]


def test_an_account_that_pays_by_check_owes_it(ada):
    PaymentMethod.objects.create(name="Check", code="check", gateway="check")
    ada.pay_by("check")
    ada.place()
    assert stands(ada.order) == "Payment due"
