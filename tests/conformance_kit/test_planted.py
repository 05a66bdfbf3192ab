"""The kit bites: a gateway with one bug breaks exactly the rule that is there to find it."""

from __future__ import annotations

import random

import pytest

from payments.gateways.conformance import GatewayConformance, broken_rules, rules_of
from tests.conformance_kit.benches import SimulatorBench
from tests.conformance_kit.planted import PLANTED


def bench_for(gateway):
    return type(f"{gateway.__name__}Bench", (SimulatorBench,), {"gateway_class": gateway})


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_bug_breaks_its_rule(rule):
    few = {rule, *random.Random(rule).sample(sorted(PLANTED), 8)}
    assert set(broken_rules(bench_for(PLANTED[rule]), few)) == {rule}


@pytest.mark.drill  # Every bug with every rule.
@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_bug_breaks_its_rule_and_no_other(rule):
    found = broken_rules(bench_for(PLANTED[rule]))
    assert set(found) == {rule}, found


def test_there_is_a_planted_bug_for_every_rule():
    assert set(PLANTED) == set(rules_of(GatewayConformance))


def test_every_test_of_the_kit_is_a_rule_with_a_name():
    tests = [getattr(GatewayConformance, name) for name in dir(GatewayConformance) if name.startswith("test_")]
    names = [test.rule for test in tests]
    assert len(names) == len(set(names)) >= 40
    assert all(name == name.lower() and " " not in name for name in names)
