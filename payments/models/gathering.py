"""What several payments write in one transaction, kept back and written in few statements.

    with transaction.atomic(), gathering() as kept:
        ...                 # update_rows, insert_row and tell_order of the verbs end here
        kept.write()
        kept.tell_orders(by=by)

Values are those that the objects have when they are written. Within one transaction nobody else can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections, models

from payments.actors import Actor
from payments.models import rows

if TYPE_CHECKING:
    from payments.payable import Payable

MOST = 32  # So many payments go together: the statements that read them have so many places.
Step = tuple[type[models.Model], tuple[str, ...]]  # Which columns of which table; no columns: a new row.


def padded(ids: Sequence[int]) -> tuple[int, ...]:
    """As many ids as there are places; the last one fills what is left."""
    return (*ids, *[ids[-1]] * (MOST - len(ids)))


def tell_order(order: Payable, *, by: Actor) -> None:
    """A payment of this locked order has changed: tell it now, or when what was kept back is written."""
    kept = rows.GATHERING.get()
    if kept is None:
        order.payment_changed(by=by)
    else:
        kept.orders.append(order)


@contextmanager
def gathering(*, new: type[models.Model] | None = None) -> Iterator[Gathering]:
    """Keep back every `update_rows`, and the new rows of one model: their ids are known only once they are written."""
    kept = Gathering(new)
    before = rows.GATHERING.set(kept)
    try:
        yield kept
    finally:
        rows.GATHERING.reset(before)


class Gathering:
    def __init__(self, new: type[models.Model] | None) -> None:
        self.new, self.steps, self.orders = new, list[tuple[Step, models.Model]](), list[Any]()

    # What `rows` hands over

    def update(self, row: models.Model, names: tuple[str, ...]) -> None:
        self.steps.append(((type(row), names), row))

    def insert(self, row: models.Model) -> bool:
        """Whether it is kept back. What is not may lean on what is: so that is written first."""
        if type(row) is self.new:
            self.steps.append(((type(row), ()), row))
            return True
        self.write()
        return False

    # What is done with it

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """One payment's part: if it raises, nothing of it is written."""
        mark = len(self.steps), len(self.orders)
        try:
            yield
        except BaseException:
            del self.steps[mark[0] :], self.orders[mark[1] :]
            raise

    def write(self) -> None:
        """Write what was kept back: new rows first, then one statement for each kind of update."""
        steps, self.steps = self.steps, []
        sorted_out: dict[Step, dict[int, models.Model]] = {}
        for step, row in sorted(steps, key=lambda each: bool(each[0][1])):
            sorted_out.setdefault(step, {})[row.pk or id(row)] = row
        before = rows.GATHERING.set(None)
        try:
            for (model, names), found in sorted_out.items():
                if names:
                    write_alike(model, names, list(found.values()))
                else:
                    insert_alike(model, list(found.values()))
        finally:
            rows.GATHERING.reset(before)

    def tell_orders(self, *, by: Actor) -> None:
        """Tell each order once, after what its payments write is written; what follows from it is written, too."""
        orders = list({order.pk: order for order in self.orders}.values())
        self.orders = []
        for begin in range(0, len(orders), MOST):
            type(orders[0]).payments_changed(orders[begin : begin + MOST], by=by)
        self.write()


def write_alike(model: type[models.Model], names: tuple[str, ...], found: list[Any]) -> None:
    """Write these fields of several rows of one model with one UPDATE. SQLite, which is no way off, takes one each."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql" or len(found) == 1:
        for row in found:
            rows.update_row(row, *names)
        return
    _sql, columns = rows.update_sql(model, names)
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    own, given = [f'"{field.column}"' for field in fields], [_kind(field, connection) for field in fields]
    first = ", ".join(f"%s::{kind}" for kind in given)
    others = f", ({', '.join(['%s'] * len(fields))})" * (len(found) - 1)
    sets = ", ".join(f"{name} = new.{name}" for name in own[1:])
    table = f'"{model._meta.db_table}"'
    sql = f"UPDATE {table} SET {sets} FROM (VALUES ({first}){others}) AS new ({', '.join(own)})"  # noqa: S608
    values = [value for row in found for value in (row.pk, *(written(row, connection) for written in columns))]
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} WHERE {table}.{own[0]} = new.{own[0]}", values)


def insert_alike(model: type[models.Model], found: list[Any]) -> None:
    """Write several new rows of one model with one INSERT, and give them their ids. SQLite takes one each."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor != "postgresql" or len(found) == 1:
        for row in found:
            rows.insert_row(row)
        return
    sql, columns, filled = rows.insert_sql(model, "")
    places = f"({', '.join(['%s'] * len(columns))})"
    for row in found:
        row._prepare_related_fields_for_save(operation_name="save")
        for field in filled:
            field.pre_save(row, add=True)
    values = [written(row, connection) for row in found for written in columns]
    with connection.cursor() as cursor:
        cursor.execute(sql.replace(places, ", ".join([places] * len(found))), values)
        made = cursor.fetchall()
    for row, (key,) in zip(found, made, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _kind(field: Any, connection: Any) -> str:
    """The column's type without its length: a cast to a length would cut off what does not fit, and say nothing."""
    kind = field.rel_db_type(connection) if field.primary_key else field.db_type(connection)
    return re.sub(r"\(.*\)", "", str(kind))
