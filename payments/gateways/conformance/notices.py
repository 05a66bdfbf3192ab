"""Webhooks: signed, fresh, each by itself, in any order and number, of any type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from payments.errors import InvalidSignature, UnreadableNotice
from payments.gateways.base import Fact, Gateway, Outcome, Response, WebhookNotice
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, no_connections, refuse, rule

HOUR = 3_600


class NoticeRules(Bench):
    def read(self, body: bytes, gateway: Gateway | None = None) -> list[WebhookNotice]:
        return (gateway or self.gateway).parse_webhook(*self.seal(body))

    def a_notice(self) -> bytes:
        """The first notice of something new."""
        return self.notices(self.hold() if self.notified[0] == "authorize" else self.taken())[0]

    def facts(self, bodies: Sequence[bytes], gateway: Gateway | None = None) -> list[Fact]:
        return [fact for body in bodies for notice in self.read(body, gateway) for fact in notice.facts]

    @rule("a-notice-tells-its-deed", needs="webhooks", wire=True)
    def test_a_notice_tells_its_deed(self) -> None:
        options, kind = self.options(), self.notified[0]
        done = self.approved(options=options)
        if kind == "capture":
            done = self.gateway.capture(1_000, done.authorization, self.options(options["order_id"]))
        [fact] = self.facts(self.notices(done.authorization))
        said = (fact.kind, fact.outcome, fact.amount_minor, fact.currency, fact.authorization, fact.order_id)
        right = (kind, Outcome.APPROVED, 1_000, self.currency, done.authorization, options["order_id"])
        demand(said == right, f"The notice says {said}; {right} is right.")
        same = fact.reference == done.reference
        demand(same, f"The answer calls it {done.reference}, the notice {fact.reference}: it would be counted twice.")
        demand(fact.occurred_at is None or fact.occurred_at.tzinfo, "The notice's time has no time zone.")

    @rule("a-forged-notice-is-refused", needs="webhooks", wire=True)
    def test_a_forged_notice_is_refused(self) -> None:
        body, parse = self.a_notice(), self.gateway.parse_webhook
        if not self.gateway_class.signs_webhooks:
            self.demand_that_a_claim_is_only_a_claim(body)
            return
        headers, sealed = self.seal(body)
        refuse(InvalidSignature, parse, {}, body)
        if headers:
            refuse(InvalidSignature, parse, {}, sealed)
            refuse(InvalidSignature, parse, dict.fromkeys(headers, ""), sealed)
        refuse(InvalidSignature, parse, *self.seal(body, secret="whsec_of_somebody_else"))  # noqa: S106
        refuse(InvalidSignature, parse, headers, sealed.replace(b"1000", b"1001") + b" ")
        refuse(InvalidSignature, parse, headers, b" " + sealed)

    def demand_that_a_claim_is_only_a_claim(self, body: bytes) -> None:
        """Where nothing is signed: reading asks nobody, and whoever asks again is told the truth, or nothing."""
        with no_connections() as opened:
            claimed = self.facts([body])
        demand(not opened, f"Whoever sends a notice makes it connect to {opened}: no limit is in between.")
        for fact in claimed if self.gateway_class.capabilities.lookup else ():
            told = self.asked_again(fact)
            said = told and (told.outcome, told.amount_minor, told.reference)
            demand(said == (fact.outcome, fact.amount_minor, fact.reference), f"Asked again, it says {said}.")
            nowhere = replace(fact, authorization="nobody-has-this", reference="nobody-has-this")
            demand(self.asked_again(nowhere) is None, "It confirms what the provider does not know.")
            of_others = replace(fact, order_id="R9-OTHERS")
            demand(self.asked_again(of_others) is None, "It confirms one order's deed as another order's.")

    def asked_again(self, fact: Fact) -> Response | None:
        return self.gateway.lookup_knowing(
            kind=fact.kind,
            idempotency_key=fact.idempotency_key,
            order_id=fact.order_id,
            authorization=fact.authorization,
            reference=fact.reference,
        )

    @rule("an-old-notice-is-refused", needs="webhooks", wire=True)
    def test_an_old_notice_is_refused(self) -> None:
        if self.notices_age:
            body = self.a_notice()
            for seconds in (HOUR, -HOUR):
                refuse(InvalidSignature, self.gateway.parse_webhook, *self.seal(body, seconds_ago=seconds))

    @rule("the-same-notice-is-the-same", needs="webhooks", wire=True)
    def test_the_same_notice_is_the_same(self) -> None:
        body = self.a_notice()
        first, again = self.read(body), self.read(body)
        demand(first == again, "Read twice, one notice says two things.")
        demand(all(notice.event_id and notice.type for notice in first), "A notice has no id, or no type.")
        different = {notice.event_id for notice in first} & {notice.event_id for notice in self.read(self.a_notice())}
        demand(not different, f"Two notices have one id: {different}.")

    @rule("notices-come-in-any-order", needs="webhooks", wire=True)
    def test_notices_come_in_any_order(self) -> None:
        held = self.hold()
        self.gateway.capture(1_000, held, self.options())
        bodies = list(self.notices(held))
        in_turn = self.facts(bodies, self.make_gateway())
        backwards = self.facts(bodies[::-1], self.make_gateway())[::-1]
        demand(in_turn == backwards, "What a notice says depends on what was read before it.")
        told = [(fact.kind, fact.authorization) for fact in in_turn]
        demand(("capture", held) in told, f"The capture of {held} is not told: {told}.")

    @rule("a-strange-notice-is-kept", needs="webhooks", wire=True)
    def test_a_strange_notice_is_kept(self) -> None:
        """Providers add types of notices whenever they like: what means nothing to us is no error."""
        facts = self.facts([self.strange_notice(self.a_notice())])
        demand(not facts, f"A notice of a type that nobody knows is taken for {facts}.")

    @rule("a-signed-riddle-is-unreadable", needs="webhooks", wire=True)
    def test_a_signed_riddle_is_unreadable(self) -> None:
        read: Callable[[bytes], list[WebhookNotice]] = self.read
        for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}"):
            refuse(UnreadableNotice, read, body)
