"""Lists that work at a million rows: pages by key, filters, saved views, and what the database has to do for them."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from html import unescape
from itertools import chain
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.utils import timezone

from orders.models import Order
from payments.admin import keyset
from payments.admin.keyset import Sort
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.models import Operation, Payment
from tests.benchmarks.seeding import fill_lists
from tests.counting import statements
from tests.factories import address_recipe, authorized, card_recipe, make_method, make_order, make_payment, purchased
from tests.scripted import declined

pytestmark = pytest.mark.django_db

PAYMENTS, ORDERS = "/admin/payments/payment/", "/admin/orders/order/"
# Session, user, permissions, theme: not the list's.
BESIDE = re.compile(r"django_session|auth_|admin_interface_theme|django_content_type|django_admin_log")


def numbers(response):
    """The numbers of the rows, in their order."""
    return re.findall(r'<th class="field-number"><a [^>]*>([^<]+)</a>', response.content.decode())


def link(response, words):
    """The address behind a link of the pages' navigation; None where there is none."""
    pages = response.content.decode().partition('class="list-pages"')[2].partition("</nav>")[0]
    found = re.search(rf'<a href="([^"]*)"[^>]*>{words}</a>', pages)
    return unescape(found[1]) if found else None


@pytest.fixture
def admin_client(client):
    """A superuser without a password, which would take longer to hash than a page to make."""
    client.force_login(User.objects.create(username="boss", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def few_on_a_page(monkeypatch):
    """Pages of four, so that a dozen rows make three of them."""
    from django.contrib import admin

    for model in (Payment, Order):
        monkeypatch.setattr(admin.site._registry[model], "list_per_page", 4)


@pytest.fixture
def payments():
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


# Pages


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
    assert numbers(response) == numbers(admin_client.get(PAYMENTS))


@pytest.mark.once
@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e400", "x", "99999999999999999999"])
def test_a_broken_amount_is_the_first_page(admin_client, few_on_a_page, payments, amount):
    key = urlsafe_b64encode(f'["amount", "{amount}", 1]'.encode()).decode()
    response = admin_client.get(PAYMENTS, {"after": key, "o": "4"})
    assert numbers(response) == numbers(admin_client.get(PAYMENTS, {"o": "4"}))


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


# Filters


@pytest.fixture
def shop():
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


def answered(payment, kind, *, days):
    when = timezone.now() - timedelta(days=days)
    assert Operation.objects.filter(payment=payment, kind=kind).update(answered_at=when) == 1


def day(days):
    return (timezone.localdate() - timedelta(days=days)).isoformat()


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
    for day, found in (("2026-03-03", [shop["pending"].number]), ("2026-03-04", [])):
        assert numbers(admin_client.get(PAYMENTS, {"created_from": day, "created_to": day})) == found


def test_what_is_unknown_and_what_failed_today(admin_client, scripted):
    method = make_method()
    lost, refused, earlier = (authorized("10", method=method) for _ in range(3))
    scripted.script = {"capture": [GatewayUnavailable("gone"), declined(), declined()]}
    for payment, trouble in ((lost, GatewayUnavailable), (refused, PaymentDeclined), (earlier, PaymentDeclined)):
        with pytest.raises(trouble):
            payment.capture()
    answered(earlier, "capture", days=1)
    assert numbers(admin_client.get(PAYMENTS, {"view": "unknown"})) == [lost.number]
    assert numbers(admin_client.get(PAYMENTS, {"operation": "unknown"})) == [lost.number]
    assert numbers(admin_client.get(PAYMENTS, {"operation": "open"})) == []
    assert numbers(admin_client.get(PAYMENTS, {"view": "failed_today"})) == [refused.number]


def test_the_oldest_is_to_be_captured_first(admin_client):
    older, newer = authorized("10"), authorized("10")
    assert numbers(admin_client.get(PAYMENTS, {"view": "to_capture"})) == [older.number, newer.number]


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


def test_orders_are_filtered_too(admin_client):
    card = make_method(name="Card")
    paid, unpaid, shipped = (placed(make_order("10.00"), card, take=take) for take in (True, False, True))
    yen = make_order("500", currency="JPY")
    Order.objects.filter(pk=shipped.pk).update(shipped_at=timezone.now(), approved_at=timezone.now())
    assert paid.payment_state == "paid"
    cases = [
        ({"state": "cart"}, {yen}),
        ({"payment_state": "paid"}, {paid, shipped}),
        ({"payment_state": "balance_due"}, {unpaid}),
        ({"view": "balance_due"}, {unpaid}),
        ({"view": "to_ship"}, {paid}),
        ({"view": "credit_owed"}, set()),
        ({"method": card.pk}, {paid, unpaid, shipped}),
        ({"currency": "jpy"}, {yen}),
        ({"amount_from": "11"}, {yen}),
        ({"shipped": "yes"}, {shipped}),
        ({"approved": "no", "currency": "USD"}, {paid, unpaid}),
        ({"created_to": day(1)}, set()),
    ]
    for asked, found in cases:
        response = admin_client.get(ORDERS, asked)
        assert (asked, set(numbers(response))) == (asked, {order.number for order in found})


def placed(order, method, *, take):
    order.bill_address = order.ship_address = address_recipe.make()
    order.save(update_fields=["bill_address", "ship_address"])
    payment = order.add_payment(method, source=card_recipe.make())
    order.complete()
    if take:
        payment.refresh_from_db()
        payment.capture()
    order.refresh_from_db()
    return order


# What it costs

VIEWS = ["", "?view=to_capture", "?view=ending", "?view=unknown", "?view=review", "?view=failed_today"]
PLACES = ["?last=1", "?after={key}", "?before={key}", "?o=4", "?o=-4&last=1"]
CHOSEN = [
    "?state=pending",
    "?state=completed",
    "?method={method}&state=completed",
    "?currency=EUR",
    "?age=1-3",
    "?amount_from=100&amount_to=101",
    "?created_from={day}&created_to={day}",
    "?captured_from={day}&captured_to={day}",
    "?refunded_from={day}",
    "?review=yes",
    "?operation=unanswered",
    "?operation=unknown",
    "?operation=waiting",
    "?view=to_capture&currency=EUR&age=3-&amount_from=5",
]
SEARCHES = ["?q=R90012345", "?q=P0012345", "?q=c1234@example.com", "?q=auth_777", "?q=2345", "?q=R900", "?q=nothing"]
ORDER_PAGES = [
    "",
    "?last=1",
    "?view=to_ship",
    "?view=balance_due",
    "?state=complete",
    "?payment_state=paid&currency=USD",
    "?method={method}",
    "?o=5",
    *SEARCHES,
]
PAGES = [(PAYMENTS, each) for each in (*VIEWS, *PLACES, *CHOSEN, *SEARCHES)] + [(ORDERS, each) for each in ORDER_PAGES]


def filled(rows):
    """A database with so many sales in it, and the words that stand in the addresses above."""
    method = make_method()
    order = placed(make_order("24.00"), method, take=True)
    payment = order.payments.get()
    fill_lists(payment, rows, minutes=60)
    middle = Payment.objects.order_by("-created_at")[rows // 2]
    moment = timezone.localtime(middle.created_at)
    return {"key": Sort("created_at").encode(middle), "method": method.pk, "day": moment.date().isoformat()}


def run(client, address):
    """The statements of the list itself."""
    with statements() as ran:
        response = client.get(address)
    assert response.status_code == 200
    return [sql for sql in ran if not BESIDE.search(sql)]


def test_a_list_takes_five_statements_and_a_search_eight(admin_client):
    words = filled(300)
    spent = {}
    for address, query in PAGES:
        ran = run(admin_client, address + query.format(**words))
        spent[address + query] = len(ran)
        assert len(ran) <= (8 if "q=" in query else 5), "\n".join(ran)
        for sql in ran:
            assert " OFFSET " not in sql
            assert "DISTINCT" not in sql
            assert "COUNT(" not in sql or f"LIMIT {keyset.COUNTED + 1}" in sql
    assert max(spent.values()) > 3  # It was counted at all.


def asked(client, address):
    """The statements of the list itself with their parameters apart: written in, they would be planned otherwise."""
    ran = []

    def keep(execute, sql, params, many, context):
        ran.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        assert client.get(address).status_code == 200
    return [(sql, params) for sql, params in ran if sql.startswith("SELECT") and not BESIDE.search(sql)]


# Reading all rows of one of these, in the words of either database.
TABLES = "(orders_order|payments_payment|payments_operation|payments_creditcard)"
WHOLE_TABLE = {"postgresql": rf"Seq Scan on {TABLES}\b", "sqlite": rf"SCAN {TABLES}$"}


@pytest.mark.slow
def test_no_page_reads_a_whole_table(admin_client, monkeypatch):
    """As many rows are counted of these as of a million."""
    monkeypatch.setattr(keyset, "COUNTED", 200)
    words = filled(20_000)
    explain, whole = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}, WHOLE_TABLE[connection.vendor]
    reading = []
    for address, query in PAGES:
        for sql, params in asked(admin_client, address + query.format(**words)):
            with connection.cursor() as cursor:
                cursor.execute(f"{explain[connection.vendor]} {sql}", params)
                plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
            if re.search(whole, plan, re.M):
                reading.append(f"{address}{query}\n{sql}\n{params}\n{plan}")
    if reading:
        pytest.fail("\n\n".join(reading))  # An assertion would cut the plans short.


# Who may look


def test_looking_at_a_list_needs_the_permission(client, shop):
    clerk = User.objects.create_user("mira", is_staff=True)
    client.force_login(clerk)
    assert client.get(PAYMENTS).status_code == 403
    clerk.user_permissions.add(Permission.objects.get(codename="view_payment"))
    response = client.get(PAYMENTS)
    assert response.status_code == 200
    assert "selected…" not in response.content.decode()


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
