"""Filters and saved views of the lists: each leaves what it says, and says what it does not understand."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from payments.models import Payment
from tests.back_office.listing import ORDERS, PAYMENTS, answered, day, numbers
from tests.factories import authorized, make_method, make_order, make_payment, purchased
from tests.keeping import kept

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shop(django_db_setup, django_db_blocker):
    with kept(django_db_blocker, one_of_each_sort) as made:
        yield made


def one_of_each_sort():
    """One payment of each sort, by name."""
    card, check = make_method(name="Card"), make_method(name="Cheque", gateway="check", code="cheque")
    made = {
        "checkout": make_payment("10", method=card),
        "pending": authorized("20", method=card),
        "taken": purchased("30", method=card),
        "refunded": purchased("40", method=card),
        "yen": make_payment(order=make_order("5000", currency="JPY"), method=card),
        "cheque": make_payment("60", method=check, source=None),
    }
    made["refunded"].refund("5.00", reason="Damaged")
    age(made["pending"], days=2)
    age(made["taken"], days=7)
    answered(made["taken"], "purchase", days=7)
    answered(made["refunded"], "refund", days=3)
    Payment.objects.filter(pk=made["yen"].pk).update(review_reason="Twice?")
    return made


def age(payment, *, days):
    Payment.objects.filter(pk=payment.pk).update(created_at=timezone.now() - timedelta(days=days))


ALL = {"checkout", "pending", "taken", "refunded", "yen", "cheque"}
FILTERS = [
    ({}, ALL),
    ({"state": "pending"}, {"pending"}),
    ({"state": "completed"}, {"taken", "refunded"}),
    ({"method": "cheque"}, {"cheque"}),
    ({"currency": "jpy"}, {"yen"}),
    ({"age": "0-1"}, ALL - {"pending", "taken"}),
    ({"age": "1-3"}, {"pending"}),
    ({"age": "1-"}, {"pending", "taken"}),
    ({"age": "6-"}, {"taken"}),
    ({"amount_from": "30"}, {"taken", "refunded", "yen", "cheque"}),
    ({"amount_to": "20"}, {"checkout", "pending"}),
    ({"amount_from": "20", "amount_to": "30"}, {"pending", "taken"}),
    ({"created_from": 2, "created_to": 2}, {"pending"}),
    ({"created_to": 1}, {"pending", "taken"}),
    ({"captured_from": 0}, {"refunded"}),
    ({"captured_from": 7, "captured_to": 7}, {"taken"}),
    ({"captured_to": 0}, {"taken", "refunded"}),
    ({"refunded_from": 3, "refunded_to": 3}, set()),  # Made today, so it was not answered three days ago.
    ({"refunded_from": 3}, {"refunded"}),
    ({"refunded_from": 2}, set()),
    ({"review": "yes"}, {"yen"}),
    ({"review": "no"}, ALL - {"yen"}),
    ({"operation": "unanswered"}, set()),
    ({"view": "to_capture"}, {"pending"}),
    ({"view": "review"}, {"yen"}),
    ({"view": "unknown"}, set()),
    ({"view": "failed_today"}, set()),
    ({"view": "to_capture", "currency": "JPY"}, set()),
    ({"view": "to_capture", "age": "1-3", "currency": "USD"}, {"pending"}),
    ({"state": "completed", "captured_from": 0}, {"refunded"}),
]


@pytest.mark.parametrize(("chosen", "found"), FILTERS, ids=lambda given: str(given) if isinstance(given, dict) else "")
def test_a_filter_leaves_what_it_says(admin_client, shop, chosen, found):
    asked = {name: day(value) if isinstance(value, int) else value for name, value in chosen.items()}
    if asked.get("method") == "cheque":
        asked["method"] = shop["cheque"].payment_method_id
    response = admin_client.get(PAYMENTS, asked)
    names = {payment.number: name for name, payment in shop.items()}
    assert {names[number] for number in numbers(response)} == found


WRONG = [
    ({"state": "paid"}, "paid is not one of the available choices"),
    ({"method": "x"}, "x is not one of the available choices"),
    ({"age": "2-5"}, "2-5 is not one of the available choices"),
    ({"amount_from": "much"}, "Enter a number"),
    ({"amount_from": "NaN"}, "Enter a number"),
    ({"amount_to": "1e400"}, "less than or equal"),
    ({"amount_from": "5", "amount_to": "4"}, "This lies before the beginning."),
    ({"created_from": "2026-13-01"}, "Enter a valid date"),
    ({"created_to": "9999-12-31"}, "less than or equal"),
    ({"captured_from": "0001-01-01"}, "greater than or equal"),
    ({"currency": "QQQ"}, "“QQQ” is no currency code."),
    ({"currency": "\x00"}, "Null characters are not allowed."),
    ({"operation": "lost"}, "lost is not one of the available choices"),
    ({"view": "nonsense"}, "There is no saved view “nonsense”"),
    ({"order__email__startswith": "a"}, "This list has no filter “order__email__startswith”."),
]


@pytest.mark.once
@pytest.mark.parametrize("address", [PAYMENTS, ORDERS])
@pytest.mark.parametrize(("asked", "said"), WRONG, ids=str)
def test_wrong_input_is_answered_with_words(admin_client, shop, address, asked, said):
    if address == ORDERS and {"captured_from", "operation"} & asked.keys():
        said = "This list has no filter"
    response = admin_client.get(address, asked)
    assert response.status_code == 200
    assert said in unescape(response.content.decode())
    if "created" not in str(asked) and "amount_to" not in asked:
        assert len(numbers(response)) == len(shop)


def test_a_day_begins_where_the_reader_is(admin_client, shop, settings):
    """Half past eleven in the evening in New York is the next day in Greenwich."""
    settings.TIME_ZONE = "America/New_York"
    late = datetime(2026, 3, 3, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    Payment.objects.filter(pk=shop["pending"].pk).update(created_at=late)
    for date, found in (("2026-03-03", [shop["pending"].number]), ("2026-03-04", [])):
        assert numbers(admin_client.get(PAYMENTS, {"created_from": date, "created_to": date})) == found


def test_the_tab_of_the_view_in_use_says_so(admin_client, shop):
    response = admin_client.get(PAYMENTS, {"view": "review", "currency": "JPY"})
    tabs = re.findall(r'<a href="([^"]*)"( aria-current="page")?>([^<]*)</a></li>', response.content.decode())
    assert [label for _href, current, label in tabs if current] == ["Needs review"]
    assert [unescape(href) for href, _current, label in tabs if label == "To capture"] == [
        "?currency=JPY&view=to_capture"
    ]


def test_as_a_window_to_choose_one_row_it_stays_that(admin_client, shop):
    content = admin_client.get(PAYMENTS, {"_popup": "1", "_to_field": "id", "view": "review"}).content.decode()
    assert '<input type="hidden" name="_popup" value="1">' in content
    assert 'data-popup-opener="' in content
    assert "selected…" not in content
    assert "has no filter" not in content


def test_every_field_of_the_filters_has_a_label(admin_client, shop):
    for address in (PAYMENTS, ORDERS):
        form = admin_client.get(address).content.decode().partition('class="list-filters"')[2].partition("</form>")[0]
        fields = re.findall(r'<(?:input|select)(?![^>]*type="hidden")[^>]*id="([^"]+)"', form)
        assert len(fields) > 10
        assert [field for field in fields if f'<label for="{field}">' not in form] == []


def test_looking_at_a_list_needs_the_permission(client, shop):
    clerk = User.objects.create_user("mira", is_staff=True)
    client.force_login(clerk)
    assert client.get(PAYMENTS).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="view_payment"))
    response = client.get(PAYMENTS)
    assert response.status_code == 200
    assert "selected…" not in response.content.decode()
