"""Cards that a provider keeps: kept after the fact, charged with one click, forgotten through an outage.

The provider is the simulator's engine, met over its whole HTTP interface without a socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from orders.creating import create_payment
from payments.actors import Actor
from payments.errors import GatewayError, GatewayUnavailable, PaymentDeclined
from payments.keeping import keep
from payments.models import CreditCard, HostedSource, Payment, PaymentMethod, Reaction, WalletEntry
from payments.simulator.in_process import Transport
from payments.wallet import Wallet, forget
from tests.factories import card_recipe, make_method, make_order, make_payment
from tests.payments.inbox_shop import Provider, card, wired_method
from tests.scripted import ScriptedGateway

pytestmark = pytest.mark.django_db
CARDS = {
    "order.completed": ["payments.keeping.remember_source"],
    "card.forgotten": ["payments.keeping.forget_at_provider"],
}


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.REACTIONS = CARDS
    made = Provider(settings)
    yield made
    made.engine.close()


@pytest.fixture
def method(provider: Provider) -> PaymentMethod:
    return wired_method()


@pytest.fixture
def again(provider: Provider, settings: Any) -> PaymentMethod:
    """A method whose provider gives every card the same name."""
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "answering": Answering}
    return make_method(gateway="answering", name="Answering", auto_capture=True)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """What a commit would set off is set off by `with committed():`."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def bought(method: PaymentMethod, source: Any, user: User | None, total: str = "48.00") -> Any:
    order = make_order(total, user=user)
    payment = order.add_payment(method, source=source)
    order.complete()
    return Payment.objects.get(pk=payment.pk)


def at_the_provider(provider: Provider) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = provider.engine.call("GET", "/v1/cards").json()["data"]
    return found


def reaction(topic: str) -> Reaction:
    found: Reaction = Reaction.objects.get(topic=topic)
    return found


def sweep(topic: str) -> list[bool]:
    """What is due once every pause is over."""
    with time_machine.travel(timezone.now() + timedelta(hours=7), tick=False):
        return [each.deliver() for each in Reaction.objects.due().filter(topic=topic)]


# Keeping


def test_a_card_that_was_asked_to_be_kept_is(provider: Provider, method: PaymentMethod, ada: User, committed: Any):
    source = card()
    CreditCard.objects.filter(pk=source.pk).update(to_keep=True)
    with committed():
        payment = bought(method, CreditCard.objects.get(pk=source.pk), ada)
    [theirs] = at_the_provider(provider)
    source.refresh_from_db()
    entry = Wallet(ada).default
    assert payment.order.payment_state == "paid"
    assert entry is not None
    assert (entry.source, entry.payment_method) == (source, method)
    assert (source.token, source.payment_method, source.user) == (theirs["id"], method, ada)
    assert theirs["customer"] == str(ada.pk)


@pytest.mark.parametrize("whose", ["guest", "not asked", "check"])
def test_nothing_else_is_kept(provider: Provider, method: PaymentMethod, ada: User, committed: Any, whose: str):
    with committed():
        if whose == "guest":
            bought(method, card_recipe.make(token="tok_visa", to_keep=True), None)
        elif whose == "not asked":
            bought(method, card(), ada)
        else:
            bought(PaymentMethod.objects.create(name="Check", gateway="check"), None, ada)
    assert not at_the_provider(provider)
    assert not WalletEntry.objects.exists()
    assert reaction("order.completed").delivered_at


@pytest.mark.parametrize("fault", ["lost_request", "lost_answer", "error_before"])
def test_a_provider_that_does_not_answer_keeps_it_later_and_once(
    provider: Provider, method: PaymentMethod, ada: User, committed: Any, fault: str
):
    provider.fault({"fault": fault, "path": "/v1/cards", "times": 9})
    with committed():
        payment = bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada)
    assert (payment.state, payment.order.state, payment.order.payment_state) == ("completed", "complete", "paid")
    assert not WalletEntry.objects.exists()
    assert "GatewayUnavailable" in reaction("order.completed").last_error
    provider.fault()
    assert sweep("order.completed") == [True]
    assert len(at_the_provider(provider)) == 1
    assert Wallet(ada).default


def test_a_card_that_the_provider_declines_to_keep_is_not_and_the_money_stays(
    provider: Provider, method: PaymentMethod, ada: User
):
    source = card_recipe.make(token="tok_visa", to_keep=True)
    payment = bought(method, source, ada)
    CreditCard.objects.filter(pk=source.pk).update(token="tok_of_nobody")
    assert sweep("order.completed") == [True]
    assert not WalletEntry.objects.exists()
    assert Payment.objects.get(pk=payment.pk).state == "completed"


def test_a_payment_without_an_end_is_waited_for(provider: Provider, method: PaymentMethod, ada: User, committed: Any):
    payment = bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada)
    Payment.objects.filter(pk=payment.pk).update(state="processing")
    with committed():
        Reaction.objects.filter(topic="order.completed").delete()
        Reaction.objects.queue("order.completed", payment.order.number)
    assert "PaymentBusy" in reaction("order.completed").last_error
    Payment.objects.filter(pk=payment.pk).update(state="completed")
    assert sweep("order.completed") == [True]
    assert Wallet(ada).default


def test_a_card_is_not_exchanged_while_a_payment_with_it_may_be_asked_again(
    provider: Provider, method: PaymentMethod, ada: User
):
    payment = bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada)
    provider.fault({"fault": "lost_answer", "kind": "purchase", "times": 9})
    with pytest.raises(GatewayUnavailable):
        bought(method, payment.source, ada)
    with pytest.raises(Exception, match="has no answer yet"):
        keep(payment)
    assert not at_the_provider(provider)
    provider.fault()
    Payment.objects.latest("id").recover()
    assert keep(payment)


def test_a_known_card_never_loses_its_payment(
    provider: Provider, method: PaymentMethod, again: PaymentMethod, ada: User, committed: Any
):
    """Joanie 90, 119: the provider names a card that we have; it is found again, by its owner alone."""
    with committed():
        bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada)
    entry = Wallet(ada).default
    assert entry is not None
    twin = CreditCard.objects.get(pk=entry.source.pk)
    CreditCard.objects.filter(pk=twin.pk).update(payment_method=again, token=Answering.token)
    with committed():
        second = bought(again, card_recipe.make(token="tok_visa", to_keep=True), ada)
    assert second.order.payment_state == "paid"
    assert [each.source for each in Wallet(ada).entries()] == [twin]
    bob = User.objects.create_user("bob")
    with committed():
        third = bought(again, card_recipe.make(token="tok_visa", to_keep=True), bob)
    assert third.order.payment_state == "paid"
    assert not Wallet(bob).entries().exists()
    assert all(Reaction.objects.values_list("delivered_at", flat=True))


class Answering(ScriptedGateway):
    """A provider that gives every card the same name."""

    capabilities = replace(ScriptedGateway.capabilities, saved_sources=True)
    token = "same"

    def store(self, source: Any, options: Any) -> str:
        return self.token

    def forget(self, source: Any) -> None:
        ScriptedGateway.calls.append(("forget", source.token))


def test_a_card_that_was_forgotten_and_is_kept_anew_is_not_forgotten_by_the_old_wish(
    provider: Provider, again: PaymentMethod, ada: User
):
    [entry] = [keep(bought(again, card_recipe.make(token="tok_visa", to_keep=True), ada))]
    assert entry is not None
    forget(entry.source)  # Not delivered yet.
    kept = keep(bought(again, card_recipe.make(token="tok_visa", to_keep=True), ada))
    assert kept is not None
    assert kept.source == entry.source
    assert sweep("card.forgotten") == [True]
    assert not [call for call in ScriptedGateway.calls if call[0] == "forget"]
    forget(kept.source)
    assert sweep("card.forgotten") == [True]
    assert [call for call in ScriptedGateway.calls if call[0] == "forget"] == [("forget", "same")]


# The provider's page


def page_of(payment: Any) -> str:
    waiting: Any = payment.operations.get(state="waiting")
    return str(waiting.next_action["url"])


@pytest.mark.parametrize("agreed", ["yes", ""])
def test_a_card_that_was_typed_at_the_providers_page(
    provider: Provider, method: PaymentMethod, ada: User, committed: Any, agreed: str
):
    order = make_order(user=ada)
    payment = create_payment(order, method, source_attributes={"to_keep": True})
    order.complete()
    url = page_of(payment)
    with committed():
        provider.visit(url, number="4242 4242 4242 4242", expiry="12/40", cvc="123", name="Ada Byron", keep=agreed)
        provider.deliver_due()
    payment.refresh_from_db()
    order.refresh_from_db()
    assert (payment.state, order.state) == ("completed", "complete")
    assert isinstance(payment.source, HostedSource)
    assert reaction("order.completed").delivered_at
    entry = Wallet(ada).default
    if not agreed:
        assert entry is None
        return
    [theirs] = at_the_provider(provider)
    assert entry is not None
    kept = entry.source
    assert (kept.token, kept.brand, kept.last_four, kept.month, kept.year) == (theirs["id"], "visa", "4242", 12, 2040)
    assert (kept.user, kept.payment_method, entry.payment_method) == (ada, method, method)


def test_a_page_offers_to_keep_only_what_was_wished(provider: Provider, method: PaymentMethod, ada: User):
    for user, wish, offered in ((ada, True, True), (ada, False, False), (None, True, False)):
        order = make_order(user=user)
        payment = create_payment(order, method, source_attributes={"to_keep": wish})
        order.complete()
        url = urlsplit(page_of(payment))
        _status, _headers, page = Transport(provider.engine).request("GET", url.path, b"", {})
        assert (b'name="keep"' in page) is offered


# One click


def test_one_click_in_another_process(provider: Provider, method: PaymentMethod, ada: User):
    keep(bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada))
    entry = Wallet(ada).default
    assert entry is not None
    assert entry.payment_method is not None
    order = make_order("20.00", user=ada)
    made = order.add_payment(entry.payment_method, source=entry.source)
    payment = Payment.objects.get(pk=made.pk)  # What another process knows of it.
    payment.purchase()
    assert (payment.state, payment.captured_amount.amount) == ("completed", 20)
    with pytest.raises(PaymentDeclined, match=r"(?i)another customer"):
        bought(method, entry.source, User.objects.create_user("bob"))


def test_one_click_with_bogus(ada: User, committed: Any, settings: Any):
    """Bogus has one token for all cards that approve: each card is an entry of its own."""
    settings.REACTIONS = CARDS
    method = make_method(gateway="bogus", auto_capture=True)
    known = {"month": 12, "year": 2030, "name": "Ada Byron", "verification_value": "123", "to_keep": True}
    with committed():
        for number in ("4111111111111111", "5555555555554444"):
            order = make_order(user=ada)
            create_payment(order, method, source_attributes={"number": number, **known})
            order.complete()
    assert [entry.source.last_four for entry in Wallet(ada).entries()] == ["4444", "1111"]
    for entry in Wallet(ada).entries():
        order = make_order(user=ada)
        payment = create_payment(order, None, wallet_entry=entry, verification_value="123")
        order.complete()
        assert Payment.objects.get(pk=payment.pk).state == "completed"
        forget(entry.source)
        with pytest.raises(GatewayError, match=r"not supported|does not take|cannot"):
            bought(method, CreditCard.objects.get(pk=entry.source.pk), ada)
    assert not Reaction.objects.filter(topic="card.forgotten").exists()


# Forgetting


@pytest.mark.parametrize("fault", ["lost_request", "lost_answer", "error_before"])
def test_forgetting_survives_an_outage(
    provider: Provider, method: PaymentMethod, ada: User, committed: Any, fault: str
):
    entry = keep(bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada))
    assert entry is not None
    provider.fault({"fault": fault, "path": f"/v1/cards/{entry.source.token}", "times": 9})
    with committed():
        forget(entry.source, by=Actor("checkout", ada))
    assert not WalletEntry.objects.exists()
    assert "GatewayUnavailable" in reaction("card.forgotten").last_error
    provider.fault()
    assert sweep("card.forgotten") == [True]
    assert not at_the_provider(provider)
    for known in (entry.source, CreditCard(token=entry.source.token, month=1, year=2030)):
        known.save()
        with pytest.raises(GatewayError):  # Refused here, and by the provider.
            bought(method, known, ada)
    assert sweep("card.forgotten") == []


def test_a_broken_method_keeps_the_wish_to_forget(provider: Provider, method: PaymentMethod, ada: User, committed: Any):
    entry = keep(bought(method, card_recipe.make(token="tok_visa", to_keep=True), ada))
    assert entry is not None
    PaymentMethod.objects.filter(pk=method.pk).update(config={})
    with committed():
        forget(entry.source)
    assert "GatewayError" in reaction("card.forgotten").last_error
    PaymentMethod.objects.filter(pk=method.pk).update(config=method.config)
    assert sweep("card.forgotten") == [True]
    assert not at_the_provider(provider)


def test_who_forgets_a_card_while_it_is_being_kept_has_it_forgotten(
    provider: Provider, again: PaymentMethod, ada: User, committed: Any
):
    payment = bought(again, card_recipe.make(token="tok_visa", to_keep=True), ada)
    stale = Payment.objects.select_related("credit_card").get(pk=payment.pk)
    assert stale.source.to_keep
    with committed():
        forget(CreditCard.objects.get(pk=payment.source_id))
        assert keep(stale) is None  # Its provider has just kept it.
    assert [call for call in ScriptedGateway.calls if call[0] == "forget"] == [("forget", "same")]
    assert not WalletEntry.objects.exists()


# Made from a form


def test_what_is_not_offered_cannot_be_paid_with(ada: User):
    order, card = make_order(user=ada), card_recipe.make(user=ada)
    staff_only = make_method(available_to_users=False)
    entry = Wallet(ada).add(card, staff_only)
    for origin, works in (("checkout", False), ("staff", True)):
        if works:
            assert create_payment(order, None, wallet_entry=entry, by=Actor(origin)).source == card
            continue
        with pytest.raises(ValidationError) as found:
            create_payment(order, None, wallet_entry=entry, by=Actor(origin))
        assert set(found.value.message_dict) == {"method"}
    removed = make_method()
    removed.soft_delete()
    with pytest.raises(ValidationError):
        create_payment(order, removed, source_attributes={"token": "pm_2", "month": 1, "year": 2030})


def test_a_source_and_an_entry_are_not_both_taken_and_something_is(ada: User):
    order, entry = make_order(user=ada), Wallet(ada).add(card_recipe.make())
    with pytest.raises(ValidationError) as found:
        create_payment(order, make_method(), wallet_entry=entry, source_attributes={})
    assert set(found.value.message_dict) == {"wallet_entry"}
    for entry_or_none in (None, entry):
        with pytest.raises(ValidationError) as found:
            create_payment(order, None, wallet_entry=entry_or_none)
        assert set(found.value.message_dict) == {"method"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"expiry": "13/30", "month": None}, "month"),
        ({"year": "2001"}, "year"),
        ({"year": "next"}, "year"),
        ({"name": ["Ada"]}, "name"),
        ({"number": "4111 1111 1111 1112"}, "number"),
        ({"verification_value": ""}, "verification_value"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_kept(changes: dict[str, Any], named: str):
    typed = {"number": "4111111111111111", "verification_value": "123", "name": "Ada", "month": "12", "year": "2030"}
    given = {name: value for name, value in (typed | changes).items() if value is not None}
    with pytest.raises(ValidationError) as found:
        create_payment(make_order(), make_method(gateway="bogus"), source_attributes=given)
    assert named in found.value.message_dict
    assert not CreditCard.objects.exists()


def test_a_method_without_a_source_takes_none_and_a_token_goes_past_the_page(provider: Provider, method: PaymentMethod):
    order = make_order()
    check = PaymentMethod.objects.create(name="Check", gateway="check")
    assert create_payment(order, check).source is None
    with pytest.raises(ValidationError):
        create_payment(order, check, source_attributes={"token": "x"})
    assert isinstance(create_payment(order, method).source, HostedSource)
    token = {"token": "tok_visa", "brand": "Visa", "last_four": "4242", "expiry": "12 / 30"}
    card = create_payment(order, method, source_attributes=token).source
    assert (card.token, card.month, card.year) == ("tok_visa", 12, 2030)


def test_a_payment_that_cannot_be_added_leaves_no_source(provider: Provider, method: PaymentMethod):
    order = make_payment(order=make_order()).order
    order.complete()
    order.cancel()
    before = CreditCard.objects.count()
    with pytest.raises(Exception, match="canceled"):
        create_payment(order, method, source_attributes={"token": "tok_visa", "month": 1, "year": 2030})
    assert CreditCard.objects.count() == before
