"""Single rows, read and written by SQL that is made once: Django's own way costs more than the database's work.

What is read and written is what Django would read and write, to the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from decimal import Decimal
from functools import cache
from typing import Any, Self

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.models.base import ModelState
from django.db.models.signals import post_init, post_save, pre_init, pre_save

from payments.models.amount import CURRENCY, AmountField
from payments.money import Money, shown

# What the driver takes for one field of a row, on Django's connection.
Column = Callable[[models.Model, Any], Any]
KEPT_AS = "everycent_cursor"  # On Django's connection, beside the driver's connection that it belongs to.
Change = tuple[models.Model, tuple[str, ...]]  # A row, and the fields of it that are written.
# Who keeps back what several payments write, to write it together: see `gathering`.
GATHERING: ContextVar[Any] = ContextVar("gathering", default=None)


class PlainRow(models.Model):
    """A model all of whose columns are kept as they are read: a row is filled in without asking each column first."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **newer: Any) -> Self:
        """As Django's. A column that is not read is deferred, for it is not there."""
        if newer or pre_init.has_listeners(cls) or post_init.has_listeners(cls):
            return super().from_db(db, field_names, values, **newer)
        row = cls.__new__(cls)
        row.__dict__.update(zip(field_names, values, strict=True))
        state = row._state = ModelState()
        state.adding, state.db = False, db
        return row


def together() -> AbstractContextManager[Any]:
    """A transaction, or that of the caller as it is: for what can only fail before it writes anything.

    A savepoint would undo nothing there, and costs two statements.
    """
    return nullcontext() if connection.in_atomic_block else transaction.atomic()


@contextmanager
def cursor_of(here: Any) -> Iterator[Any]:
    """One cursor for all that is asked in transactions of a connection: making one costs as much as a small statement.

    Whoever takes it reads all rows; after an error the next one gets another. Tools that watch a connection's cursors
    get Django's own.
    """
    if not here.in_atomic_block or here.connection is None or here.queries_logged or "cursor" in here.__dict__:
        with here.cursor() as cursor:
            yield cursor
        return
    raw, cursor = here.__dict__.pop(KEPT_AS, (None, None))
    if raw is not here.connection:
        cursor = here.cursor()
    try:
        yield cursor
    except BaseException:
        cursor.close()  # What it began may not go on while the transaction is taken back.
        raise
    here.__dict__[KEPT_AS] = here.connection, cursor


def update_row(row: models.Model, *names: str) -> None:
    """Write these fields of one row, as they stand on the object, with one UPDATE."""
    update_rows((row, names))


def update_rows(*changes: Change) -> None:
    """Write these fields of these rows, in this order; PostgreSQL does it in one statement."""
    if (gathering := GATHERING.get()) is not None:
        for change in changes:
            gathering.update(*change)
        return
    here = connections[DEFAULT_DB_ALIAS]
    if here.vendor != "postgresql":
        for change in changes:
            sql, values = _updating(change, here)
            with cursor_of(here) as cursor:
                cursor.execute(sql, values)
        return
    *before, (last, names) = changes
    sql, values = _after(before, *_updating((last, names), here), here)
    with cursor_of(here) as cursor:
        cursor.execute(sql, values)


def insert_row(row: models.Model, *, unless_taken: str = "", along: Change | None = None) -> bool:
    """Write a new row whole, with one INSERT, and give it its id; `along` is changed with it, as by `update_rows`.

    `unless_taken` names a unique field: False, and nothing is written, if another row has its value already.
    """
    model = type(row)
    if (gathering := GATHERING.get()) is not None and gathering.insert(row):
        if along is not None:
            gathering.update(*along)
        return True
    here = connections[DEFAULT_DB_ALIAS]
    if along is not None and (here.vendor != "postgresql" or _is_listened_to(model)):
        insert_row(row)
        update_rows(along)
        return True
    if _is_listened_to(model):
        return _save_as_django_does(row, unless_taken)
    row._prepare_related_fields_for_save(operation_name="save")  # type: ignore[attr-defined]
    sql, columns, filled = insert_sql(model, unless_taken)
    for field in filled:
        field.pre_save(row, add=True)
    sql, values = _after([along] if along else [], sql, [written(row, here) for written in columns], here)
    with cursor_of(here) as cursor:
        cursor.execute(sql, values)
        made = cursor.fetchall()
    if not made:
        return False
    [[row.pk]] = made
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


def _is_listened_to(model: type[models.Model]) -> bool:
    return pre_save.has_listeners(model) or post_save.has_listeners(model)


def _save_as_django_does(row: models.Model, unless_taken: str) -> bool:
    """Somebody listens to what is saved."""
    taken = {unless_taken: getattr(row, unless_taken)} if unless_taken else {}
    if taken and type(row)._base_manager.filter(**taken).exists():
        return False
    row.save(force_insert=True)
    return True


@cache
def update_sql(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, list[Column]]:
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    table, key = model._meta.db_table, model._meta.pk.column
    return f'UPDATE "{table}" SET {columns} WHERE "{key}" = %s', [_column(field) for field in fields]  # noqa: S608


@cache
def insert_sql(model: type[models.Model], unless_taken: str) -> tuple[str, list[Column], list[Any]]:
    """The statement, what it takes, and the fields that fill themselves in (`auto_now`)."""
    meta: Any = model._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    names, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
    unless = f' ON CONFLICT ("{meta.get_field(unless_taken).column}") DO NOTHING' if unless_taken else ""
    sql = f'INSERT INTO "{meta.db_table}" ({names}) VALUES ({places}){unless} RETURNING "{meta.pk.column}"'  # noqa: S608
    filled = [field for field in fields if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)]
    return sql, [_column(field) for field in fields], filled


def _updating(change: Change, here: Any) -> tuple[str, list[Any]]:
    row, names = change
    sql, columns = update_sql(type(row), names)
    return sql, [*(written(row, here) for written in columns), row.pk]


def _after(changes: Sequence[Change], sql: str, values: list[Any], here: Any) -> tuple[str, list[Any]]:
    """The statement with the changes before it, as PostgreSQL takes them: written once each, whoever reads them."""
    if not changes:
        return sql, values
    updates = [_updating(change, here) for change in changes]
    before = ", ".join(f"change_{place} AS ({update})" for place, (update, _written) in enumerate(updates))
    return f"WITH {before} {sql}", [*(value for _sql, written in updates for value in written), *values]


def _column(field: Any) -> Column:
    if isinstance(field, AmountField):
        return _amount_written(field)
    as_it_is = str if isinstance(field, (models.CharField, models.TextField)) else None
    if type(field).get_db_prep_save is not models.Field.get_db_prep_save:
        as_it_is = None
    name = field.attname

    def written(row: models.Model, here: Any) -> Any:
        value = row.__dict__.get(name, row)
        if type(value) is as_it_is:
            return value
        return field.get_db_prep_save(getattr(row, name) if value is row else value, here)

    return written


def _amount_written(field: AmountField) -> Column:
    """With the decimals of its currency, as Money would have it."""
    name, digits, places = field.attname, field.max_digits, field.decimal_places

    def written(row: models.Model, here: Any) -> Any:
        held = row.__dict__
        value, currency = held.get(name), held.get(CURRENCY)
        if type(value) is Decimal and currency:
            amount = shown(value, str(currency))
        elif isinstance(value, Money):
            amount = value.amount
        else:
            return field.get_db_prep_save(getattr(row, name), here)
        return here.ops.adapt_decimalfield_value(amount, digits, places)

    return written
