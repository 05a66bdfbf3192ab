"""Where a rule does not apply, its replacement bites too; and a bench that is not finished is told what is missing."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from payments.gateways.base import Capabilities, Outcome, Response
from payments.gateways.check import CheckGateway
from payments.gateways.conformance import GatewayConformance, broken_rules, rules_of
from tests.conformance_kit.benches import CheckBench, SimulatorBench


class Phones(CheckGateway):
    def void(self, authorization, options):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
        return super().void(authorization, options)


def test_whoever_says_that_there_is_no_wire_opens_no_connection():
    class PhoningBench(CheckBench):
        gateway_class = Phones

    assert "silence-is-unknown" in broken_rules(PhoningBench)


class ChargesNobody(CheckGateway):
    def authorize(self, amount_minor, source, options):
        return Response(outcome=Outcome.APPROVED)


def test_whoever_needs_no_source_charges_none():
    class ChargingBench(CheckBench):
        gateway_class = ChargesNobody

    broken = broken_rules(ChargingBench)
    assert "it-knows-its-sources" in broken
    assert "UnsupportedAction is right" in broken["it-knows-its-sources"]


class RefusesNothing(CheckGateway):
    @classmethod
    def require(cls, capability):
        """Whatever it is."""


def test_what_is_not_declared_is_refused_in_place_of_its_rule():
    class LaxBench(CheckBench):
        gateway_class = RefusesNothing

    assert {"the-list-is-whole", "captures-add-up", "a-notice-tells-its-deed"} <= set(broken_rules(LaxBench))


@pytest.mark.drill
def test_a_narrow_gateway_passes_with_what_it_declares():
    """Every capability can be left out: nothing else breaks."""
    declared = SimulatorBench.gateway_class.capabilities
    flags = [name for name in Capabilities.__dataclass_fields__ if getattr(declared, name) is True]
    for name in flags:
        abilities = replace(declared, **{name: False})
        gateway = type("Narrow", (SimulatorBench.gateway_class,), {"capabilities": abilities})
        bench = type("NarrowBench", (SimulatorBench,), {"gateway_class": gateway})
        broken = broken_rules(bench)
        assert set(broken) <= {"what-is-not-declared-is-refused"}, (name, broken)


def test_a_bench_that_is_not_finished_is_told_what_is_missing():
    class Unfinished(GatewayConformance):
        gateway_class = SimulatorBench.gateway_class
        config = SimulatorBench.config

    broken = broken_rules(Unfinished)
    assert "its-settings-are-described" not in broken
    assert broken["answers-have-the-shape"] == "NotImplementedError: Give a source that will do this: approve."
    assert len(broken) > len(rules_of(GatewayConformance)) // 2
