"""Lists: what is unknown, what orders are filtered by, and what the database has to do for a page."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.utils import timezone

from orders.models import Order
from payments.admin import keyset
from payments.admin.keyset import Sort
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.models import Payment
from tests.back_office.listing import ORDERS, PAYMENTS, answered, day, numbers, placed
from tests.benchmarks.seeding import fill_lists
from tests.counting import BOUNDARIES
from tests.factories import authorized, make_method, make_order
from tests.scripted import declined

pytestmark = pytest.mark.django_db

# Session, user, permissions, theme: not the list's.
BESIDE = re.compile(r"django_session|auth_|admin_interface_theme|django_content_type|django_admin_log")


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


def asked(client, address):
    """The statements of the list itself with their parameters apart: written in, they would be planned otherwise."""
    ran = []

    def keep(execute, sql, params, many, context):
        ran.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        assert client.get(address).status_code == 200
    return [(sql, params) for sql, params in ran if not sql.startswith(BOUNDARIES) and not BESIDE.search(sql)]


# Reading all rows of one of these, in the words of either database.
TABLES = "(orders_order|payments_payment|payments_operation|payments_creditcard)"
WHOLE_TABLE = {"postgresql": rf"Seq Scan on {TABLES}\b", "sqlite": rf"SCAN {TABLES}$"}
EXPLAIN = {"postgresql": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}


def plan_of(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(f"{EXPLAIN[connection.vendor]} {sql}", params)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.slow
def test_a_list_takes_five_statements_and_a_search_eight_and_none_reads_a_whole_table(admin_client, monkeypatch):
    """As many rows are counted of these as of a million. A database prefers its indexes from some size on only."""
    monkeypatch.setattr(keyset, "COUNTED", 200)
    words = filled(20_000)
    spent, reading = {}, []
    for address, query in PAGES:
        ran = asked(admin_client, address + query.format(**words))
        spent[address + query] = len(ran)
        assert len(ran) <= (8 if "q=" in query else 5), "\n".join(sql for sql, _params in ran)
        for sql, params in ran:
            assert sql.startswith("SELECT")
            assert " OFFSET " not in sql
            assert "DISTINCT" not in sql
            assert "COUNT(" not in sql or f"LIMIT {keyset.COUNTED + 1}" in sql
            plan = plan_of(sql, params)
            if re.search(WHOLE_TABLE[connection.vendor], plan, re.M):
                reading.append(f"{address}{query}\n{sql}\n{params}\n{plan}")
    assert max(spent.values()) > 3  # It was counted at all.
    if reading:
        pytest.fail("\n\n".join(reading))  # An assertion would cut the plans short.
