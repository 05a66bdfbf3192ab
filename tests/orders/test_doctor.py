"""The doctor's checks of orders, each with its planted violation, and the command that runs them all."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from orders.models import Adjustment, LineItem, Order
from payments.models import Payment
from tests.factories import make_method, make_order, make_payment
from tests.keeping import kept
from tests.payments.doctor_shop import findings, found, healthy_shop, payment_of, say, sold
from tests.scripted import ok

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_receivers(settings):
    settings.REACTIONS = {}


@pytest.fixture(scope="module")
def shop(django_db_setup, django_db_blocker):
    """Healthy neighbours, which must not be found."""
    with kept(django_db_blocker, healthy_shop):
        yield


@pytest.fixture
def order():
    """Paid: 100.00 of goods with post, a tax and a coupon on top."""
    order = make_order()
    order.add_adjustment("shipping", "5.00", "Post")
    order.add_adjustment("tax", "8.00", "Sales tax")
    order.add_adjustment("included_tax", "2.00", "VAT")
    order.add_adjustment("promotion", "-3.00", "Coupon")
    order.advance()
    say(**{"*": ok("GW-1")})
    make_payment(order=order, method=make_method(name="Sale", auto_capture=True))
    order.complete()
    return Order.objects.get(pk=order.pk)


@pytest.mark.parametrize(
    ("column", "name", "rows"),
    [
        ("item_total", "items", "100.00"),
        ("shipment_total", "shipping", "5.00"),
        ("additional_tax_total", "tax on top", "8.00"),
        ("included_tax_total", "tax included", "2.00"),
        ("promo_total", "promotions", "-3.00"),
    ],
)
def test_a_total_that_its_rows_do_not_come_to(shop, order, column, name, rows):
    Order.objects.filter(pk=order.pk).update(**{column: "0.01"})

    assert found() == [("order_totals", order.number, "", None)]
    assert findings()[0].says == f"{name}: 0.01 USD, its rows come to {rows} USD"
    order.recalculate()
    assert found() == []


def test_a_total_of_an_order_in_the_cart(shop):
    order = make_order()
    Order.objects.filter(pk=order.pk).update(total="100.01")

    assert found() == [("order_totals", order.number, "", None)]


def test_a_line_and_an_adjustment_that_were_changed_past_the_order(shop, order):
    LineItem.objects.filter(order=order).update(quantity=2)
    Adjustment.objects.filter(order=order, kind="shipping").update(amount=6)

    assert found() == [("order_totals", order.number, "", None)]
    assert findings()[0].says.startswith("items: 100.00 USD, its rows come to 200.00 USD; shipping: 5.00 USD")


def test_what_is_said_to_be_paid_and_was_not(shop, order):
    Order.objects.filter(pk=order.pk).update(payment_total="109.99")

    assert found() == [("order_payment_total", order.number, "", None)]
    order.recalculate()
    assert found() == []


@pytest.mark.parametrize("state", ["", "balance_due", "failed", "credit_owed", "void"])
def test_a_payment_state_that_does_not_follow(shop, order, state):
    Order.objects.filter(pk=order.pk).update(payment_state=state)

    assert found() == [("order_payment_state", order.number, "", None)]
    assert "be “paid”" in findings()[0].says


@pytest.mark.parametrize("state", ["paid", "void", "credit_owed"])
def test_a_payment_state_of_an_order_that_nobody_paid(shop, state):
    order = make_order()
    order.advance()
    Order.objects.filter(pk=order.pk).update(payment_state=state)

    assert found() == [("order_payment_state", order.number, "", None)]


def test_an_order_that_is_paid_and_was_never_finished(shop):
    order = sold(make_method(auto_capture=True))
    stuck = {"state": "confirm", "completed_at": None, "payment_state": ""}
    Order.objects.filter(pk=order.pk).update(placed_at=timezone.now(), **stuck)

    assert found() == []  # Somebody may be completing it right now.
    Order.objects.filter(pk=order.pk).update(placed_at=timezone.now() - timedelta(hours=1))
    assert found() == [("order_not_finished", order.number, "", None)]
    Order.objects.get(pk=order.pk).complete()
    assert found() == []


def test_a_payment_in_another_currency_than_its_order(shop):
    payment = payment_of(sold(make_method()))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_order SET currency = 'EUR' WHERE id = %s", [payment.order_id])

    assert found() == [("payment_currency", payment.order.number, payment.number, None)]


# The command


def run(*arguments):
    """(exit code, output)"""
    out = StringIO()
    try:
        call_command("payments_doctor", *arguments, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def test_healthy(shop):
    code, said = run()
    assert code == 0
    assert said.startswith("Healthy: 17 checks, nothing found.")


def test_money_is_wrong(order):
    Order.objects.filter(pk=order.pk).update(payment_total="1")
    code, said = run()

    assert code == 2
    assert said.splitlines()[0] == "order_payment_total (money)"
    assert "recalculate()" in said.splitlines()[1]
    assert said.splitlines()[2] == (f"  {order.number}: it says 1.00 USD was paid, its payments come to 110.00 USD")
    assert said.splitlines()[3] == "1 findings: 1 about money, 0 to look at."


def test_something_needs_a_look():
    payment = payment_of(sold(make_method()))
    Payment.objects.filter(pk=payment.pk).update(capture_by=timezone.now())
    code, said = run("--json")

    assert code == 1
    assert json.loads(said) == {
        "check": "hold_overdue",
        "severity": "look",
        "order": payment.order.number,
        "payment": payment.number,
        "operation": None,
        "reference": "",
        "says": json.loads(said)["says"],
        "remedy": json.loads(said)["remedy"],
    }


def test_only_the_checks_that_are_named(order):
    Order.objects.filter(pk=order.pk).update(payment_total="1")

    assert run("--check", "payment_sums", "--check", "order_totals") == (0, "Healthy: 2 checks, nothing found.\n")
    assert run("--check", "order_payment_total", "--check", "payment_sums")[0] == 2


def test_the_list():
    code, said = run("--list")
    assert code == 0
    assert "payment_sums (money): What a payment says was authorized" in said
    assert "provider_books (money): " in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--check", "luck"], "There is no check luck"),
        (["--provider", "nobody"], "There is no payment method nobody."),
        (["--provider", "card"], "The gateway of card cannot list its records."),
        (["--provider"], "No payment method has a gateway that can list its records."),
        (["--since", "2026-01-01"], "--since and --until go with --provider."),
        (["--provider", "--since", "soon"], "“soon” is no date"),
        (["--provider", "--since", "2026-02-01", "--until", "2026-01-01"], "--since is to be before --until."),
        (["--whatever"], "unrecognized arguments"),
    ],
)
def test_what_cannot_be_run(arguments, says):
    make_method()
    code, said = run(*arguments)
    assert code == 3
    assert says in said


def test_a_database_that_does_not_answer(order):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_reaction RENAME TO elsewhere")
    assert run()[0] == 3
