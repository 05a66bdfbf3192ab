"""A guest finds an order by its number and e-mail address, and nobody finds one by guessing."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from shop import limiting
from shop.links import order_url
from tests.counting import statements

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"


@pytest.fixture
def order(db):
    return Order.objects.create(email="Ada@Example.com", currency="USD", placed_at=timezone.now())


@pytest.fixture
def limits(settings):
    """So many and no more, counted anew for each test."""

    def allow(**said):
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, **said}

    limiting._limiter.cache_clear()
    yield allow
    limiting._limiter.cache_clear()


def look_up(client, number, email, **more):
    return client.post(reverse("find_order"), {"number": number, "email": email}, **more)


def text(answer):
    page = re.sub(r'value="[^"]*"', "", answer.content.decode())
    return re.sub(r"[0-9a-f]{16,}", "", page)


def test_number_and_address_lead_to_the_secret_link(client, order):
    assert look_up(client, f" {order.number.lower()} ", "ADA@example.com")["Location"] == order_url(order)
    assert client.get(order_url(order)).status_code == 200


def test_a_wrong_number_and_a_wrong_address_are_one_answer_at_one_price(client, order):
    answers, costs = [], []
    for number, email in (("R000000000", EMAIL), (order.number, "eve@example.com"), ("R000000000", "eve@example.com")):
        with statements() as ran:
            answers.append(look_up(client, number, email))
        costs.append(len(ran))
    assert [answer.status_code for answer in answers] == [400] * 3
    assert len({text(answer) for answer in answers}) == 1
    assert b"We find no order with this number and this e-mail address" in answers[0].content
    assert costs == [1, 1, 1]


def test_a_cart_and_an_order_without_an_address_are_not_found(client):
    cart = Order.objects.create(email=EMAIL, currency="USD")
    assert look_up(client, cart.number, EMAIL).status_code == 400
    nameless = Order.objects.create(email="", currency="USD", placed_at=timezone.now())
    assert look_up(client, nameless.number, "").status_code == 400
    assert look_up(client, nameless.number, " ").status_code == 400


def test_what_is_no_address_is_said_without_looking(client, order):
    with statements() as ran:
        answer = look_up(client, order.number, "ada")
    assert b"Enter a valid email address" in answer.content
    assert ran == []


def test_after_some_tries_from_one_address_nothing_is_looked_at(client, order, limits):
    limits(LOOK_UPS_PER_IP="3/hour")
    for _ in range(3):
        assert look_up(client, "R000000000", EMAIL).status_code == 400
    stopped = look_up(client, order.number, EMAIL)
    assert stopped.status_code == 429
    assert 0 < int(stopped["Retry-After"]) <= 3600
    assert b"Too many attempts" in stopped.content
    assert look_up(Client(), order.number, EMAIL, REMOTE_ADDR="203.0.113.7").status_code == 302
    assert client.get(reverse("find_order")).status_code == 200  # Looking at the form is no try.


def test_many_addresses_guess_at_one_customer_no_longer_either(client, order, limits):
    limits(LOOK_UPS_PER_EMAIL="2/hour")
    for number in range(2):
        look_up(client, f"R00000000{number}", EMAIL, REMOTE_ADDR=f"203.0.113.{number}")
    assert look_up(client, order.number, EMAIL.upper(), REMOTE_ADDR="203.0.113.9").status_code == 429
    assert look_up(client, "R000000000", "bob@example.com").status_code == 400


@pytest.mark.parametrize(
    ("limit", "name", "said"),
    [
        ("SIGN_UPS_PER_IP", "sign_up", {"email": "x"}),
        ("PASSWORD_RESETS_PER_IP", "password_forgotten", {"email": "x"}),
        ("PASSWORD_RESETS_PER_EMAIL", "password_forgotten", {"email": EMAIL}),
        ("CARDS_PER_USER", "account_card_add", {"method": "card"}),
        ("CARDS_PER_IP", "account_card_add", {"method": "card"}),
    ],
)
def test_everything_that_could_be_used_for_guessing_has_its_limit(client, limits, limit, name, said):
    if name == "account_card_add":
        client.force_login(User.objects.create_user(EMAIL, EMAIL))
    limits(**{limit: "1/hour"})
    assert client.post(reverse(name), said).status_code != 429
    assert client.post(reverse(name), said).status_code == 429


def test_a_limit_counts_a_hash_and_never_the_address(limits):
    limits(LOOK_UPS_PER_EMAIL="5/hour")
    limiting.admit("LOOK_UPS_PER_EMAIL", EMAIL)
    kept = repr(vars(limiting._limiter("memory://").storage))
    assert "LOOK_UPS_PER_EMAIL" in kept
    assert EMAIL not in kept
