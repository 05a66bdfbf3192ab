"""Every table with its replay and its rules, and what is expected of a row once the rules have spoken."""

from __future__ import annotations

from types import ModuleType

from tests.conformance.replays import (
    amount_edges,
    cancel,
    gateway_call_shapes_and_refunds,
    gateway_options,
    new_payment_invalidates_old,
    order_cancel,
    order_payment_state,
    order_process_payments,
    payment_actions,
    state_machine,
)
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.tables import Row, rows

MODULES = (
    payment_actions,
    state_machine,
    cancel,
    amount_edges,
    gateway_call_shapes_and_refunds,
    gateway_options,
    new_payment_invalidates_old,
    order_payment_state,
    order_process_payments,
    order_cancel,
)
TABLES: dict[str, ModuleType] = {module.__name__.rpartition(".")[2]: module for module in MODULES}


def every_row() -> list[Row]:
    return [row for table in TABLES for row in rows(table)]


def left_out(row: Row) -> NotApplicable | None:
    """Why a row cannot be run here, if so."""
    reasons: list[NotApplicable] = [each for each in TABLES[row.table].NOT_APPLICABLE if each.applies(row)]
    assert len(reasons) <= 1, f"{row} is left out for two reasons"
    return reasons[0] if reasons else None


def rules_for(row: Row) -> list[Rule]:
    return [rule for rule in TABLES[row.table].RULES if rule.applies(row)]


def expected(row: Row) -> Expectation:
    """What Solidus did, changed by the rules that apply, in their order. Each must change something."""
    solidus: Expectation = TABLES[row.table].solidus(row)
    wanted, rules = solidus, rules_for(row)
    for rule in rules:
        changed = rule.expected(row, dict(wanted))
        assert changed != wanted, f"{row}: the rule “{rule.decision.name}” changes nothing; it is too wide"
        assert changed.keys() == wanted.keys(), f"{row}: “{rule.decision.name}” expects what the table does not have"
        wanted = changed
    assert wanted != solidus or not rules, f"{row}: its rules undo each other"
    return wanted
