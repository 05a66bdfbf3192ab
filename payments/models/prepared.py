"""Queries whose SQL is made once: building that of a wide join costs Django more than running it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections, models

# Stands in for an id while the query is compiled; no row has it.
PLACEHOLDERS = (-7_000_000_000_000_001, -7_000_000_000_000_002)


class Prepared:
    """A query set built from one or two ids, run as a function of them. Rows are made as Django makes them.

    `build` gets the ids and returns the query set; nothing else in it may depend on the call. One compiled copy
    is kept for each connection, and a connection belongs to one thread.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, Any]]) -> None:
        self._build = build
        self._compiled: WeakKeyDictionary[Any, tuple[Any, Any, str, list[Any]]] = WeakKeyDictionary()

    def __call__(self, *ids: int) -> list[Any]:
        connection = connections[DEFAULT_DB_ALIAS]
        compiled = self._compiled.get(connection) or self._compile(connection, len(ids))
        queryset, compiler, sql, params = compiled
        filled = tuple(ids[PLACEHOLDERS.index(value)] if value in PLACEHOLDERS else value for value in params)
        compiler.as_sql = lambda *_args, **_kwargs: (sql, filled)
        return list(queryset._iterable_class(queryset))

    def _compile(self, connection: Any, count: int) -> tuple[Any, Any, str, list[Any]]:
        queryset: Any = self._build(*PLACEHOLDERS[:count]).using(DEFAULT_DB_ALIAS)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        converters = compiler.get_converters([column[0] for column in compiler.select])
        compiler.get_converters = lambda _columns: converters
        queryset.query.get_compiler = lambda *_args, **_kwargs: compiler
        compiled = self._compiled[connection] = (queryset, compiler, sql, list(params))
        return compiled


@cache
def _update_sql(model: type[models.Model], names: tuple[str, ...]) -> str:
    meta: Any = model._meta
    columns = ", ".join(f'"{meta.get_field(name).column}" = %s' for name in names)
    return f'UPDATE "{meta.db_table}" SET {columns} WHERE "{meta.pk.column}" = %s'  # noqa: S608 (our own names)


def update_row(row: models.Model, *names: str) -> None:
    """Write these fields of one row, as they stand on the object, with one UPDATE of ready-made SQL."""
    connection = connections[DEFAULT_DB_ALIAS]
    fields: list[Any] = [row._meta.get_field(name) for name in names]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_update_sql(type(row), names), [*values, row.pk])
