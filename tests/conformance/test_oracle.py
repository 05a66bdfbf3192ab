"""Every observed row of Solidus is run here, and comes to what Solidus did but for the rules.

On SQLite all of them, on PostgreSQL a sample of each table.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from django.db import connection

from tests.conformance.ruled import TABLES, every_row, expected, left_out, rules_for
from tests.conformance.start import Shop
from tests.conformance.tables import FOLDER, Row, rows

CHUNK = 60
SAMPLE = 150
SEED = 20260819


def chosen(table: str) -> list[Row]:
    """The rows of a table that are run here: all, or its share of the sample, one at least."""
    everything = list(rows(table))
    if connection.vendor == "sqlite":
        return everything
    share = max(1, round(SAMPLE * len(everything) / len(every_row())))
    return random.Random(f"{SEED}{table}").sample(everything, min(share, len(everything)))


def chunks() -> list[object]:
    made: list[object] = []
    for table in TABLES:
        mine = chosen(table)
        for start in range(0, len(mine), CHUNK):
            made.append(pytest.param(mine[start : start + CHUNK], id=f"{table}-{start}"))
    return made


@pytest.mark.parametrize("chunk", chunks())
def test_rows(chunk: list[Row], shop: Shop) -> None:
    """Each row on an order that no other has touched. A row's difference is told column by column."""
    if connection.vendor != "sqlite":
        print(f"a sample of {chunk[0].table}, seed {SEED}: rows {sorted(row.index for row in chunk)}")
    found = [line for row in chunk if left_out(row) is None for line in differences(row, shop)]
    assert not found, f"{len(found)} differences:\n" + "\n".join(found[:40])


def differences(row: Row, shop: Shop) -> list[str]:
    wanted = expected(row)
    got = TABLES[row.table].replay(row, shop)
    assert got.keys() == wanted.keys()
    names = ", ".join(rule.decision.name for rule in rules_for(row)) or "as Solidus"
    return [
        f"{row} ({names}) {column}: {got[column]!r}, expected {wanted[column]!r}; the row: {row.values}"
        for column in wanted
        if got[column] != wanted[column]
    ]


def test_every_bundled_table_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(TABLES)
    assert len(every_row()) == 2671


@pytest.mark.parametrize("table", TABLES)
def test_no_rule_is_wider_than_its_decision(table: str) -> None:
    """Each rule matches a row, and wherever it matches it expects something else than before it."""
    used: Counter[int] = Counter()
    for row in rows(table):
        if left_out(row):
            assert not rules_for(row), f"{row} is both left out and ruled"
            continue
        expected(row)
        used.update(id(rule) for rule in rules_for(row))
    idle = [rule.decision.name for rule in TABLES[table].RULES if not used[id(rule)]]
    assert not idle, f"rules that match no row of {table}: {idle}"
    missing = [each for each in TABLES[table].NOT_APPLICABLE if not any(map(each.applies, rows(table)))]
    assert not missing
