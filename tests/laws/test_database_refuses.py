"""What the laws forbid is refused by the database itself: each constraint with its planted violations, by raw SQL.

The constraints are found in the models, so a new one without a planted violation fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, models, transaction

from orders.models import Adjustment
from payments.models import Operation, Payment, Reaction, RefundLimit, RefundReason, WebhookEvent
from payments.wallet import Wallet
from tests.factories import make_order, make_payment, purchased
from tests.keeping import kept
from tests.laws import planted, planted_shop

pytestmark = pytest.mark.django_db

PLANTED = planted.PLANTED | planted_shop.PLANTED
UNIQUE = planted.UNIQUE | planted_shop.UNIQUE
NEIGHBOURS = planted.NEIGHBOURS + planted_shop.NEIGHBOURS
CONSTRAINTS: dict[str, tuple[type[models.Model], models.BaseConstraint]] = {
    constraint.name: (model, constraint)
    for label in ("shop", "orders", "payments")
    for model in apps.get_app_config(label).get_models()
    for constraint in model._meta.constraints
}
UNIQUE_COLUMNS = {
    f"{model._meta.db_table}.{field.column}"
    for label in ("shop", "orders", "payments")
    for model in apps.get_app_config(label).get_models()
    for field in model._meta.concrete_fields
    if field.unique and not field.primary_key
}
VIOLATIONS = [(name, sql) for name, statements in PLANTED.items() for sql in statements]


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, int]]:
    with kept(django_db_blocker, one_of_everything) as made:
        yield made


def one_of_everything() -> dict[str, int]:
    """One row of everything: a payment with three operations and a refund, a second payment, an order's lines."""
    payment = purchased()
    payment.refund("10", reason="Kindness")
    payment.refund("10")
    order = payment.order
    other = make_payment(order=make_order())
    other.authorize()
    order.add_adjustment("shipping", "5.00", "Post")
    order.add_adjustment("promotion", "-5.00", "Coupon")
    invoice = order.issue_invoice()  # With a credit note for each refund.
    Reaction.objects.bulk_create([Reaction(topic="order.completed", key="R1"), Reaction(topic="other", key="R1")])
    RefundReason.objects.create(name="Broken")
    clerks = Group.objects.create(name="clerks")
    RefundLimit.objects.bulk_create([RefundLimit(group=clerks, currency=each, amount=10) for each in ("USD", "EUR")])
    told = [WebhookEvent(payment_method=payment.payment_method, dedupe_key=key) for key in ("evt_1", "evt_2")]
    WebhookEvent.objects.bulk_create(told)
    wallet = Wallet(User.objects.create_user("ada"))
    for paid in (payment, other):
        wallet.add(paid.source)
    planted_shop.two_of_everything([payment, other])
    adjustment = dict(Adjustment.objects.values_list("kind", "id"))
    return {
        "payment": payment.pk,
        "other": other.pk,
        "order": order.pk,
        "invoice": invoice.pk,
        "refund": payment.refunds.earliest("id").pk,
        "shipping": adjustment["shipping"],
        "promotion": adjustment["promotion"],
    }


def run(sql: str, rows: dict[str, int]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, rows)
        changed: int = cursor.rowcount
        return changed


def refused_by(error: IntegrityError) -> str:
    """The constraint, where the database names it; else the columns that it speaks of."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.constraint_name if diagnosis else str(error)


def columns(constraint: Any) -> str:
    """As SQLite names them."""
    meta = CONSTRAINTS[constraint.name][0]._meta
    return ", ".join(f"{meta.db_table}.{meta.get_field(name).column}" for name in constraint.fields)


def test_every_constraint_has_its_planted_violation():
    assert set(PLANTED) == set(CONSTRAINTS)
    assert set(UNIQUE) == UNIQUE_COLUMNS


@pytest.mark.parametrize(("name", "sql"), VIOLATIONS)
def test_the_database_refuses(name: str, sql: str, rows: dict[str, int]):
    with pytest.raises(IntegrityError) as caught:
        run(sql, rows)

    said, constraint = refused_by(caught.value), CONSTRAINTS[name][1]
    by_columns = isinstance(constraint, models.UniqueConstraint) and columns(constraint) in said
    assert name in said or by_columns


@pytest.mark.parametrize("column", UNIQUE)
def test_the_database_refuses_a_second_one_of_the_same_name(column: str, rows: dict[str, int]):
    table, _, name = column.partition(".")
    with pytest.raises(IntegrityError) as caught:
        run(UNIQUE[column], rows)

    assert column in str(caught.value) or (table in refused_by(caught.value) and name in refused_by(caught.value))


@pytest.mark.parametrize("sql", NEIGHBOURS)
def test_what_is_lawful_is_accepted(sql: str, rows: dict[str, int]):
    assert run(sql, rows) > 0


@pytest.mark.postgres
@pytest.mark.parametrize(("name", "sql"), VIOLATIONS)
def test_without_the_constraint_nothing_else_would_refuse(name: str, sql: str, rows: dict[str, int]):
    """The twin: the planted statement breaks this constraint and no other."""
    model, constraint = CONSTRAINTS[name]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # A table with work left to do cannot be altered.
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    assert run(sql, rows) > 0


def test_a_payment_cannot_be_taken_from_its_operations(rows: dict[str, int]):
    with pytest.raises(IntegrityError), transaction.atomic():
        delete_the_payment(rows)

    assert Payment.objects.count() == 2
    assert Operation.objects.count() == 4


def delete_the_payment(rows: dict[str, int]) -> None:
    run("DELETE FROM payments_payment WHERE id = %(payment)s", rows)
    connection.check_constraints()  # Foreign keys are looked at when the transaction ends.
