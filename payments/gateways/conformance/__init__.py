"""One contract for every gateway, as tests that anybody can run on theirs.

    class TestMine(GatewayConformance):
        gateway_class = MyGateway

What is asked of the author is in `bench`; the rules are by subject in the other modules. Which rules apply follows from
what the gateway declares: where it declares nothing, the refusal is what is tested.
"""

from __future__ import annotations

from payments.gateways.conformance.abilities import AbilityRules
from payments.gateways.conformance.answers import AnswerRules
from payments.gateways.conformance.arithmetic import ArithmeticRules
from payments.gateways.conformance.bench import FAULTS, Books, Source
from payments.gateways.conformance.evidence import EvidenceRules
from payments.gateways.conformance.notices import NoticeRules
from payments.gateways.conformance.repeating import RepeatingRules
from payments.gateways.conformance.rules import broken_rules, rules_of
from payments.gateways.conformance.secrecy import SecrecyRules
from payments.gateways.conformance.shape import ShapeRules
from payments.gateways.conformance.silence import SilenceRules

__all__ = ["FAULTS", "Books", "GatewayConformance", "Source", "broken_rules", "rules_of"]


class GatewayConformance(
    ShapeRules,
    ArithmeticRules,
    AnswerRules,
    SilenceRules,
    RepeatingRules,
    EvidenceRules,
    NoticeRules,
    SecrecyRules,
    AbilityRules,
):
    """All rules. pytest makes one of these for each test, so no test sees what another did."""
