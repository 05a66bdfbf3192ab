"""Lists that work at a million rows: pages by key, whose rows are neither lost nor repeated."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from datetime import timedelta
from html import unescape
from itertools import chain

import pytest
from django.utils import timezone

from orders.models import Order
from payments.admin import keyset
from payments.admin.keyset import Sort
from payments.models import Payment
from tests.back_office.listing import PAYMENTS, numbers
from tests.factories import make_method, make_order, make_payment
from tests.keeping import kept

pytestmark = pytest.mark.django_db


def link(response, words):
    """The address behind a link of the pages' navigation; None where there is none."""
    pages = response.content.decode().partition('class="list-pages"')[2].partition("</nav>")[0]
    found = re.search(rf'<a href="([^"]*)"[^>]*>{words}</a>', pages)
    return unescape(found[1]) if found else None


@pytest.fixture
def few_on_a_page(monkeypatch):
    """Pages of four, so that a dozen rows make three of them."""
    from django.contrib import admin

    for model in (Payment, Order):
        monkeypatch.setattr(admin.site._registry[model], "list_per_page", 4)


@pytest.fixture(scope="module")
def payments(django_db_setup, django_db_blocker):
    with kept(django_db_blocker, eleven) as made:
        yield made


def eleven():
    """Eleven payments of one order, created an hour apart in the order of their ids, worth 1 to 11."""
    order, method = make_order("500.00"), make_method()
    made = [make_payment(str(amount), order=order, method=method) for amount in range(1, 12)]
    now = timezone.now()
    for hours, payment in enumerate(made):
        Payment.objects.filter(pk=payment.pk).update(created_at=now - timedelta(hours=20 - hours))
    return made


def walk(client, address, words="Older"):
    """The numbers on every page from `address` on, following one kind of link."""
    seen, pages = [], 0
    while address is not None and pages < 20:
        response = client.get(PAYMENTS + address)
        seen.append(numbers(response))
        address = link(response, words)
        pages += 1
    return seen


def test_every_row_is_on_exactly_one_page(admin_client, few_on_a_page, payments):
    newest_first = [payment.number for payment in reversed(payments)]
    assert walk(admin_client, "") == [newest_first[:4], newest_first[4:8], newest_first[8:]]


def test_the_way_back_shows_the_same_pages_and_the_first_one_full(admin_client, few_on_a_page, payments):
    newest_first = [payment.number for payment in reversed(payments)]
    assert walk(admin_client, "?last=1", "Newer") == [newest_first[7:], newest_first[3:7], newest_first[:4]]


def test_the_first_and_the_last_page_are_linked_where_they_are_not_shown(admin_client, few_on_a_page, payments):
    first = admin_client.get(PAYMENTS)
    assert (link(first, "First"), link(first, "Newer")) == (None, None)
    last = admin_client.get(PAYMENTS + link(first, "Last"))
    assert (link(last, "Older"), link(last, "Last")) == (None, None)
    assert numbers(last)[-1] == payments[0].number
    assert numbers(admin_client.get(PAYMENTS + link(last, "First"))) == numbers(first)


def test_rows_of_the_same_moment_are_neither_lost_nor_repeated(admin_client, few_on_a_page, payments):
    Payment.objects.update(created_at=timezone.now())
    newest_first = [payment.number for payment in reversed(payments)]
    assert [*chain(*walk(admin_client, ""))] == newest_first


def test_a_row_that_arrives_meanwhile_moves_no_page(admin_client, few_on_a_page, payments):
    second = link(admin_client.get(PAYMENTS), "Older")
    before = numbers(admin_client.get(PAYMENTS + second))
    make_payment("1", order=payments[0].order, method=payments[0].payment_method)
    assert numbers(admin_client.get(PAYMENTS + second)) == before


@pytest.mark.parametrize(("sort", "descending"), [("?o=4", False), ("?o=-4", True)])
def test_sorted_by_amount_it_goes_on_page_by_page(admin_client, few_on_a_page, payments, sort, descending):
    by_amount = [payment.number for payment in payments]
    assert [*chain(*walk(admin_client, sort, "Next"))] == (by_amount[::-1] if descending else by_amount)


@pytest.mark.once
@pytest.mark.parametrize("column", ["1", "3", "7", "99", "-", "x", "4.1", "-8.4"])
def test_only_columns_with_an_index_are_sorted_by(admin_client, payments, column):
    allowed = {"4.1": "amount", "-8.4": "-created_at"}
    expected = Payment.objects.order_by(allowed.get(column, "-created_at"))
    response = admin_client.get(PAYMENTS, {"o": column})
    assert numbers(response) == [payment.number for payment in expected]


BROKEN = (
    "x",
    "é",
    "%00",
    "bnVsbA",  # null
    "WyJjcmVhdGVkX2F0Il0",  # ["created_at"]
    *(
        urlsafe_b64encode(text.encode()).decode()
        for text in (
            '["created_at", "2026-01-01", 1]',  # No time zone.
            '["created_at", "0001-01-01T00:00:00+14:00", 1]',
            '["created_at", "2026-01-01T00:00:00+00:00", "1; DROP"]',
            '["created_at", "2026-01-01T00:00:00+00:00", 9223372036854775808]',
            '["created_at", "2026-01-01T00:00:00+00:00", true]',
            '["created_at", 5, 1]',
            '["amount", "5", 1]',  # Of another order.
            "[" * 5000,
        )
    ),
)


@pytest.mark.once
@pytest.mark.parametrize("where", ["after", "before"])
@pytest.mark.parametrize("key", BROKEN)
def test_a_broken_place_is_the_first_page(admin_client, few_on_a_page, payments, where, key):
    response = admin_client.get(PAYMENTS, {where: key})
    assert response.status_code == 200
    assert numbers(response) == [payment.number for payment in payments[:-5:-1]]


@pytest.mark.once
@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e400", "x", "99999999999999999999"])
def test_a_broken_amount_is_the_first_page(admin_client, few_on_a_page, payments, amount):
    key = urlsafe_b64encode(f'["amount", "{amount}", 1]'.encode()).decode()
    response = admin_client.get(PAYMENTS, {"after": key, "o": "4"})
    assert numbers(response) == [payment.number for payment in payments[:4]]


def test_a_place_beyond_the_end_is_the_first_page(admin_client, few_on_a_page, payments):
    oldest = Payment.objects.earliest("created_at")
    response = admin_client.get(PAYMENTS, {"after": Sort("created_at").encode(oldest)})
    assert numbers(response) == numbers(admin_client.get(PAYMENTS))


def test_so_many_are_said_and_counted_no_further(admin_client, few_on_a_page, payments, monkeypatch):
    assert "11 payments" in admin_client.get(PAYMENTS).content.decode()
    monkeypatch.setattr(keyset, "COUNTED", 10)
    assert "more than 10 payments" in admin_client.get(PAYMENTS).content.decode()


def test_filter_view_and_sort_stay_from_page_to_page(admin_client, few_on_a_page, payments):
    address = link(admin_client.get(PAYMENTS + "?currency=USD&o=4&amount_from=3"), "Next")
    assert numbers(admin_client.get(PAYMENTS + address)) == [payment.number for payment in payments[6:10]]


def test_the_hold_that_ends_first_is_shown_first(admin_client, payments, few_on_a_page):
    """Eleven holds that end in the reverse order of their making, one without a known end, one captured."""
    now = timezone.now()
    for days, payment in enumerate(reversed(payments), start=1):
        Payment.objects.filter(pk=payment.pk).update(state="pending", capture_by=now + timedelta(days=days))
    Payment.objects.filter(pk=payments[0].pk).update(capture_by=None)
    Payment.objects.filter(pk=payments[1].pk).update(state="completed")
    expected = [payment.number for payment in reversed(payments[2:])]

    assert list(chain(*walk(admin_client, "?view=ending", "Next"))) == expected

    third = timezone.localtime(now + timedelta(days=3)).date()
    assert numbers(admin_client.get(f"{PAYMENTS}?ends_from={third}&ends_to={third}")) == [expected[2]]
    assert numbers(admin_client.get(PAYMENTS)) != []
    assert "ends_column" not in admin_client.get(PAYMENTS).content.decode()
