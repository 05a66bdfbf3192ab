"""S. Cards, the wallet, making a payment from a form."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import QueryDict
from django.utils import timezone

from orders.creating import create_payment
from orders.models import Order
from payments.keeping import remember_source
from payments.models import CreditCard, HostedSource, Payment, Reaction, WalletEntry
from payments.wallet import Wallet
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import DATES_ARE_NUMBERS, KEEPING_IS_ASKED_FOR, MADE_AT_ONCE, NONE_IS_EMPTY, TOKENS
from tests.conformance.start import Shop
from tests.factories import card_recipe, make_order

AREA = "S"
Card: Any = CreditCard  # Made with properties, which the type of a model does not know.
Entry: Any = WalletEntry
TYPED = {"number": "4111111111111111", "verification_value": "123", "name": "Ada Byron", "month": 12, "year": 2030}


@pytest.fixture
def ada(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("ada")


@pytest.fixture
def wallet(ada: Any) -> Wallet:
    return Wallet(ada)


def order_of(shop: Shop, user: Any, state: str = "payment") -> Order:
    order = shop.order(state)
    order.user = user
    order.save()
    return order


# Cards


@case("S", 296, TOKENS)
def test_s_296_what_a_new_card_needs(shop: Shop) -> None:
    """A new card needs number, code and name; not with a provider's token, and not when it is saved again."""
    for name in ("number", "verification_value", "name"):
        with pytest.raises(ValidationError) as found:
            Card(**{**TYPED, name: ""}).full_clean()
        assert set(found.value.message_dict) == {name}
    Card(**TYPED).full_clean()
    Card(token="pm_1", month=12, year=2030).full_clean()
    card = Card.objects.create(**TYPED)
    CreditCard.objects.get(pk=card.pk).full_clean()


@case("S", 297)
def test_s_297_never_stored(shop: Shop) -> None:
    """Number and code are never stored."""
    card: Any = CreditCard.objects.get(pk=Card.objects.create(**TYPED).pk)
    assert (card.number, card.verification_value) == ("", "")
    stored = CreditCard.objects.filter(pk=card.pk).values().get()
    assert not any("4111111111111111" in str(value) or str(value) == "123" for value in stored.values())


@case("S", 298, NONE_IS_EMPTY)
def test_s_298_a_number_is_its_digits(shop: Shop) -> None:
    """A number is its digits, however it was typed; what is no text is no number."""
    assert Card(number="  6011-0009-9013-9424  ").number == "6011000990139424"
    for other in (None, 4111, ["4"]):
        assert Card(number=other).number == ""


@case("S", 299)
def test_s_299_a_code_is_text(shop: Shop) -> None:
    """A code is text without blanks."""
    assert Card(verification_value=123).verification_value == "123"
    assert Card(verification_value=" 1 2  3 ").verification_value == "123"


@case("S", 300, DATES_ARE_NUMBERS)
def test_s_300_ways_to_write_an_expiry(shop: Shop) -> None:
    """An expiry is read in all the ways that people write it, as numbers; what is none is no error yet."""
    for written in ("04 / 15", "04 / 2015", "04/15", "04/2015", "042015", "0415"):
        card = Card(expiry=written)
        assert (card.month, card.year, card.expiry) == (4, 2015, "04/2015")
    for written in ("", "12"):
        assert Card(expiry=written).expiry == ""


@case("S", 301)
def test_s_301_what_a_brand_is_called(shop: Shop) -> None:
    """Brands have one name, whoever named them; an unknown one is kept, and none is guessed from the number."""
    named = {"mastercard": "master", "maestro": "master", "amex": "american_express", "dinersclub": "diners_club"}
    for given, ours in named.items():
        assert Card(brand=given).brand == ours
    assert Card(brand="unheard of").brand == "unheard of"
    guessed = {
        "4242424242424242": "visa",
        "5555555555554444": "master",
        "2221000000000009": "master",
        "378282246310005": "american_express",
        "30569309025904": "diners_club",
        "3530111333300000": "jcb",
        "": "",
    }
    for number, brand in guessed.items():
        card = Card(number=number)
        card.brand = ""
        assert card.brand == brand


@case("S", 302)
def test_s_302_names(shop: Shop) -> None:
    """The first word of the name is the first name, the rest the last."""
    card = Card(name="Ludwig van Beethoven")
    assert (card.first_name, card.last_name) == ("Ludwig", "van Beethoven")


# The wallet


@case("S", 303)
def test_s_303_adding_removing_finding(wallet: Wallet) -> None:
    """To add is idempotent; to remove what is absent is DoesNotExist, to find it None."""
    card = card_recipe.make()
    entry = wallet.add(card)
    assert wallet.add(card) == entry == wallet.find(entry.pk)
    assert list(wallet.entries()) == [entry]
    wallet.remove(card)
    with pytest.raises(WalletEntry.DoesNotExist):
        wallet.remove(card)
    assert wallet.find(entry.pk) is None


@case("S", 304)
def test_s_304_the_default(wallet: Wallet, django_user_model: Any) -> None:
    """The default is set, replaced, cleared by None, and unchanged if it was that; a foreign source is refused."""
    first, second = (wallet.add(card_recipe.make()) for _ in range(2))
    wallet.make_default(first.source)
    wallet.make_default(first)
    assert wallet.default == first
    wallet.make_default(second)
    assert wallet.default == second
    assert not WalletEntry.objects.get(pk=first.pk).is_default
    wallet.make_default(None)
    assert not WalletEntry.objects.filter(is_default=True).exists()
    foreign = Wallet(django_user_model.objects.create_user("bob")).add(card_recipe.make())
    for what in (foreign, foreign.source):
        with pytest.raises(PermissionDenied):
            wallet.make_default(what)


@case("S", 305)
def test_s_305_what_a_row_may_be(wallet: Wallet, ada: Any, django_user_model: Any) -> None:
    """A row has a reusable source, once, of its own user; a deleted card takes its row along."""
    with pytest.raises(TypeError):
        Entry(user=ada, source=ada)
    with pytest.raises(ValidationError):
        Entry(user=ada, source=HostedSource.objects.create()).full_clean()
    theirs = card_recipe.make(user=django_user_model.objects.create_user("bob"))
    with pytest.raises(ValidationError):
        Entry(user=ada, source=theirs).full_clean()
    mine = card_recipe.make(user=ada)
    Entry(user=ada, source=mine).full_clean()
    wallet.add(mine)
    with pytest.raises(ValidationError):
        Entry(user=ada, source=mine).full_clean()
    mine.delete()
    assert not wallet.entries().exists()


@case("S", 306, KEEPING_IS_ASKED_FOR)
def test_s_306_after_completion(shop: Shop, wallet: Wallet, ada: Any) -> None:
    """A card that its customer asked to keep is added once and made the default; using it again changes nothing."""
    other = wallet.add(card_recipe.make())
    wished, not_wished = card_recipe.make(to_keep=True), card_recipe.make()
    for card in (not_wished, wished, wished):
        order = make_order(user=ada)
        order.add_payment(shop.method(), source=card)
        order.complete()
        remember_source(Reaction(topic="order.completed", key=order.number))
    assert [entry.source for entry in wallet.entries()] == [wished, other.source]
    wallet.make_default(other)
    remember_source(Reaction(topic="order.completed", key=order.number))
    assert wallet.default == other


# Making a payment


@case("S", 307, MADE_AT_ONCE)
def test_s_307_nothing_filled_in(shop: Shop) -> None:
    """With nothing filled in a payment without a source is made, one of the order's."""
    order = shop.order("payment")
    payment = create_payment(order, shop.method())
    assert list(order.payments.all()) == [payment]
    assert payment.source is None


@case("S", 308, MADE_AT_ONCE)
def test_s_308_a_new_source(shop: Shop, ada: Any) -> None:
    """Attributes make a valid card of the order's user; they stay as they are; wrong ones are named, none saved."""
    order, given, method = order_of(shop, ada), dict(TYPED), shop.bogus()
    payment = create_payment(order, method, source_attributes=given)
    assert (payment.source.user, payment.payment_method, payment.source.last_four) == (ada, method, "1111")
    assert given == TYPED
    cards, payments = CreditCard.objects.count(), Payment.objects.count()
    with pytest.raises(ValidationError) as found:
        create_payment(order, method, source_attributes={**TYPED, "number": "4111", "month": 13, "name": ""})
    assert set(found.value.message_dict) == {"number", "month", "name"}
    assert (CreditCard.objects.count(), Payment.objects.count()) == (cards, payments)


@case("S", 309)
def test_s_309_from_the_wallet(shop: Shop, ada: Any, wallet: Wallet) -> None:
    """An entry gives source and method; the code is set for the call; one payment more is saved."""
    order, method = order_of(shop, ada), shop.method()
    entry = wallet.add(card_recipe.make(), method)
    payment = create_payment(order, shop.bogus(), wallet_entry=entry.pk, verification_value="123")
    assert (payment.source, payment.payment_method, payment.source.verification_value) == (entry.source, method, "123")
    assert Payment.objects.filter(order=order).count() == 1


@case("S", 310)
def test_s_310_not_in_the_wallet(shop: Shop, ada: Any, wallet: Wallet, django_user_model: Any) -> None:
    """Another user's entry, an order without a user, or a card outside the wallet is DoesNotExist."""
    theirs = Wallet(django_user_model.objects.create_user("bob")).add(card_recipe.make())
    mine = wallet.add(card_recipe.make())
    gone = wallet.add(card_recipe.make())
    wallet.remove(gone)
    for order, entry in ((order_of(shop, ada), theirs), (shop.order("payment"), mine), (order_of(shop, ada), gone)):
        for named in (entry, entry.pk, str(entry.pk)):
            with pytest.raises(WalletEntry.DoesNotExist):
                create_payment(order, shop.method(), wallet_entry=named)
    assert not Payment.objects.exists()


@case("S", 311)
def test_s_311_unfiltered_attributes(shop: Shop) -> None:
    """A raw form is refused, and so is a field that is not to be filled in."""
    order = shop.order("payment")
    with pytest.raises(ValidationError):
        create_payment(order, shop.bogus(), source_attributes=QueryDict("number=4111111111111111"))
    for name, value in (("user", 1), ("forgotten_at", timezone.now() + timedelta(days=1)), ("number", "4111")):
        with pytest.raises(ValidationError) as found:
            create_payment(order, shop.method(), source_attributes={"token": "pm_1", name: value})
        assert set(found.value.message_dict) == {name}
    assert not Payment.objects.exists()


@case("S", 312)
def test_s_312_the_browser(shop: Shop) -> None:
    """What a door tells of the customer's browser is on the payment, for the gateway that is called next."""
    payment = create_payment(shop.order("payment"), shop.method(), request_env={"HTTP_USER_AGENT": "Mosaic"})
    assert payment.request_env == {"HTTP_USER_AGENT": "Mosaic"}
    assert payment.gateway_options()["originator"].request_env == {"HTTP_USER_AGENT": "Mosaic"}


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
