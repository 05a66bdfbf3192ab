"""A database with many rows in it: one real sale, copied with other ids and numbers by the database itself."""

from __future__ import annotations

from typing import Any

from django.db import connection

SERIES = {
    "postgresql": "(SELECT n FROM generate_series(1, {rows}) AS n) AS series",
    "sqlite": "(WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < {rows})"
    " SELECT n FROM count) AS series",
}


def fill(ours: Any, rows: int) -> None:
    """`rows` orders, each with a line, a payment and two operations, as the verbs leave them."""
    payment = ours.create()
    ours.authorize(payment)
    ours.capture(payment)
    series = SERIES[connection.vendor].format(rows=rows)
    copy("orders_order", series, rows, number="'B' || n", id="{base} + n")
    copy("orders_lineitem", series, rows, id="{base} + n", order_id="{base} + n")
    copy("payments_payment", series, rows, id="{base} + n", order_id="{base} + n", number="n")
    first, second = payment.operations.values_list("pk", flat=True)
    for offset, operation in ((0, first), (rows, second)):
        copy(
            "payments_operation",
            series,
            rows,
            template=operation,
            id=f"{{base}} + {offset} + n",
            payment_id="{base} + n",
            attempt_id="NULL",
            idempotency_key=f"'k{offset}-' || n",
        )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in ("orders_order", "orders_lineitem", "payments_payment", "payments_operation"):
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("ANALYZE")


def copy(table: str, series: str, rows: int, *, template: int | None = None, **changed: str) -> None:
    """Insert `rows` copies of one row of `table`, with these columns computed from `n`."""
    base = 1_000_000
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        values = [str(changed.get(name, f't."{name}"')).format(base=base) for name in columns]
        names = ", ".join(f'"{name}"' for name in columns)
        where = f"t.id = {template}" if template else f"t.id = (SELECT min(id) FROM {table})"
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {series}, {table} AS t WHERE {where}"
        )
