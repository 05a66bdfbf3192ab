"""Write the conformance table: python -m tests.conformance.report

Row by row and case by case, from the rules and the tests themselves: nothing in it is written by hand.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "conformance.md"
INTRODUCTION = """\
# Conformance with Solidus

This page is written by `python -m tests.conformance.report`; a test holds it to the code.

Everycent behaves as Solidus 4.8 did, but for what was decided otherwise. Two things are held to that, by
`tests/conformance/`:

- **Rows**: calls that were observed on the real Solidus. Each begins in the same state, makes the same call with a
  gateway that answers the same, and is compared by the kind of exception, the states, the amounts, the
  authorization, what the gateway was asked, and what the call added. A row may differ only by a rule, which stands
  on a decision of the design and says what is expected instead; the row is run and checked all the same.
- **Cases**: behaviours, each a test or left out for a reason. S: pinned by a spec of Solidus; C: follows from its
  code; Q: a quirk or defect, to be decided.

How a row is read: Solidus's invalid transition is `TransitionNotAllowed`, its gateway error `PaymentDeclined`,
`GatewayUnavailable` or plain `GatewayError`, its invalid record `InvalidAmount`. Every call must carry all option
keys of Solidus, also where Solidus passes fewer. A log entry there is an answered operation here.
"""


def page() -> str:
    """The whole page."""
    from tests.conformance.cases.catalogue import every_case
    from tests.conformance.ruled import TABLES

    used = _rows_by_rule()
    parts = [INTRODUCTION, "## Rows, by table\n", _tables(TABLES), "## Rows, by rule\n", _rules(used)]
    parts += ["## Rows that are not applicable\n", _left_out(TABLES), "## Cases, by area\n"]
    parts += [_areas(every_case()), *_cases(every_case())]
    return "\n".join(parts)


# Rows


def _tables(tables: Iterable[str]) -> str:
    from tests.conformance.ruled import left_out, rules_for
    from tests.conformance.tables import rows

    lines, sums = [], Counter[str]()
    for table in sorted(tables):
        count: Counter[str] = Counter()
        for row in rows(table):
            count["all"] += 1
            count["out" if left_out(row) else "ruled" if rules_for(row) else "kept"] += 1
        sums += count
        lines.append((f"`{table}`", count["all"], count["kept"], count["ruled"], count["out"]))
    lines.append(("**all**", sums["all"], sums["kept"], sums["ruled"], sums["out"]))
    return _table(("table", "rows", "as Solidus", "by a rule", "not applicable"), lines)


def _rows_by_rule() -> dict[Any, Counter[str]]:
    """For each decision, how many rows of each table it changes."""
    from tests.conformance.ruled import every_row, left_out, rules_for

    used: dict[Any, Counter[str]] = {}
    for row in every_row():
        for rule in () if left_out(row) else rules_for(row):
            used.setdefault(rule.decision, Counter())[row.table] += 1
    return used


def _rules(used: dict[Any, Counter[str]]) -> str:
    lines = []
    for decision, tables in sorted(used.items(), key=lambda each: each[0].name):
        where = ", ".join(f"`{table}` {count}" for table, count in sorted(tables.items()))
        lines.append((f"**{decision.name}**", f"{decision.says} ({decision.where})", tables.total(), where))
    note = "A row may come under several rules.\n\n"
    return note + _table(("rule", "decision of the design", "rows", "of which"), lines)


def _left_out(tables: dict[str, Any]) -> str:
    from tests.conformance.tables import rows

    lines = [
        (f"`{table}`", each.reason, sum(1 for row in rows(table) if each.applies(row)))
        for table, module in sorted(tables.items())
        for each in module.NOT_APPLICABLE
    ]
    return _table(("table", "why", "rows"), lines)


# Cases


def _areas(cases: Sequence[Any]) -> str:
    from tests.conformance.cases.catalogue import AREAS

    outcomes = ("kept", "decided otherwise", "not applicable")
    lines: list[tuple[Any, ...]] = []
    for area, title in AREAS.items():
        count = Counter(case.outcome for case in cases if case.area == area)
        lines.append((f"{area}. {title}", count.total(), *(count[each] for each in outcomes)))
    count = Counter(case.outcome for case in cases)
    lines.append(("**all**", count.total(), *(count[each] for each in outcomes)))
    return _table(("area", "cases", *outcomes), lines)


def _cases(cases: Sequence[Any]) -> list[str]:
    from tests.conformance.cases.catalogue import AREAS, numbers

    parts, tags = [], numbers()
    for area, title in AREAS.items():
        lines = []
        for case in (each for each in cases if each.area == area):
            why = case.reason
            if case.decision:
                why = f"{case.decision.name} ({case.decision.where})"
            tag = ", ".join(tags[area, case.number])
            lines.append((f"{area} {case.number}", tag, case.text, case.outcome, why))
        parts += [f"## {area}. {title}\n", _table(("case", "tag", "what holds here", "", "why"), lines)]
    return parts


def _table(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    made = [head, ["---"] * len(head), *lines]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in made)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    import django

    django.setup()
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
