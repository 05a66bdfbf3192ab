"""Saved cards: Joanie's card cases, of the wallet and of a backend's `delete_credit_card`."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from payments.backends import CreatePaymentFailed, GatewayBackend
from payments.errors import GatewayError, GatewayUnavailable
from payments.models import CreditCard, Reaction, WalletEntry
from payments.wallet import Wallet
from tests.backends.catalogue import case
from tests.backends.conftest import ADDRESS
from tests.factories import card_recipe, make_method, make_order
from tests.scripted import ScriptedGateway

pytestmark = pytest.mark.django_db


@pytest.fixture
def method():
    return make_method()


@pytest.fixture
def sam(method):
    """A wallet with two cards, A the default."""
    wallet = Wallet(User.objects.create_user("sam"))
    for token in ("tok_a", "tok_b"):
        wallet.add(card_recipe.make(token=token, payment_method=method))
    return wallet


def tokens(wallet):
    return [entry.source.token for entry in wallet.entries()]


def card(token):
    return CreditCard.objects.get(token=token)


@case(140)
def test_140_only_own_cards(sam):
    """A wallet shows its owner's cards, the default first."""
    other = Wallet(User.objects.create_user("other"))
    other.add(card_recipe.make(token="tok_c"))
    assert (tokens(sam), tokens(other)) == (["tok_a", "tok_b"], ["tok_c"])


@case(143)
def test_143_foreign_cards(sam, method):
    """Somebody else's card is not found, not preferred, not charged and not taken out."""
    other = Wallet(User.objects.create_user("other"))
    entry = other.add(card_recipe.make(token="tok_c", payment_method=method))
    assert sam.find(entry.pk) is None
    with pytest.raises(PermissionDenied):
        sam.make_default(card("tok_c"))
    with pytest.raises(WalletEntry.DoesNotExist):
        sam.forget(entry)
    order = make_order(user=sam.user)
    with pytest.raises(CreatePaymentFailed, match="no such card"):
        GatewayBackend(method).create_one_click_payment(order, ADDRESS, "tok_c")
    assert not order.payments.exists()


@case(148)
def test_148_another_default(sam):
    """Another default takes the place of the first."""
    sam.make_default(card("tok_b"))
    assert [(entry.source.token, entry.is_default) for entry in sam.entries()] == [("tok_b", True), ("tok_a", False)]


@case(150)
def test_150_deleting(sam, method):
    """Deleted, it is gone from the wallet at once, and its own provider is asked once to forget it."""
    GatewayBackend(method).delete_credit_card(card("tok_b"))
    GatewayBackend(method).delete_credit_card(card("tok_b"))
    assert tokens(sam) == ["tok_a"]
    assert Reaction.objects.filter(topic="card.forgotten").count() == 1
    assert card("tok_b").forgotten_at is not None
    order = make_order(user=sam.user)
    with pytest.raises(CreatePaymentFailed, match="no such card"):
        GatewayBackend(method).create_one_click_payment(order, ADDRESS, "tok_b")


@case(155)
def test_155_deleting_the_default(sam, method):
    """Deleting the default makes the newest of the rest the default."""
    GatewayBackend(method).delete_credit_card(card("tok_a"))
    assert sam.default.source.token == "tok_b"


@case(158)
def test_158_exactly_one_default(sam):
    """However often a default is chosen, there is exactly one."""
    for token in ("tok_b", "tok_a", "tok_b", "tok_b"):
        Wallet(User.objects.get()).make_default(card(token))
    assert WalletEntry.objects.filter(user=sam.user, is_default=True).count() == 1


def test_one_click_that_nobody_knows_the_end_of_is_not_said_to_have_failed(sam, method):
    """An error that says neither yes nor no: whoever takes it for a failure lets the customer pay twice."""
    order = make_order(user=sam.user)
    ScriptedGateway.script = {"*": GatewayError("The provider refused to say.")}
    with pytest.raises(GatewayUnavailable):
        GatewayBackend(method).create_one_click_payment(order, ADDRESS, "tok_a")
    assert order.payments.get().state == "processing"


def test_one_click_charges_the_customers_own_card(sam, method):
    order = make_order(user=sam.user)
    info = GatewayBackend(method).create_one_click_payment(order, ADDRESS, "tok_a")
    assert (info["is_paid"], order.payments.get().source) == (True, card("tok_a"))
