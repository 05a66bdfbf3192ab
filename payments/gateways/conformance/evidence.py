"""Evidence: what became of a request, what is held, and the provider's own list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from payments.errors import GatewayUnavailable
from payments.gateways.base import GatewayOptions, Kind, Outcome, Response
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, expect, refuse, rule


class EvidenceRules(Bench):
    def look(self, kind: Kind, options: GatewayOptions, authorization: str = "") -> Response | None:
        key, order_id = options["idempotency_key"], options["order_id"]
        return self.gateway.lookup(kind=kind, idempotency_key=key, order_id=order_id, authorization=authorization)

    @rule("a-lost-answer-is-found", needs="lookup", wire=True)
    def test_a_lost_answer_is_found(self) -> None:
        options = self.options()
        self.spoil("lost_answer")
        refuse(GatewayUnavailable, self.gateway.authorize, 1_000, self.source("approve"), options)
        found = self.look("authorize", options)
        demand(found, "An authorization whose answer was lost is not found.")
        held = expect(Outcome.APPROVED, found or Response(outcome=Outcome.DECLINED)).authorization
        demand(held and self.books(held).authorized == 1_000, "What is found is not what was done.")
        options = self.options(options["order_id"])
        amount = 400 if self.gateway_class.capabilities.partial_capture else 1_000
        self.spoil("lost_answer")
        refuse(GatewayUnavailable, self.gateway.capture, amount, held, options)
        taken = self.look("capture", options, held)
        demand(taken and taken.success, "A capture whose answer was lost is not found.")
        demand(taken and taken.amount_minor in (None, amount), "The capture that is found has another amount.")

    @rule("a-lost-decline-is-found", needs="lookup", wire=True)
    def test_a_lost_decline_is_found(self) -> None:
        options = self.options()
        self.spoil("lost_answer")
        refuse(GatewayUnavailable, self.gateway.authorize, 1_000, self.source("decline"), options)
        found = self.look("authorize", options)
        demand(found, "A decline whose answer was lost is not found.")
        expect(Outcome.DECLINED, found or Response(outcome=Outcome.APPROVED))

    @rule("nothing-is-found-where-nothing-was-done", needs="lookup", wire=True)
    def test_nothing_is_found_where_nothing_was_done(self) -> None:
        options = self.options()
        self.spoil("lost_request")
        refuse(GatewayUnavailable, self.gateway.authorize, 1_000, self.source("approve"), options)
        demand(self.look("authorize", options) is None, "The request never arrived, and something was found.")

    @rule("deeds-are-told-apart", needs="lookup", wire=True)
    def test_deeds_are_told_apart(self) -> None:
        first = self.options()
        order_id = first["order_id"]
        held = self.hold(options=first)
        expect(Outcome.APPROVED, self.gateway.capture(1_000, held, self.options(order_id)))
        refunds = [self.options(order_id) for _ in range(3)]
        done = [self.give_back(100, held, options) for options in refunds[:2]]
        for options, answer in zip(refunds, done, strict=False):
            found = self.look("refund", options, held)
            same = found is not None and found.reference == answer.reference
            demand(same, f"Looked up by the key of {answer.reference}, it finds {found and found.reference}.")
        found = self.look("refund", refunds[2], held)
        demand(found is None, f"A refund that was never asked for is taken for {found and found.reference}.")

    @rule("a-failed-look-is-unknown", wire=True)
    def test_a_failed_look_is_unknown(self) -> None:
        """Silence about a deed is no proof that it was not done."""
        abilities, options = self.gateway_class.capabilities, self.options()
        held = self.hold(options=options)
        for fault in ("error_before", "lost_answer", "truncated_body", "rate_limited"):
            if abilities.lookup:
                self.spoil(fault, kind="lookup", times=0)
                refuse(GatewayUnavailable, self.look, "authorize", options)
            if abilities.fetch:
                self.spoil(fault, kind="fetch", times=0)
                refuse(GatewayUnavailable, self.gateway.fetch, held)

    @rule("what-is-held-is-told", needs="fetch", wire=True)
    def test_what_is_held_is_told(self) -> None:
        held = self.hold()
        self.demand_snapshot(held, authorized=1_000, captured=0, refunded=0, voided=False)
        expect(Outcome.APPROVED, self.gateway.capture(1_000, held, self.options()))
        self.demand_snapshot(held, authorized=1_000, captured=1_000, refunded=0, voided=False)
        expect(Outcome.APPROVED, self.give_back(1_000, held))
        self.demand_snapshot(held, authorized=1_000, captured=1_000, refunded=1_000, voided=False)

    def demand_snapshot(self, authorization: str, **right: int | bool) -> None:
        told = self.gateway.fetch(authorization)
        found = {name: getattr(told, name if name == "voided" else f"{name}_minor") for name in right}
        demand(told.authorization == authorization, f"Asked for {authorization}, it tells of {told.authorization}.")
        demand(found == right, f"It tells {found}; {right} is right.")

    @rule("the-list-is-whole", needs="listing", wire=True)
    def test_the_list_is_whole(self) -> None:
        options = self.options()
        expected = {}
        for _ in range(self.a_page_of_records + 1):
            answer = self.approved(options=self.options(options["order_id"]))
            expected[answer.reference] = answer.authorization
        now = datetime.now(UTC)
        records = list(self.gateway.list_records(now - timedelta(hours=1), now + timedelta(hours=1)))
        found = {each.reference: each.authorization for each in records if each.kind == "authorize"}
        demand(found == expected, f"{len(expected)} authorizations were made, {len(found)} are listed.")
        demand(len(records) == len(expected), "Something is listed twice.")
        for each in records:
            said = (each.amount_minor, each.currency, each.order_id)
            demand(said == (1_000, self.currency, options["order_id"]), f"A record says {said}.")
            demand(each.occurred_at.tzinfo is not None, "A record's time has no time zone.")

    @rule("the-list-keeps-its-bounds", needs="listing", wire=True)
    def test_the_list_keeps_its_bounds(self) -> None:
        self.hold()
        now, hour = datetime.now(UTC), timedelta(hours=1)
        [one] = self.gateway.list_records(now - hour, now + hour)
        step = timedelta(milliseconds=1)
        begins = list(self.gateway.list_records(one.occurred_at, one.occurred_at + hour))
        demand(len(begins) == 1, "What happened at `since` is not listed.")
        ends = list(self.gateway.list_records(one.occurred_at - hour, one.occurred_at))
        demand(not ends, "What happened at `until` is listed.")
        later = list(self.gateway.list_records(one.occurred_at + step, one.occurred_at + hour))
        demand(not later, "What happened before `since` is listed.")
