"""Y. The storefront."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from payments.models import CreditCard, Payment, PaymentMethod
from payments.wallet import Wallet
from tests.conformance.cases.catalogue import case
from tests.shop.storefront import CARD, DECLINED, Customer, bogus, stocked

AREA = "Y"


@pytest.fixture
def ada(db: None) -> Customer:
    """A customer at the payment step; the method is `card`, the total $30.00."""
    bogus()
    bogus(code="other", position=2)
    return Customer().ready(stocked())


@pytest.fixture
def account(db: None) -> tuple[Customer, int]:
    """The same with an account and a saved card."""
    method = bogus()
    user = User.objects.create_user("ada", email="ada@example.com")
    card = CreditCard.objects.create(token="BGS-approves", brand="visa", last_four="1111", month=12, year=2040)
    entry = Wallet(user).add(card, method)
    customer = Customer(user)
    customer.take(stocked(), user=user)
    return customer.until("payment"), entry.pk


@case("Y", 365)
def test_y_365_the_payment_step(ada: Customer) -> None:
    """A permitted method makes a payment of the order's total and leads to confirm; any other is not found."""
    ada.pay_by("card")
    payment = Payment.objects.get()
    assert (str(payment.amount.amount), ada.order.state) == ("30.00", "confirm")
    PaymentMethod.objects.create(name="Staff", code="staff", gateway="bogus", available_to_users=False)
    assert ada.pay_by("staff").status_code == 404
    assert Payment.objects.count() == 1


@case("Y", 366)
def test_y_366_the_source_is_gone(ada: Customer) -> None:
    """A source that is deleted before the order is placed makes placing fail, and the page says so."""
    ada.pay_by("card")
    agreed = ada.agreed()
    CreditCard.objects.all().delete()
    assert ada.place(agreed)["Location"] == "/checkout/payment/"
    assert "The payment could not be processed" in ada.get("payment").content.decode()
    assert ada.order.state == "payment"


@case("Y", 368)
def test_y_368_a_bad_number(ada: Customer) -> None:
    """A bad card number leads back to the payment page, mistyped or declined."""
    mistyped = ada.pay_by("card", number="4111111111111112")
    assert (mistyped.status_code, b"How do you want to pay?" in mistyped.content) == (400, True)
    ada.pay_by("card", number=DECLINED)
    assert ada.place()["Location"] == "/checkout/payment/"


@case("Y", 369)
def test_y_369_only_what_was_chosen_is_looked_at(account: tuple[Customer, int]) -> None:
    """The saved card is preselected; another can be entered; of the ways that were not chosen nothing is looked at."""
    ada, entry = account
    page = ada.get("payment").content.decode()
    assert re.findall(r'name="method" value="([^"]+)"[^>]* checked', page) == [f"saved-{entry}"]
    assert 'id="way-card"' in page
    wrong = {"card-number": "nonsense", "card-expiry": "99/99"}
    assert ada.post("payment", method=f"saved-{entry}", **wrong)["Location"] == "/checkout/confirm/"
    new = {f"card-{name}": value for name, value in CARD.items()}
    assert ada.post("payment", method="card", **new)["Location"] == "/checkout/confirm/"
    assert [each.source.pk == entry for each in Payment.objects.order_by("id")].count(False) >= 1


@case("Y", 370)
def test_y_370_a_button_works_once(ada: Customer) -> None:
    """The forms of payment and confirm are marked to be sent once, and the script switches their buttons off."""
    script = (Path(settings.BASE_DIR) / "shop/static/shop/checkout.js").read_text(encoding="utf-8")
    assert "form[data-once]" in script
    assert "button.disabled = true" in script
    ada.pay_by("card")
    for step in ("payment", "confirm"):
        page = ada.get(step).content.decode()
        assert re.search(r"<form method=\"post\"[^>]* data-once>", page)
        assert "shop/checkout.js" in page


NOT_APPLICABLE = {
    367: ("Fully covered by store credit: a notice, no methods, and checkout completes.", "There is no store credit."),
    371: (
        "Form parameters are moved into the attributes of a nested payment.",
        "Each way to pay has its own form; nothing is moved, and `create_payment` refuses what it does not know.",
    ),
}
