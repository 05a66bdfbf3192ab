"""What can be paid with: which methods are offered, what each fragment posts, and cards that were kept."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from payments.errors import GatewayUnavailable
from payments.models import CreditCard, HostedSource, PaymentMethod
from payments.wallet import Wallet
from shop.checkout.fragments import csp_for
from shop.checkout.offers import offers
from tests.scripted import ScriptedGateway
from tests.shop.storefront import Customer, bogus, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def product(db):
    return stocked()


@pytest.fixture
def ada(product):
    customer = Customer()
    return customer.ready(product)


@pytest.fixture
def fields(settings):
    """A gateway whose fragment is a provider's own fields, under the key of one that has a fragment."""
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "simulator": "tests.shop.gateways.Fields"}
    return PaymentMethod.objects.create(name="Card", code="fields", gateway="simulator", auto_capture=True)


def offered(customer):
    return [offer.choice for offer in offers(customer.order, User(pk=0))]


# Which


def test_what_is_offered_and_in_which_order(ada, settings):
    settings.PAYMENT_SECRETS = {"KEY": "sk_test_1"}
    bogus(code="second", position=2)
    bogus(code="first", position=1)
    bogus(code="off", active=False)
    bogus(code="staff", available_to_users=False)
    bogus(code="removed").soft_delete()
    bogus(code="wrong", config={"colour": "red"})
    PaymentMethod.objects.create(name="No key", code="keyless", gateway="simulator", config={"secret_key": "NOT_THERE"})
    PaymentMethod.objects.create(
        name="Page", code="page", gateway="simulator", config={"secret_key": "KEY"}, position=3
    )
    PaymentMethod.objects.create(name="Unknown", code="unknown", gateway="nobody")
    PaymentMethod.objects.create(name="No fragment", code="bare", gateway="scripted")
    assert offered(ada) == ["first", "second", "page"]


def test_a_currency_that_it_does_not_take(ada, settings):
    class Euro(ScriptedGateway):
        capabilities = ScriptedGateway.capabilities.__class__(currencies=frozenset({"EUR"}))
        source_required = False

    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "euro": Euro}
    PaymentMethod.objects.create(name="Euro", code="euro", gateway="euro")
    assert offered(ada) == []
    assert b"There is no way to pay at the moment" in ada.get("payment").content


@pytest.mark.parametrize("method", ["nobody", "staff", "saved-1", "again"])
def test_a_way_that_is_not_offered_is_not_found(ada, method):
    bogus()
    bogus(code="staff", available_to_users=False)
    assert ada.pay_by(method).status_code == 404
    assert not ada.order.payments.exists()


def test_a_way_has_to_be_chosen(ada):
    bogus()
    bogus(code="other")
    answer = ada.post("payment")
    assert answer.status_code == 400
    assert b"Choose how you want to pay." in answer.content


def test_the_only_way_is_chosen_already(ada):
    bogus()
    assert 'value="card" data-opens="way-card" checked' in ada.get("payment").content.decode()


# A provider's own fields


def test_the_fragment_s_script_is_told_what_it_needs_and_nothing_secret(ada, fields):
    page = ada.get("payment").content.decode()
    assert '<script id="config-fields" type="application/json">{"key": "pk_test_1", "amount": 3000' in page
    sources = {"script-src": ("https://js.provider.example",), "frame-src": ("https://js.provider.example",)}
    assert csp_for(ada.order) == sources


def test_each_page_of_checkout_loads_and_leads_only_where_it_must(ada, fields):
    bogus()
    pages = {}
    for step in ("address", "delivery", "payment"):
        pages[step] = ada.get(step)["Content-Security-Policy"]
    ada.pay_by("card")
    pages["confirm"] = ada.get("confirm")["Content-Security-Policy"]
    assert [step for step, policy in pages.items() if "js.provider.example" in policy] == ["payment"]
    assert [step for step, policy in pages.items() if "form-action" not in policy] == ["confirm"]  # On to the provider.
    assert not [policy for policy in pages.values() if "unsafe" in policy]


def test_a_token_takes_the_place_of_the_card(ada, fields):
    assert ada.post("payment", method="fields", **{"fields-token": "tok_1"})["Location"] == "/checkout/confirm/"
    assert "Visa •••• 4242" in ada.get("confirm").content.decode()
    ada.place()
    assert ScriptedGateway.calls == [("purchase", 3000, "tok_1", ScriptedGateway.calls[0][3])]
    assert ada.order.payment_state == "paid"


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("", "The fields of the card were not filled in, or could not be loaded."),
        ("tok_unknown", "no longer known to our payment provider"),
        ("x" * 300, "The fields of the card were not filled in"),
    ],
)
def test_a_token_that_is_none_is_no_payment_and_no_card_form(ada, fields, token, says):
    answer = ada.post("payment", method="fields", **{"fields-token": token, "fields-number": "4111111111111111"})
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert 'autocomplete="cc-number"' not in answer.content.decode()
    assert not ada.order.payments.exists()
    assert not CreditCard.objects.exists()


def test_a_provider_that_cannot_say_what_a_token_is(ada, fields, monkeypatch):
    def silent(*_args):
        raise GatewayUnavailable

    monkeypatch.setattr("tests.shop.gateways.Fields.describe", silent)
    answer = ada.post("payment", method="fields", **{"fields-token": "tok_1"})
    assert b"does not answer. Nothing was charged" in answer.content


def test_a_hosted_page_takes_over_where_no_token_came(ada, fields, monkeypatch):
    """Without script the provider's page is the way; where it has none, the customer is told."""
    capabilities = ScriptedGateway.capabilities.__class__(hosted_page=True)
    monkeypatch.setattr("tests.shop.gateways.Fields.capabilities", capabilities)
    assert ada.post("payment", method="fields")["Location"] == "/checkout/confirm/"
    assert isinstance(ada.order.payments.get().source, HostedSource)


# Kept cards


@pytest.fixture
def account(product):
    user = User.objects.create_user("ada", email="ada@example.com")
    customer = Customer(user)
    customer.take(product, user=user)
    return customer.until("payment")


def kept(user, method, **facts):
    made = {"token": f"BGS-approves-{CreditCard.objects.count()}", "brand": "visa", "last_four": "4242"}
    card = CreditCard.objects.create(**(made | {"month": 12, "year": 2040, "name": "Ada", "user": user} | facts))
    return Wallet(user).add(card, method)


def test_a_saved_card_is_chosen_with_one_click(account):
    method = bogus()
    entry = kept(account.order.user, method)
    page = account.get("payment").content.decode()
    assert "Visa •••• 4242" in page
    assert f'value="saved-{entry.pk}" data-opens="way-saved-{entry.pk}" checked' in page
    account.post("payment", method=f"saved-{entry.pk}")
    account.place()
    payment = account.order.payments.get()
    assert (payment.source, payment.state) == (entry.source, "completed")
    assert CreditCard.objects.count() == 1


def test_only_cards_that_can_pay_here_are_offered(account):
    method, other = bogus(), bogus(code="off", active=False)
    user = account.order.user
    usable = kept(user, method)
    kept(user, method, year=2020)
    kept(user, other)
    kept(User.objects.create_user("grace"), method)
    assert [offer.choice for offer in offers(account.order, user)] == [f"saved-{usable.pk}", "card"]


def test_the_card_of_somebody_else_is_not_found(account):
    theirs = kept(User.objects.create_user("grace"), bogus())
    assert account.post("payment", method=f"saved-{theirs.pk}").status_code == 404
    assert not account.order.payments.exists()


def test_an_account_may_ask_to_keep_a_new_card_and_a_guest_may_not(account, ada):
    bogus()
    assert "card-save" in account.get("payment").content.decode()
    account.pay_by("card", save="on")
    card = account.order.payments.get().source
    assert (card.to_keep, card.user) == (True, account.order.user)
    assert "card-save" not in ada.get("payment").content.decode()
    ada.pay_by("card", save="on")
    assert not ada.order.payments.get().source.to_keep


def test_no_number_and_no_code_is_kept(ada):
    bogus()
    ada.pay_by("card")
    row = CreditCard.objects.values().get()
    assert (row["last_four"], row["token"]) == ("1111", "BGS-approves")
    assert not [value for value in row.values() if value in ("4111111111111111", "123")]
    page = ada.client.post("/checkout/payment/", {"method": "card", "card-number": "4111111111111111"}).content.decode()
    assert "123" not in page.partition('<form method="post" novalidate')[2].partition("csrf")[0]
