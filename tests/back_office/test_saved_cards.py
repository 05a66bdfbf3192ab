"""Saved cards for staff: whose wallet, forgetting one, and charging one on the phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from payments.models import CreditCard, Reaction, WalletEntry
from payments.wallet import Wallet
from tests.back_office.conftest import confirm, text_of
from tests.counting import statements
from tests.factories import card_recipe, make_method, make_order, make_payment

pytestmark = pytest.mark.django_db
LIST = "admin:payments_creditcard_changelist"


@pytest.fixture
def wallet():
    return Wallet(User.objects.create_user("ada"))


@pytest.fixture
def keeper(staff):
    return staff("view_creditcard", "forget_creditcard", "view_payment")


def page(card, name="change"):
    return reverse(f"admin:payments_creditcard_{name}", args=[card.pk])


def test_the_list_tells_who_keeps_what_and_costs_the_same_for_many(keeper, wallet):
    for four in ("1111", "2222"):
        wallet.add(card_recipe.make(last_four=four))
    card_recipe.make(last_four="3333", user=wallet.user)
    card_recipe.make(last_four="4444", forgotten_at=timezone.now() - timedelta(days=1))

    def shown(**parameters):
        said = text_of(keeper.get(reverse(LIST), parameters))
        return [four for four in ("1111", "2222", "3333", "4444") if f"•••• {four}" in said]

    assert shown(saved="wallet") == ["1111", "2222"]
    assert shown(saved="forgotten") == ["4444"]
    assert shown(saved="yes") == ["1111", "2222", "3333"]
    said = text_of(keeper.get(reverse(LIST)))
    assert said.index("forgotten") < said.index("saved") < said.index("default")

    def cost():
        with statements() as ran:
            keeper.get(reverse(LIST))
        return len(ran)

    few = cost()
    for _more in range(5):
        wallet.add(card_recipe.make())
    assert cost() == few


def test_a_cards_page_has_the_rest_of_the_wallet_and_what_was_paid(keeper, wallet):
    default = wallet.add(card_recipe.make(last_four="1111")).source
    card = wallet.add(card_recipe.make(last_four="2222", month=1, year=2020)).source
    payment = make_payment(source=card)
    said = text_of(keeper.get(page(card)))
    for words in ("saved", "expired", "•••• 1111 12/2030 default", payment.number, payment.order.number):
        assert words in said
    assert page(default) in keeper.get(page(card)).content.decode()
    assert "Have it forgotten" in said


def test_forgetting_takes_a_look_and_one_click(keeper, wallet, settings):
    settings.REACTIONS = {"card.forgotten": ["payments.keeping.forget_at_provider"]}
    card = wallet.add(card_recipe.make(payment_method=make_method())).source
    other = wallet.add(card_recipe.make())
    waiting = make_payment(source=card)
    look = text_of(keeper.get(page(card, "forget")))
    assert "asked again until it has done so" in look
    assert waiting.number in look
    assert WalletEntry.objects.count() == 2
    answer = keeper.post(page(card, "forget"), follow=True)
    assert "nothing can be paid with it any more" in text_of(answer)
    assert "does not answer yet" in text_of(answer)
    assert "Have it forgotten" not in text_of(answer)
    assert wallet.default == other
    assert LogEntry.objects.get().user == keeper.user
    assert "forgotten already" in text_of(keeper.post(page(card, "forget")))
    assert Reaction.objects.count() == LogEntry.objects.count() == 1


def test_forgetting_takes_the_permission(staff, wallet):
    card = wallet.add(card_recipe.make()).source
    clerk = staff("view_creditcard")
    assert "Have it forgotten" not in text_of(clerk.get(page(card)))
    for verb in (clerk.get, clerk.post):
        assert verb(page(card, "forget")).status_code == 403
    assert wallet.default
    blind = staff("forget_creditcard", name="blind")
    assert blind.post(page(card, "forget")).status_code == 403


def test_staff_charge_the_customers_saved_card(staff, wallet):
    """Solidus W 333: the default is preselected, and an expired or forgotten one is told from it."""
    clerk = staff("view_order", "view_payment", "add_payment")
    make_method(name="First")
    method = make_method(name="Keeps cards")
    wallet.add(card_recipe.make(last_four="1111"), method)
    wallet.make_default(wallet.add(card_recipe.make(last_four="2222", payment_method=method)))
    gone = wallet.add(card_recipe.make(last_four="3333"), method).source
    wallet.forget(gone)
    order = make_order(user=wallet.user)
    answer = confirm(clerk, order, "add_payment")
    payment = order.payments.get()
    assert (payment.source.last_four, payment.payment_method) == ("2222", method)
    assert order.email == "ada@example.com"
    assert "3333" not in text_of(answer)
    confirm(clerk, payment, "process")
    payment.refresh_from_db()
    assert payment.state == "pending"
    assert CreditCard.objects.get(pk=payment.source_id).user == wallet.user
