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
    move_sequences("orders_order", "orders_lineitem", "payments_payment", "payments_operation")


# What differs between the databases: so many minutes for each row that comes after it, and a number with leading zeros.
DIALECT = {
    "postgresql": {"moment": "now() - ({rows} - n) * interval '{minutes} minutes'", "digits": "lpad(n::text, 7, '0')"},
    "sqlite": {
        "moment": "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || ({minutes} * ({rows} - n)) || ' minutes')",
        "digits": "substr('0000000' || n, -7)",
    },
}


def fill_lists(payment: Any, rows: int, *, minutes: int = 5) -> None:
    """`rows` sales like this one, so many minutes apart; a few pending, failed, unknown or to be reviewed."""
    series = SERIES[connection.vendor].format(rows=rows)
    words = {name: text.format(rows=rows, minutes=minutes) for name, text in DIALECT[connection.vendor].items()}
    moment, digits = words["moment"], words["digits"]
    # Beyond every id that was given, also to rows that are gone: a sequence does not go back.
    base = 10_000_000 * (1 + payment.pk // 10_000_000)
    currency = "CASE WHEN n % 3 = 0 THEN 'EUR' ELSE 'USD' END"
    order: dict[str, Any] = {
        "number": f"'R9' || {digits}",
        "email": "'c' || (n / 10) || '@example.com'",
        "created_at": moment,
    }
    copy("payments_creditcard", series, rows, base=base, id="{base} + n", last_four=f"substr({digits}, 4, 4)")
    copy("orders_order", series, rows, base=base, id="{base} + n", currency=currency, total="n % 500 + 1", **order)
    copy(
        "payments_payment",
        series,
        rows,
        base=base,
        id="{base} + n",
        order_id="{base} + n",
        source_id="{base} + n",
        number=f"'P' || {digits}",
        response_code="'auth_' || n",
        currency=currency,
        amount="n % 500 + 1",
        created_at=moment,
        state="CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 100 IN (1, 2) THEN 'failed'"
        " WHEN n % 100 IN (3, 4) THEN 'processing' ELSE 'completed' END",
        review_reason="CASE WHEN n % 100 = 5 THEN 'Look at this.' ELSE '' END",
    )
    first, second = payment.operations.values_list("pk", flat=True)
    # What is unknown gets settled, so a longer history has no more of it.
    answer = (
        f"CASE WHEN n % 100 = 3 AND n > {rows} - 10000 THEN 'unknown'"
        " WHEN n % 100 IN (1, 2) THEN 'declined' ELSE 'succeeded' END"
    )
    for offset, operation, state in ((0, first, "'succeeded'"), (rows, second, answer)):
        copy(
            "payments_operation",
            series,
            rows,
            base=base,
            template=operation,
            id=f"{{base}} + {offset} + n",
            payment_id="{base} + n",
            attempt_id="NULL",
            idempotency_key=f"'k{offset}-' || n",
            state=state,
            created_at=moment,
            answered_at=moment,
        )
    move_sequences("orders_order", "payments_creditcard", "payments_payment", "payments_operation")


def multiply(payment: Any, rows: int, letter: str, *, base: int) -> None:
    """`rows` copies of this payment, its order, its operations and refunds; ids follow `base`, names the letter."""
    series = SERIES[connection.vendor].format(rows=rows)
    digits = DIALECT[connection.vendor]["digits"]
    named = f"'{letter}' || {digits}"
    line = payment.order.line_items.get()
    copy("orders_order", series, rows, template=payment.order_id, base=base, id="{base} + n", number=f"'R' || {named}")
    copy("orders_lineitem", series, rows, template=line.pk, base=base, id="{base} + n", order_id="{base} + n")
    ids: dict[str, Any] = {"id": "{base} + n", "order_id": "{base} + n"}
    copy("payments_payment", series, rows, template=payment.pk, base=base, number=named, **ids)
    for place, operation in enumerate(payment.operations.order_by("sequence")):
        copy(
            "payments_operation",
            series,
            rows,
            template=operation.pk,
            base=base,
            id=f"{{base}} + {place * rows} + n",
            payment_id="{base} + n",
            attempt_id="{base} + n" if operation.attempt_id else "NULL",
            idempotency_key=f"{named} || '-{operation.kind}-{operation.sequence}'",
        )
    for refund in payment.refunds.all():
        ids = {"id": "{base} + n", "payment_id": "{base} + n", "operation_id": f"{{base}} + {rows} + n"}
        copy("payments_refund", series, rows, template=refund.pk, base=base, **ids)


def move_sequences(*tables: str) -> None:
    """Let new rows come behind the copied ones, and the planner know what there is."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in tables:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        cursor.execute("ANALYZE")


def copy(
    table: str, series: str, rows: int, *, template: int | None = None, base: int = 1_000_000, **changed: str
) -> None:
    """Insert `rows` copies of one row of `table`, with these columns computed from `n`; their ids follow `base`."""
    with connection.cursor() as cursor:
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
        values = [str(changed.get(name, f't."{name}"')).format(base=base) for name in columns]
        names = ", ".join(f'"{name}"' for name in columns)
        where = f"t.id = {template}" if template else f"t.id = (SELECT min(id) FROM {table})"
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(values)} FROM {series}, {table} AS t WHERE {where}"
        )
