"""Asked twice, done once."""

from __future__ import annotations

from collections.abc import Callable

from payments.errors import GatewayUnavailable
from payments.gateways.base import GatewayOptions, Outcome, Response
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, expect, refuse, rule


class RepeatingRules(Bench):
    @rule("the-same-key-is-the-same-deed", needs="idempotency_keys")
    def test_the_same_key_is_the_same_deed(self) -> None:
        source, gateway = self.source("approve"), self.gateway
        if self.gateway_class.source_required:
            self.demand_once(lambda options: gateway.authorize(1_000, source, options))
            self.demand_once(lambda options: gateway.purchase(1_000, source, options))
        held, taken, let_go = self.hold(), self.taken(), self.hold()
        self.before_a_refund(taken)
        self.demand_once(lambda options: gateway.capture(400, held, options), held)
        self.demand_once(lambda options: gateway.credit(400, taken, options), taken)
        self.demand_once(lambda options: gateway.void(let_go, options), let_go)

    def demand_once(self, ask: Callable[[GatewayOptions], Response], authorization: str = "") -> None:
        options = self.options()
        first = ask(options)
        before = self.books(authorization) if authorization and not self.no_wire else None
        again = ask(options)
        demand(first.outcome is again.outcome, f"It says {first.outcome}, and then {again.outcome}, to the same key.")
        same = (first.reference, first.authorization) == (again.reference, again.authorization)
        demand(same, f"One key, two deeds: {first.reference}, {again.reference}.")
        if before is not None:
            demand(before == self.books(authorization), "Asked again with the same key, it was done again.")

    @rule("a-lost-answer-is-asked-for-again", needs="idempotency_keys", wire=True)
    def test_a_lost_answer_is_asked_for_again(self) -> None:
        held, options = self.hold(), self.options()
        self.spoil("lost_answer")
        refuse(GatewayUnavailable, self.gateway.capture, 1_000, held, options)
        done = expect(Outcome.APPROVED, self.gateway.capture(1_000, held, options))
        demand(done.reference or done.authorization, "The answer that was lost is not told.")
        demand(self.books(held).captured == 1_000, "Asked again, it was taken again.")

    @rule("nothing-is-repeated-without-a-key", wire=True, source=True)
    def test_nothing_is_repeated_without_a_key(self) -> None:
        source = self.source("approve")
        for fault, done in (("lost_answer", 1), ("error_after", 1), ("rate_limited", 0)):
            options = self.options(idempotency_key="")
            self.spoil(fault)
            refuse(GatewayUnavailable, self.gateway.purchase, 1_000, source, options)
            found = self.deeds(options["order_id"])
            demand(found == done, f"{fault}: without a key it was sent again, and the provider did {found} things.")
