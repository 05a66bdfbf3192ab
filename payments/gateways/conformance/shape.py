"""The shape of answers, handles and settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from payments.gateways.base import Outcome, Response
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, expect, rule

TEXTS = ("authorization", "reference", "message", "error_code", "avs_code", "cvv_code", "cvv_message")
SECRET_WORDS = ("secret", "password", "private", "api_key", "token")
LONGEST_EVER = timedelta(minutes=5)


class ShapeRules(Bench):
    @rule("answers-have-the-shape")
    def test_answers_have_the_shape(self) -> None:
        held = self.hold()
        answers = [self.gateway.capture(1_000, held, self.options())]
        answers += [self.give_back(1_000, answers[0].authorization or held)]
        answers += [self.gateway.void(self.hold(), self.options())]
        if self.gateway_class.source_required:
            sources = [self.source("approve"), *self.declines().values()]
            answers += [self.gateway.authorize(1_000, source, self.options()) for source in sources]
        for answer in answers:
            demand_shape(answer)

    @rule("an-approval-has-a-handle", source=True)
    def test_an_approval_has_a_handle(self) -> None:
        sold = expect(Outcome.APPROVED, self.gateway.purchase(1_000, self.source("approve"), self.options()))
        demand(sold.authorization, "An approved purchase has no authorization: nobody can refund it.")
        expect(Outcome.APPROVED, self.give_back(1_000, sold.authorization))

    @rule("a-reference-names-one-deed")
    def test_a_reference_names_one_deed(self) -> None:
        held = self.hold()
        taken = self.gateway.capture(1_000, held, self.options())
        back = self.give_back(1_000, taken.authorization or held)
        deeds = [taken, back, *(self.gateway.void(self.hold(), self.options()) for _ in range(2))]
        if self.gateway_class.source_required:
            deeds += [self.approved(), self.approved()]
        demand(self.no_wire or all(each.reference for each in deeds), "A deed of the provider has no reference.")
        references = [each.reference for each in deeds if each.reference]
        demand(len(set(references)) == len(references), f"One reference names several deeds: {references}.")

    @rule("it-keeps-nothing-between-calls")
    def test_it_keeps_nothing_between_calls(self) -> None:
        held = self.hold()
        another = self.make_gateway()
        expect(Outcome.APPROVED, another.capture(1_000, held, self.options()))

    @rule("its-settings-are-described")
    def test_its_settings_are_described(self) -> None:
        fields = self.gateway_class.config_fields
        names = [field.name for field in fields]
        demand(len(set(names)) == len(names), f"A setting is there twice: {names}.")
        for field in fields:
            demand(field.name.isidentifier() and field.label, f"The setting “{field.name}” needs a name and a label.")
            is_secret = any(word in field.name for word in SECRET_WORDS)
            demand(field.secret or not is_secret, f"“{field.name}” is a secret: its value must not be in the database.")

    @rule("its-longest-call-is-true")
    def test_its_longest_call_is_true(self) -> None:
        says = self.gateway_class.longest_call
        demand(timedelta(0) < says <= LONGEST_EVER, f"A call that takes {says} keeps recovery waiting.")
        demand(self.waits() <= says, f"longest_call is {says}, but a call can take {self.waits()}.")

    @rule("it-knows-its-sources", source=True)
    def test_it_knows_its_sources(self) -> None:
        demand(self.gateway.supports(self.source("approve")) is True, "It does not support the source that it charges.")
        demand(self.gateway.supports(object()) is False, "It supports what is no source.")


def demand_shape(answer: Any) -> None:
    demand(isinstance(answer, Response), f"{answer!r} is no Response.")
    demand(isinstance(answer.outcome, Outcome), f"{answer.outcome!r} is no Outcome.")
    for name in TEXTS:
        demand(isinstance(getattr(answer, name), str), f"{name} is {getattr(answer, name)!r}, which is no text.")
    amount = answer.amount_minor
    demand(
        amount is None or (type(amount) is int and amount >= 0), f"amount_minor is {amount!r}: a whole number, or None."
    )
    for name in ("params", "next_action"):
        value = getattr(answer, name)
        demand(isinstance(value, Mapping) or (name == "next_action" and value is None), f"{name} is {value!r}.")
        demand(_is_json(value), f"{name} cannot be stored: {value!r}.")


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
