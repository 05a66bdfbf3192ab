"""Unknown stays unknown: whatever is no answer of the provider's is GatewayUnavailable, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from payments.errors import GatewayUnavailable
from payments.gateways.base import Outcome, Response
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import Broken, demand, expect, refuse, rule

SILENCE = ("lost_request", "lost_answer", "late_answer", "truncated_body")
SERVER_ERRORS = ("error_before", "error_after")
STRANGE = ("unknown_status", "wrong_currency")


class SilenceRules(Bench):
    def each_verb(self) -> Iterator[Callable[[], Response]]:
        """The five verbs, each ready to be asked for something that would be approved."""
        source, gateway = self.source("approve"), self.gateway
        if self.gateway_class.source_required:
            yield lambda: gateway.authorize(1_000, source, self.options())
            yield lambda: gateway.purchase(1_000, source, self.options())
        held, taken = self.hold(), self.taken()
        yield lambda: gateway.capture(1_000, held, self.options())
        self.before_a_refund(taken)
        yield lambda: gateway.credit(1_000, taken, self.options())
        held = self.hold()
        yield lambda: gateway.void(held, self.options())

    def demand_unknown(self, faults: tuple[str, ...]) -> None:
        for fault in faults:
            for ask in self.each_verb():
                self.spoil(fault)
                try:
                    refuse(GatewayUnavailable, ask)
                except Broken as broken:
                    raise Broken(f"{fault}: {broken}") from broken

    @rule("silence-is-unknown", wire=True)
    def test_silence_is_unknown(self) -> None:
        self.demand_unknown(SILENCE)

    @rule("a-server-error-is-unknown", wire=True)
    def test_a_server_error_is_unknown(self) -> None:
        self.demand_unknown(SERVER_ERRORS)

    @rule("what-is-not-understood-is-unknown", wire=True)
    def test_what_is_not_understood_is_unknown(self) -> None:
        self.demand_unknown(STRANGE)

    @rule("another-amount-is-told", wire=True)
    def test_another_amount_is_told(self) -> None:
        """Either it is unknown, or the answer states the amount, so that the core finds that it is another."""
        held = self.hold()
        self.spoil("wrong_amount")
        try:
            answer = self.gateway.capture(1_000, held, self.options())
        except GatewayUnavailable:
            return
        demand(answer.amount_minor not in (None, 1_000), "The provider took another amount, and that is not told.")

    @rule("too-many-requests-is-no-answer", wire=True)
    def test_too_many_requests_is_no_answer(self) -> None:
        options, source = self.options(), self.source("approve")
        self.spoil("rate_limited")
        try:
            expect(Outcome.APPROVED, self.gateway.authorize(1_000, source, options))  # Asked again with its key.
        except GatewayUnavailable:
            demand(not self.deeds(options["order_id"]), "It says unknown, after it was done.")
        else:
            demand(self.deeds(options["order_id"]) == 1, "Asked again, it was done twice.")
        self.spoil("rate_limited", times=0)
        refuse(GatewayUnavailable, self.gateway.authorize, 1_000, source, self.options())
