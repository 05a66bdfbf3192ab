"""What the provider says, in our words: yes, no, the customer must act, later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from payments.errors import PaymentDeclined
from payments.gateways.base import DeclineCode, Outcome, Response
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, expect, rule


class AnswerRules(Bench):
    @rule("a-decline-has-a-standard-code", source=True)
    def test_a_decline_has_a_standard_code(self) -> None:
        for code, source in self.declines().items():
            for charge in (self.gateway.authorize, self.gateway.purchase):
                refused = declined(charge, 1_000, source, self.options())
                demand_code(refused)
                demand(refused.error_code == code, f"{code} is right, it says {refused.error_code}.")
                demand(refused.message, "A decline says nothing that the customer could be told.")

    @rule("what-is-not-there-is-declined", wire=True)
    def test_what_is_not_there_is_declined(self) -> None:
        """The provider has answered, and did nothing: that is no silence."""
        demand_code(declined(self.gateway.capture, 1_000, "nobody-has-this", self.options()))
        demand_code(declined(self.gateway.void, "nobody-has-this", self.options()))
        demand_code(declined(self.gateway.credit, 1_000, "nobody-has-this", self.options()))

    @rule("a-challenge-waits", source=True)
    def test_a_challenge_waits(self) -> None:
        challenged = self.source("challenge")
        if challenged is not None:
            answer = expect(Outcome.ACTION_REQUIRED, self.gateway.purchase(1_000, challenged, self.options()))
            demand_next_action(answer)

    @rule("later-is-not-now", source=True)
    def test_later_is_not_now(self) -> None:
        undecided = self.source("process")
        if undecided is not None:
            expect(Outcome.PROCESSING, self.gateway.authorize(1_000, undecided, self.options()))


def declined(verb: Callable[..., Response], *args: Any) -> Response:
    """The refusal, answered or raised."""
    try:
        return expect(Outcome.DECLINED, verb(*args))
    except PaymentDeclined as refusal:
        return Response(outcome=Outcome.DECLINED, message=refusal.message, error_code=refusal.error_code)


def demand_code(refused: Response) -> None:
    known = refused.error_code in set(DeclineCode)
    demand(known, f"“{refused.error_code}” is no standard code: see payments/gateways/codes.py.")


def demand_next_action(answer: Response) -> str:
    """The address to which the customer has to go."""
    action = answer.next_action or {}
    url = str(action.get("url", ""))
    demand(action.get("type") == "redirect", f"next_action is {action}: its type is to be “redirect”.")
    demand(url.startswith(("https://", "http://")), f"next_action leads nowhere: “{url}”.")
    demand(answer.authorization, "What waits has no handle: nobody can give it up.")
    return url
