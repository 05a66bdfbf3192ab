"""A customer's wallet: one default, own sources only, and what two who change it at once leave behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections

from payments.actors import Actor
from payments.models import CreditCard, HostedSource, Reaction, WalletEntry
from payments.wallet import Wallet, forget
from tests.factories import card_recipe, make_method

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def wallet(ada: User) -> Wallet:
    return Wallet(ada)


def sources(wallet: Wallet) -> list[Any]:
    return [entry.source for entry in wallet.entries()]


def defaults(wallet: Wallet) -> list[Any]:
    return [entry.source for entry in WalletEntry.objects.filter(user=wallet.user, is_default=True)]


def test_the_first_is_the_default_and_the_default_comes_first(wallet: Wallet) -> None:
    first, second, third = (wallet.add(card_recipe.make()) for _ in range(3))
    assert defaults(wallet) == [first.source]
    assert sources(wallet) == [first.source, third.source, second.source]
    assert wallet.make_default(second) == wallet.default == second
    assert defaults(wallet) == [second.source]


def test_removing_the_default_passes_it_on_to_the_newest(wallet: Wallet) -> None:
    first, second, third = (wallet.add(card_recipe.make()) for _ in range(3))
    wallet.remove(second)
    assert wallet.default == first
    wallet.remove(first.source)
    assert wallet.default == third
    wallet.remove(third)
    assert wallet.default is None


def test_after_none_was_preferred_the_next_that_is_added_is(wallet: Wallet) -> None:
    wallet.add(card_recipe.make())
    assert wallet.make_default(None) is None
    assert wallet.default is None
    added = wallet.add(card_recipe.make())
    assert wallet.default == added


def test_a_card_without_an_owner_becomes_theirs_and_a_foreign_one_does_not(wallet: Wallet, ada: User) -> None:
    card = card_recipe.make()
    assert wallet.add(card).source.user == card.user == ada
    with pytest.raises(PermissionDenied):
        Wallet(User.objects.create_user("bob")).add(card)
    assert WalletEntry.objects.get().user == ada


def test_only_what_can_be_charged_again_is_taken(wallet: Wallet) -> None:
    for source in (HostedSource.objects.create(), CreditCard.objects.create(month=1, year=2030)):
        with pytest.raises(ValidationError):
            wallet.add(source)
    with pytest.raises(TypeError):
        wallet.add(object())
    assert not wallet.entries().exists()


def test_the_method_of_an_entry(wallet: Wallet) -> None:
    method = make_method()
    assert wallet.add(card_recipe.make()).payment_method is None
    assert wallet.add(card_recipe.make(), method).payment_method == method
    assert wallet.add(card_recipe.make(payment_method=method)).payment_method == method


def test_others_entries_are_not_found(wallet: Wallet) -> None:
    theirs = Wallet(User.objects.create_user("bob")).add(card_recipe.make())
    for named in (theirs.pk, str(theirs.pk), None, "", "x", "-1", "9" * 30):
        assert wallet.find(named) is None
    for verb in (wallet.remove, wallet.forget):
        with pytest.raises(WalletEntry.DoesNotExist):
            verb(theirs)


def test_a_wallet_belongs_to_an_account() -> None:
    for nobody in (None, AnonymousUser()):
        with pytest.raises(ValueError, match="account"):
            Wallet(nobody)


def test_a_user_who_is_deleted_takes_the_entries_along(wallet: Wallet, ada: User) -> None:
    card = wallet.add(card_recipe.make()).source
    ada.delete()
    assert not WalletEntry.objects.exists()
    card.refresh_from_db()
    assert card.user is None


# Forgetting


def test_a_forgotten_card_is_in_no_wallet_and_comes_into_none(wallet: Wallet, ada: User) -> None:
    card, other = (wallet.add(card_recipe.make()).source for _ in range(2))
    wallet.forget(card, by=Actor("checkout", ada))
    assert (sources(wallet), defaults(wallet)) == ([other], [other])
    card.refresh_from_db()
    assert card.forgotten_at
    assert not card.is_reusable
    with pytest.raises(ValidationError):
        wallet.add(card)
    with pytest.raises(ValidationError):
        wallet.add(CreditCard(pk=card.pk, token="pm_1", month=1, year=2030))  # Read before it was forgotten.


def test_only_what_a_provider_keeps_is_asked_for_and_once(wallet: Wallet, settings: Any) -> None:
    settings.REACTIONS = {"card.forgotten": ["tests.payments.test_wallet.nothing"]}
    forget(card_recipe.make())
    assert not Reaction.objects.exists()
    kept = card_recipe.make(payment_method=make_method())
    forget(kept)
    forget(kept)
    [reaction] = Reaction.objects.all()
    assert reaction.key.partition(":")[0] == str(kept.pk)


def nothing(reaction: Reaction) -> None:
    """A receiver."""


# At once


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Each on a thread and a connection of its own, let loose together: what they returned or raised."""
    gate, answers = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        connection.ensure_connection()
        gate.wait()
        try:
            answers.append(act())
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            answers.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_adds_at_once_leaves_one_default_and_no_card_twice(wallet: Wallet) -> None:
    for _round in range(4):
        cards = [card_recipe.make() for _ in range(3)]
        answers = at_once(*[partial(wallet.add, card) for card in (*cards, *cards)])
        assert not [answer for answer in answers if isinstance(answer, Exception)]
        assert {each.pk for each in sources(wallet)} == {card.pk for card in cards}
        assert len(defaults(wallet)) == 1
        WalletEntry.objects.all().delete()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_prefers_at_once_leaves_one_default(wallet: Wallet) -> None:
    """Joanie 158."""
    entries = [wallet.add(card_recipe.make()) for _ in range(4)]
    for _round in range(4):
        answers = at_once(*[partial(wallet.make_default, entry) for entry in entries])
        assert not [answer for answer in answers if isinstance(answer, Exception)]
        assert len(defaults(wallet)) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_adds_while_it_is_forgotten_leaves_it_in_no_wallet(wallet: Wallet) -> None:
    for owner in (wallet.user, None) * 3:
        card = card_recipe.make(user=owner)
        stays = wallet.add(card_recipe.make())
        at_once(partial(wallet.add, card), partial(forget, CreditCard.objects.get(pk=card.pk)))
        assert (sources(wallet), defaults(wallet)) == ([stays.source], [stays.source])
        WalletEntry.objects.all().delete()
