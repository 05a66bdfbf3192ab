"""Queries whose SQL is made once: building that of a wide join costs Django more than running it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import ModelIterable

from payments.models.rows import cursor_of

# Stands in for an id while the query is compiled; no row has it.
PLACEHOLDERS = tuple(-7_000_000_000_000_001 - number for number in range(64))


class Prepared:
    """A query set built from one or two ids, run as a function of them. Rows are what Django makes of them.

    `build` gets the ids and returns the query set, of models (with what it joins) or of tuples; nothing else in it
    may depend on the call. One compiled copy is kept for each connection, and a connection belongs to one thread.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, Any]]) -> None:
        self._build = build
        self._compiled: WeakKeyDictionary[Any, Compiled] = WeakKeyDictionary()

    def __call__(self, *ids: int) -> list[Any]:
        connection = connections[DEFAULT_DB_ALIAS]
        compiled = self._compiled.get(connection)
        if compiled is None:
            compiled = Compiled(self._build(*PLACEHOLDERS[: len(ids)]).using(DEFAULT_DB_ALIAS), connection)
            self._compiled[connection] = compiled
        return compiled.run(ids, connection)


class Compiled:
    """The statement of a query set for one kind of database, and how its rows are made."""

    def __init__(self, queryset: Any, connection: Any) -> None:
        compiler = queryset.query.get_compiler(connection=connection)
        self.sql, self.params = compiler.as_sql()
        found = compiler.get_converters([column[0] for column in compiler.select])
        self.converters = [(place, convert, column) for place, (convert, column) in found.items()]
        of_models = queryset._iterable_class is ModelIterable
        self.make = _maker(compiler.klass_info, compiler.select) if of_models else tuple

    def run(self, ids: tuple[int, ...], connection: Any) -> list[Any]:
        filled = [ids[PLACEHOLDERS.index(value)] if value in PLACEHOLDERS else value for value in self.params]
        with cursor_of(connection) as cursor:
            cursor.execute(self.sql, filled)
            rows = cursor.fetchall()
        return [self.make(self._converted(row, connection)) for row in rows]

    def _converted(self, row: Any, connection: Any) -> Any:
        if not self.converters:
            return row
        row = list(row)
        for place, convert, column in self.converters:
            value = row[place]
            for each in convert:
                value = each(value, column, connection)
            row[place] = value
        return row


def _maker(wanted: Any, columns: Any, key: bool = False) -> Callable[[Any], Any]:
    """Makes a model's instance, and those that are joined to it, of one row. With `key`, None of a row without it."""
    model, places = wanted["model"], wanted["select_fields"]
    begin, end = places[0], places[-1] + 1
    names = [column[0].target.attname for column in columns[begin:end]]
    at = names.index(model._meta.pk.attname)
    joined = [
        (_maker(each, columns, key=True), each["local_setter"], each["remote_setter"])
        for each in wanted.get("related_klass_infos", ())
    ]

    def make(row: Any) -> Any:
        values = row[begin:end]
        if key and values[at] is None:
            return None
        made = model.from_db(DEFAULT_DB_ALIAS, names, values)
        for make_other, tell_this, tell_other in joined:
            other = make_other(row)
            tell_this(made, other)
            if other is not None:
                tell_other(other, made)
        return made

    return make
