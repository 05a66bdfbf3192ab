"""Statements are the cost that can be counted: asserted here, timed in tests/benchmarks."""

import pytest
from django.db import transaction

from orders.models import Order
from payments.models import Payment
from tests.counting import commits, statements
from tests.factories import card_recipe, fact, make_method, make_order, make_payment, purchased

pytestmark = pytest.mark.django_db


def cold(payment):
    return Payment.objects.get(pk=payment.pk)


def test_an_order_with_a_line_and_a_payment_takes_eight_statements():
    method, card = make_method(), card_recipe.make()
    with statements() as ran, transaction.atomic():
        order = Order.objects.create(email="ada@example.com", currency="USD")
        order.add_line("Tee", unit_price="24.00", quantity=2, sku="TEE-M")
        order.add_payment(method, source=card)
    assert len(ran) <= 8, "\n".join(ran)


@pytest.mark.parametrize("complete", [False, True])
def test_authorize_nine_and_capture_ten_from_a_cold_instance(complete):
    order = make_order()
    payment = make_payment("50", order=order)
    if complete:
        payment.authorize()
        make_payment("50", order=order).authorize()
        order.complete()
        payment = make_payment("10", order=order)

    with statements() as ran:
        cold(payment).authorize()
    assert len(ran) - 1 <= 9, "\n".join(ran)
    with statements() as ran:
        cold(payment).capture()
    assert len(ran) - 1 <= 10, "\n".join(ran)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["authorize", "purchase"])
def test_two_commits_for_each_call_to_the_gateway(verb):
    payment = make_payment()
    with commits() as ran:
        getattr(payment, verb)()
    assert len(ran) == 2
    with commits() as ran:
        payment.cancel()
    assert len(ran) <= 3  # What is there is read first.


@pytest.mark.parametrize("rows", [1, 10, 200])
def test_recalculating_takes_four_statements_whatever_the_number_of_rows(rows):
    order = make_order()
    for _ in range(rows):
        order.line_items.create(name="Tee", unit_price="1", quantity=1, currency="USD")
    Payment.objects.bulk_create(
        Payment(order=order, payment_method=make_method(code=f"m{i}"), amount=1, currency="USD", state="void")
        for i in range(rows)
    )
    with statements() as ran:
        order.recalculate()
    assert len(ran) <= 4, "\n".join(ran)


@pytest.mark.parametrize("rows", [1, 50])
def test_options_take_a_constant_few_statements(rows):
    order = make_order()
    for number in range(rows):
        order.add_line(f"Tee {number}", unit_price="1")
    payment = make_payment(order=order)
    with statements() as ran:
        options = cold(payment).gateway_options()
        list(options["line_items"])
    assert len(ran) <= 6, "\n".join(ran)


def test_a_repeated_fact_reads_and_writes_nothing():
    payment = purchased()
    told = fact("refund", amount_minor=100, reference="re_1")
    payment.apply(told)
    with statements() as ran:
        payment.apply(told)
    assert all(sql.startswith("SELECT") for sql in ran)
