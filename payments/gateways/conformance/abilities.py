"""Capabilities tell the truth: what is declared is there, what is not is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from payments.errors import UnsupportedAction
from payments.gateways.base import Capabilities, Outcome
from payments.gateways.conformance.answers import declined, demand_code, demand_next_action
from payments.gateways.conformance.bench import Bench, Source
from payments.gateways.conformance.rules import METHODS, demand, demand_refusal, expect, is_there, refuse, rule


class AbilityRules(Bench):
    @rule("what-is-declared-is-there")
    def test_what_is_declared_is_there(self) -> None:
        declared = self.gateway_class.capabilities
        demand(isinstance(declared, Capabilities), f"capabilities is {declared!r}.")
        demand(declared.visibility_window >= timedelta(0), "A visibility_window below zero is none.")
        for capability, method in METHODS.items():
            there = is_there(self.gateway_class, capability)
            demand(there or not getattr(declared, capability), f"It declares `{capability}`, and has no `{method}`.")

    @rule("what-is-not-declared-is-refused")
    def test_what_is_not_declared_is_refused(self) -> None:
        declared = self.gateway_class.capabilities
        for each in fields(Capabilities):
            if getattr(declared, each.name) is False:
                demand_refusal(self, each.name)
        for capability, ask in self.asked_in_vain().items():
            if not getattr(declared, capability):
                said = str(refuse(UnsupportedAction, ask))
                demand(capability in said, f"The refusal does not name `{capability}`: {said}")

    def asked_in_vain(self) -> dict[str, Callable[[], Any]]:
        gateway, now = self.gateway, datetime.now(UTC)
        order = {"idempotency_key": "kit-1", "order_id": "R1-P1", "authorization": "nobody-has-this"}
        return {
            "lookup": lambda: gateway.lookup(kind="capture", **order),
            "fetch": lambda: gateway.fetch("nobody-has-this"),
            "webhooks": lambda: gateway.parse_webhook({}, b"{}"),
            "saved_sources": lambda: gateway.store(Source(token="nobody-has-this"), self.options()),  # noqa: S106
            "listing": lambda: list(gateway.list_records(now, now)),
        }

    @rule("a-saved-source-is-charged-until-forgotten", needs="saved_sources", wire=True)
    def test_a_saved_source_is_charged_until_forgotten(self) -> None:
        saved = Source(token=self.gateway.store(self.source("approve"), self.options()))
        demand(saved.token, "What is stored has no token.")
        expect(Outcome.APPROVED, self.gateway.authorize(1_000, saved, self.options()))
        self.gateway.forget(saved)
        self.gateway.forget(saved)  # Again is no error.
        demand_code(declined(self.gateway.authorize, 1_000, saved, self.options()))

    @rule("a-page-takes-the-customer-over", needs="hosted_page", wire=True)
    def test_a_page_takes_the_customer_over(self) -> None:
        hosted, options = Source(is_hosted=True), self.options()
        demand(self.gateway.supports(hosted), "It has a page, and does not support a source that is paid there.")
        waits = expect(Outcome.ACTION_REQUIRED, self.gateway.authorize(1_000, hosted, options))
        url = demand_next_action(waits)
        demand(not self.books(waits.authorization).authorized, "Something is held before the customer has paid.")
        self.pay_page(url)
        demand(self.books(waits.authorization).authorized == 1_000, "The customer has paid, and nothing is held.")
        nowhere = self.options(return_url="")
        refuse(UnsupportedAction, self.gateway.authorize, 1_000, hosted, nowhere)
        demand(not self.deeds(nowhere["order_id"]), "Without an address to come back to, the customer is sent away.")
