"""Search: by number, e-mail, response code and last four, exact or by the beginning, through indexes alone."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User

from orders.models import Order
from payments.admin import search
from payments.models import Payment
from tests.factories import authorized, card_recipe, make_method, make_order, make_payment
from tests.keeping import kept

pytestmark = pytest.mark.django_db

PAYMENTS, ORDERS = "/admin/payments/payment/", "/admin/orders/order/"


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    return client


def found(client, term, address=PAYMENTS):
    response = client.get(address, {"q": term})
    assert response.status_code == 200
    return set(re.findall(r'<th class="field-number"><a [^>]*>([^<]+)</a>', response.content.decode()))


@pytest.fixture(scope="module")
def payments(django_db_setup, django_db_blocker):
    with kept(django_db_blocker, two_payments) as made:
        yield made


def two_payments():
    """Each with all that can be searched, and nothing in common."""
    method = make_method()
    ada = make_order("10.00", email="Ada.Byron@Example.com", number="R100200300")
    bob = make_order("20.00", email="bob@example.com", number="web-77")
    first = make_payment(order=ada, method=method, source=card_recipe.make(last_four="4242"))
    second = make_payment(order=bob, method=method, source=card_recipe.make(last_four="0005"))
    Payment.objects.filter(pk=first.pk).update(number="ABCD2345", response_code="ch_One")
    Payment.objects.filter(pk=second.pk).update(number="WXYZ6789", response_code="4242-x")
    first.refresh_from_db()
    second.refresh_from_db()
    return first, second


FIRST, SECOND = {0}, {1}
NONE: set[int] = set()
TERMS = [
    ("ABCD2345", FIRST),
    ("abcd2345", FIRST),
    ("  ABCD2345\t", FIRST),
    ("ABCD", FIRST),
    ("AB", NONE),  # Too short to be a beginning.
    ("BCD2345", NONE),  # Not the beginning.
    ("ABCD23456", NONE),
    ("R100200300", FIRST),
    ("r1002", FIRST),
    ("web-77", SECOND),
    ("WEB-77", NONE),  # Kept as it was given, in small letters.
    ("ada.byron@example.com", FIRST),
    ("ADA.BYRON@EXAMPLE.COM", FIRST),
    ("Ada.Byron@Example.co", NONE),  # An e-mail is typed in full.
    ("ch_One", FIRST),
    ("ch_one", NONE),  # Providers tell capitals apart.
    ("4242", FIRST),
    ("4242-x", SECOND),
    ("0005", SECOND),
    ("٤٢٤٢", NONE),
    ("nothing", NONE),
    ("%", NONE),
    ("___", NONE),
    ("ABC%", NONE),
    ("*?[A]", NONE),
    ("@", NONE),
    ("'; DROP TABLE orders_order; --", NONE),
    ("x" * 255, NONE),
    ("😀😀😀", NONE),
]


@pytest.mark.parametrize(("term", "expected"), TERMS, ids=str)
def test_payments_are_found(boss, payments, term, expected):
    assert found(boss, term) == {payments[index].number for index in expected}


@pytest.mark.parametrize(("term", "expected"), TERMS, ids=str)
def test_orders_are_found_by_the_same_words(boss, payments, term, expected):
    assert found(boss, term, ORDERS) == {payments[index].order.number for index in expected}


def test_only_spaces_are_no_search(boss, payments):
    assert len(found(boss, "   ")) == 2


def test_a_null_character_is_refused_with_words(boss, payments):
    response = boss.get(PAYMENTS, {"q": "a\x00b"})
    assert response.status_code == 200
    assert "Null characters are not allowed." in response.content.decode()


def test_a_search_goes_together_with_filters_and_views(boss):
    method = make_method()
    pending = authorized("10.00", method=method)
    other = make_payment("10.00", method=method)
    assert found(boss, "ada@example.com") == {pending.number, other.number}
    response = boss.get(PAYMENTS, {"q": "ada@example.com", "view": "to_capture"})
    assert pending.number in response.content.decode()
    assert other.number not in response.content.decode()


def test_all_payments_of_an_order_are_found_by_it(boss):
    method = make_method()
    order = make_order("30.00")
    made = [make_payment("10.00", order=order, method=method) for _ in range(3)]
    assert found(boss, order.number) == {payment.number for payment in made}


def test_a_card_that_is_no_credit_card_source_is_not_taken_for_one(boss, payments):
    """Sources of other kinds have ids of their own, which may be the same."""
    first, _second = payments
    Payment.objects.filter(pk=first.pk).update(source_type="store_credit")
    assert found(boss, "4242") == set()


def test_too_many_hits_are_capped_and_it_is_said(boss, monkeypatch):
    method = make_method()
    orders = [make_order("10.00", email="many@example.com") for _ in range(4)]
    made = [make_payment(order=order, method=method) for order in orders]
    assert "Too much was found" not in boss.get(PAYMENTS, {"q": "many@example.com"}).content.decode()
    monkeypatch.setattr(search, "MOST", 3)
    assert found(boss, "many@example.com") == {payment.number for payment in made[1:]}
    assert "only the newest 3 are shown" in boss.get(PAYMENTS, {"q": "many@example.com"}).content.decode()


def test_the_page_says_what_is_searched(boss):
    for address in (PAYMENTS, ORDERS):
        content = boss.get(address).content.decode()
        for words in ("e-mail", "response code", "last four digits"):
            assert words in content


def test_fields_that_complete_what_is_typed_search_the_same_way(rf, payments):
    first, second = payments
    for model, expected in ((Payment, first), (Order, first.order)):
        model_admin = admin.site._registry[model]
        queryset, duplicates = model_admin.get_search_results(rf.get("/"), model._base_manager.all(), "4242")
        assert (list(queryset), duplicates) == ([expected], False)
    assert second not in queryset
