"""Stolen cards are tried out at checkouts: after so many refusals nobody is asked any more, and staff see why."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.utils import timezone

from payments.models import CreditCard, Operation, PaymentMethod
from shop.checkout.card_testing import fingerprint
from shop.models import PaymentAttempt
from tests.shop.storefront import DECLINED, Customer, bogus, stocked

pytestmark = pytest.mark.django_db

OTHERS = ("4000000000000101", "4000000000009995", "4000000000000127", "4000000000000069")


@pytest.fixture
def product(db, settings):
    settings.CHECKOUT = {
        "DECLINES_PER_CARD": "2/hour;3/day",
        "DECLINES_PER_ORDER": "3/hour",
        "DECLINES_PER_IP": "4/hour",
    }
    bogus()
    return stocked(stock=None)


def customer(product, *, ip="127.0.0.1"):
    made = Customer()
    made.client.defaults["REMOTE_ADDR"] = ip
    return made.ready(product)


def pay(someone, number=DECLINED):
    someone.pay_by("card", number=number)
    return someone.place()


def asked():
    return Operation.objects.count()


def test_a_card_that_is_refused_again_and_again(product):
    for number in range(2):
        assert pay(customer(product, ip=f"203.0.113.{number}")).status_code == 302
    answer = pay(customer(product, ip="203.0.113.9"))
    assert answer.status_code == 429
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert b"This card was declined too often" in answer.content
    assert asked() == 2
    assert PaymentAttempt.objects.latest("id").stopped_by == "card"


def test_one_order_that_goes_through_many_cards(product):
    thief = customer(product)
    for number in OTHERS[:3]:
        assert pay(thief, number).status_code == 302
    answer = pay(thief, OTHERS[3])
    assert answer.status_code == 429
    assert b"Too many payments were declined" in answer.content
    assert asked() == 3
    assert pay(customer(product, ip="203.0.113.5")).status_code == 302  # Others go on.


def test_one_address_with_many_orders(product):
    for number in (*OTHERS, DECLINED):
        answer = pay(customer(product, ip="203.0.113.7"), number)
    assert answer.status_code == 429
    assert PaymentAttempt.objects.latest("id").stopped_by == "ip"
    assert asked() == 4
    assert PaymentAttempt.objects.exclude(stopped_by="").count() == 1


def test_a_network_of_addresses_is_one_address(product):
    for number in range(4):
        pay(customer(product, ip=f"2001:db8:0:7::{number + 1}"), OTHERS[number])
    assert pay(customer(product, ip="2001:db8:0:7:ffff::1")).status_code == 429
    assert pay(customer(product, ip="2001:db8:0:8::1")).status_code == 302


def test_who_is_stopped_keeps_the_order_and_may_pay_another_way(product):
    thief = customer(product)
    for number in OTHERS[:3]:
        pay(thief, number)
    assert pay(thief, "4111111111111111").status_code == 429  # Also one that would be approved.
    PaymentMethod.objects.create(name="By check", code="cheque", gateway="check")
    thief.pay_by("cheque")
    assert thief.place()["Location"].startswith("/order/")
    assert thief.order.state == "complete"


def test_the_window_slides_and_the_day_counts_too(product):
    for number in range(2):
        pay(customer(product, ip=f"203.0.113.{number}"))
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        assert pay(customer(product)).status_code == 302
        answer = pay(customer(product))
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 80_000


def test_approved_payments_count_for_nothing(product):
    for _ in range(5):
        assert pay(customer(product), "4111111111111111").status_code == 302
    assert PaymentAttempt.objects.filter(stopped_by="").count() == 5


def test_a_refusal_that_comes_later_counts(product):
    """Whoever brings it, a notice for instance: what became of an attempt is read from its operations."""
    for number in range(2):
        pay(customer(product, ip=f"203.0.113.{number}"), "4111111111111111")
    Operation.objects.update(state="declined")
    PaymentAttempt.objects.update(fingerprint=fingerprint(CreditCard(number=DECLINED, month=12, year=2034)))
    assert pay(customer(product, ip="203.0.113.9")).status_code == 429


def test_what_is_under_way_counts_until_it_is_known(product):
    for number in range(2):
        pay(customer(product, ip=f"203.0.113.{number}"))
    for attempt in PaymentAttempt.objects.select_related("payment"):
        Operation.objects.filter(payment=attempt.payment).update(state="unknown")
        type(attempt.payment)._base_manager.filter(pk=attempt.payment_id).update(state="processing")
    assert pay(customer(product, ip="203.0.113.9")).status_code == 429
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        assert pay(customer(product, ip="203.0.113.9")).status_code == 302


def test_no_limit_is_no_limit(product, settings):
    settings.CHECKOUT = dict.fromkeys(settings.CHECKOUT, "")
    thief = customer(product)
    for _ in range(5):
        assert pay(thief).status_code == 302


def test_behind_our_proxy_the_address_is_the_one_that_it_saw(product, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    someone = customer(product, ip="10.0.0.1")
    someone.client.defaults["HTTP_X_FORWARDED_FOR"] = (
        "198.51.100.1, 203.0.113.77"  # The first is what it claims itself.
    )
    pay(someone)
    assert PaymentAttempt.objects.get().ip == someone.order.last_ip_address == "203.0.113.77"


def test_a_fingerprint_is_no_number_and_not_the_same_elsewhere(settings):
    card = CreditCard(number="4111111111111111", month=12, year=2034)
    mine = fingerprint(card)
    assert "1111" not in mine
    assert fingerprint(CreditCard(token="tok_1")) != fingerprint(CreditCard(token="tok_2"))
    assert fingerprint(None) == ""
    settings.SECRET_KEY = "another"
    assert fingerprint(card) != mine


# What staff do


@pytest.fixture
def staff(client):
    client.force_login(User.objects.create_superuser("mira"))
    return client


def test_staff_see_the_attempts_and_lift_the_limit(product, staff):
    thief = customer(product)
    for number in OTHERS[:3]:
        pay(thief, number)
    pay(thief, OTHERS[3])
    page = staff.get("/admin/shop/paymentattempt/").content.decode()
    assert page.count("declined") >= 3
    assert "stopped" in page
    assert "•••• 0101" in page
    pks = list(PaymentAttempt.objects.values_list("pk", flat=True))
    answer = staff.post("/admin/shop/paymentattempt/", {"action": "lift", "_selected_action": pks}, follow=True)
    assert b"4 attempts count no longer." in answer.content
    assert PaymentAttempt.objects.filter(lifted_by__username="mira").count() == 4
    assert pay(thief, OTHERS[3])["Location"] == "/checkout/payment/"
    assert asked() == 4


def test_only_whoever_may_lifts_a_limit(product, client):
    from django.contrib.auth.models import Permission

    user = User.objects.create_user("noor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_paymentattempt"))
    client.force_login(user)
    pay(customer(product))
    pk = PaymentAttempt.objects.get().pk
    assert client.get("/admin/shop/paymentattempt/").status_code == 200
    assert client.get(f"/admin/shop/paymentattempt/{pk}/change/").status_code == 200
    client.post("/admin/shop/paymentattempt/", {"action": "lift", "_selected_action": [pk]})
    assert PaymentAttempt.objects.get().lifted_at is None
