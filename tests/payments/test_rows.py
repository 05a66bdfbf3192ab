"""What single rows are read and written by, beside Django's own way: the same values, to the last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models, transaction
from django.db.models.signals import ModelSignal, post_init, post_save, pre_init
from django.test.utils import CaptureQueriesContext

from orders.models import LineItem, Order
from orders.models.order import LOCK
from payments.errors import InvalidAmount
from payments.models import Operation, Payment, PaymentMethod
from payments.models.rows import KEPT_AS, cursor_of, insert_row, update_row
from payments.models.settling import (
    LOCK_PAYMENT,
    LOCK_TO_ASK,
    LOCK_TO_SETTLE,
    OPERATIONS,
    OPERATIONS_OF_ORDER,
)
from payments.money import Money
from tests.factories import address_recipe, card_recipe, make_method, make_order

pytestmark = pytest.mark.django_db
PLAIN = (Order, LineItem, Payment, Operation, PaymentMethod)
JOINED = ("order", "payment_method", "credit_card", "bill_address", "ship_address", "address")


@pytest.fixture
def payment() -> Payment:
    """Held, taken in part and given back in part, with everything that is read along."""
    address = address_recipe.make()
    card = card_recipe.make(address=address)
    payment: Payment = make_order("48.00", bill_address=address).add_payment(make_method(), source=card)
    payment.authorize()
    payment.capture("10.00")
    payment.refund("2.50")
    return payment


def told(row: models.Model) -> Any:
    """All that a row says, and what was read along with it."""
    held = {name: value for name, value in row.__dict__.items() if name != "_state"}
    along = {name: each and told(each) for name, each in row._state.fields_cache.items() if name in JOINED}
    return type(row), held, row._state.adding, row._state.db, along


@contextmanager
def heard(signal: ModelSignal, model: type[models.Model]) -> Iterator[list[models.Model]]:
    rows: list[models.Model] = []

    def listen(instance: models.Model, **_facts: Any) -> None:
        rows.append(instance)

    signal.connect(listen, sender=model)
    try:
        yield rows
    finally:
        signal.disconnect(listen, sender=model)


# Reading


QUERIES = {
    "to ask": LOCK_TO_ASK,
    "to settle": LOCK_TO_SETTLE,
    "payment": LOCK_PAYMENT,
    "operations": OPERATIONS,
    "order": LOCK,
}


@pytest.mark.parametrize("how", QUERIES.values(), ids=QUERIES)
def test_a_prepared_query_gives_what_django_gives(payment: Payment, how: Any) -> None:
    pk = payment.order_id if how is LOCK else payment.pk
    with transaction.atomic():
        for _again in range(2):
            assert [told(row) for row in how(pk)] == [told(row) for row in how._build(pk)]


def test_a_join_to_nothing_is_none(payment: Payment) -> None:
    other = make_order("5.00").add_payment(payment.payment_method)
    with transaction.atomic():
        [found] = LOCK_TO_ASK(other.pk)
        assert found.credit_card is None and found.order.bill_address is None
        assert told(found) == told(LOCK_TO_ASK._build(other.pk).get())


def test_the_operations_of_an_order_are_those_that_django_finds(payment: Payment) -> None:
    ids = (payment.pk, payment.order_id)
    assert [told(row) for row in OPERATIONS_OF_ORDER(*ids)] == [told(row) for row in OPERATIONS_OF_ORDER._build(*ids)]


def test_no_column_of_a_plain_row_is_changed_by_being_set() -> None:
    """A field that makes something else of what is read may not be on a `PlainRow`."""
    for model in PLAIN:
        for field in model._meta.concrete_fields:
            value = {"currency": "EUR", "state": "void"}.get(field.attname, field.get_default())
            row = model.__new__(model)
            row._state = models.base.ModelState()
            setattr(row, field.attname, value)
            assert row.__dict__ == {"_state": row._state, field.attname: value}, field


def test_what_is_not_read_is_deferred(payment: Payment) -> None:
    seen = Payment.objects.only("number").get(pk=payment.pk)
    assert seen.get_deferred_fields() == {f.attname for f in Payment._meta.concrete_fields} - {"id", "number"}
    assert (seen.state, seen.amount, seen.currency) == (payment.state, payment.amount, payment.currency)


@pytest.mark.parametrize("signal", [pre_init, post_init])
def test_who_listens_to_rows_being_made_hears_of_each(payment: Payment, signal: ModelSignal) -> None:
    rows: list[Any] = []

    def listen(**facts: Any) -> None:
        rows.append(facts["sender"])

    signal.connect(listen, sender=Payment)
    try:
        Payment.objects.get(pk=payment.pk)
    finally:
        signal.disconnect(listen, sender=Payment)
    assert rows == [Payment]


# Writing


def test_a_row_is_written_as_django_writes_it() -> None:
    facts = {"email": "ada@example.com", "currency": "JPY", "total": Money(48, "JPY"), "last_ip_address": "10.0.0.7"}
    mine, django_s = Order(number="R1", **facts), Order(number="R2", **facts)
    assert insert_row(mine)
    django_s.save(force_insert=True)
    assert mine.pk and not mine._state.adding
    rows = Order.objects.filter(number__in=("R1", "R2")).order_by("number").values()
    same = [{name: value for name, value in row.items() if name not in ("id", "number", "created_at")} for row in rows]
    assert same[0] == same[1]


def test_every_kind_of_value_is_written_as_django_writes_it(payment: Payment) -> None:
    moment = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    facts: dict[str, Any] = {
        "state": "waiting",
        "next_action": {"url": "https://example.com/ä"},
        "params": {"a": [1, None]},
    }
    facts |= {"answered_at": moment, "message": "é", "amount": Decimal("0.0001"), "final": False, "user": None}
    names = [name for name in facts if name != "user"]
    mine, django_s = (Operation(payment=payment, sequence=sequence, kind="refund", **facts) for sequence in (11, 12))
    assert insert_row(mine)
    django_s.save(force_insert=True)
    update_row(mine, *names)
    written = Operation.objects.filter(sequence__in=(11, 12)).order_by("sequence").values(*names)
    assert written[0] == written[1]


def test_a_number_that_is_taken_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = Order.objects.create(email="ada@example.com")
    drawn = iter([int(taken.number[1:]), int(taken.number[1:]), 7])
    monkeypatch.setattr("secrets.randbelow", lambda _below: next(drawn))
    assert Order.objects.create().number == "R000000007"
    assert insert_row(Order(number=taken.number), unless_taken="number") is False


def test_times_fill_themselves_in() -> None:
    payment = make_order("48.00").add_payment(make_method())
    fresh = Payment.objects.get(pk=payment.pk)
    assert (fresh.created_at, fresh.updated_at) == (payment.created_at, payment.updated_at)


def test_a_relation_that_is_not_saved_is_refused() -> None:
    with pytest.raises(ValueError, match="unsaved related object"):
        insert_row(LineItem(order=Order(), name="Tee"))


def test_who_listens_to_rows_being_saved_hears_of_each() -> None:
    with heard(post_save, Order) as rows:
        order = Order.objects.create()
        assert insert_row(Order(number=order.number), unless_taken="number") is False
    assert rows == [order]


def test_a_refused_line_leaves_the_caller_s_transaction_as_it_was() -> None:
    with transaction.atomic():
        order = make_order("48.00")
        with pytest.raises(InvalidAmount):
            order.add_line("Too dear", unit_price="99999999999", quantity=99_999)
        with pytest.raises(InvalidAmount):
            order.add_payment(make_method(), amount="0.001")
        order.add_line("Tee", unit_price="2.00")
    order.refresh_from_db()
    assert (order.total.amount, order.line_items.count(), order.payments.count()) == (Decimal(50), 2, 0)


def test_two_rows_are_written_together(payment: Payment) -> None:
    held = Operation.objects.filter(payment=payment).latest("sequence")
    held.message, payment.response_code = "é", "auth_2"
    held.write(along=payment.change("response_code"))
    new = Operation(payment=payment, sequence=30, kind="void", amount=Decimal(1))
    payment.avs_response = "N"
    assert insert_row(new, along=payment.change("avs_response"))
    fresh = Payment.objects.get(pk=payment.pk)
    assert (fresh.response_code, fresh.avs_response, fresh.updated_at) == ("auth_2", "N", payment.updated_at)
    assert Operation.objects.get(pk=held.pk).message == "é"
    assert Operation.objects.get(pk=new.pk).kind == "void"


def test_one_cursor_serves_a_transaction_and_no_longer_than_its_connection() -> None:
    def cursor() -> Any:
        with cursor_of(connection) as one:
            return one

    with transaction.atomic():
        first = cursor()
        assert cursor() is first
        with CaptureQueriesContext(connection) as seen:
            OPERATIONS(0)
        assert len(seen) == 1 and cursor() is first
        connection.__dict__[KEPT_AS] = object(), first  # It was another connection's.
        second = cursor()
        assert second is not first
        with pytest.raises(ZeroDivisionError), cursor_of(connection) as broken:
            raise ZeroDivisionError
        assert broken is second and cursor() is not second
