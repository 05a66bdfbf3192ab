"""Webhooks: signed, fresh, each by itself, in any order and number, of any type."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from payments.errors import InvalidSignature, UnreadableNotice
from payments.gateways.base import Fact, Gateway, Outcome, WebhookNotice
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, refuse, rule

HOUR = 3_600


class NoticeRules(Bench):
    def read(self, body: bytes, gateway: Gateway | None = None) -> list[WebhookNotice]:
        return (gateway or self.gateway).parse_webhook(self.sign(body), body)

    def facts(self, bodies: Sequence[bytes], gateway: Gateway | None = None) -> list[Fact]:
        return [fact for body in bodies for notice in self.read(body, gateway) for fact in notice.facts]

    @rule("a-notice-tells-its-deed", needs="webhooks", wire=True)
    def test_a_notice_tells_its_deed(self) -> None:
        options = self.options()
        done = self.approved(options=options)
        [fact] = self.facts(self.notices(done.authorization))
        said = (fact.kind, fact.outcome, fact.amount_minor, fact.currency, fact.authorization, fact.order_id)
        right = ("authorize", Outcome.APPROVED, 1_000, self.currency, done.authorization, options["order_id"])
        demand(said == right, f"The notice says {said}; {right} is right.")
        same = fact.reference == done.reference
        demand(same, f"The answer calls it {done.reference}, the notice {fact.reference}: it would be counted twice.")
        demand(fact.occurred_at is None or fact.occurred_at.tzinfo, "The notice's time has no time zone.")

    @rule("a-forged-notice-is-refused", needs="webhooks", wire=True)
    def test_a_forged_notice_is_refused(self) -> None:
        [body, *_] = self.notices(self.hold())
        parse = self.gateway.parse_webhook
        refuse(InvalidSignature, parse, {}, body)
        refuse(InvalidSignature, parse, dict.fromkeys(self.sign(body), ""), body)
        refuse(InvalidSignature, parse, self.sign(body, secret="whsec_of_somebody_else"), body)  # noqa: S106
        refuse(InvalidSignature, parse, self.sign(body), body.replace(b"1000", b"1001") + b" ")

    @rule("an-old-notice-is-refused", needs="webhooks", wire=True)
    def test_an_old_notice_is_refused(self) -> None:
        if self.notices_age:
            [body, *_] = self.notices(self.hold())
            for seconds in (HOUR, -HOUR):
                refuse(InvalidSignature, self.gateway.parse_webhook, self.sign(body, seconds_ago=seconds), body)

    @rule("the-same-notice-is-the-same", needs="webhooks", wire=True)
    def test_the_same_notice_is_the_same(self) -> None:
        [body, *_] = self.notices(self.hold())
        first, again = self.read(body), self.read(body)
        demand(first == again, "Read twice, one notice says two things.")
        demand(all(notice.event_id and notice.type for notice in first), "A notice has no id, or no type.")
        [other, *_] = self.notices(self.hold())
        different = {notice.event_id for notice in first} & {notice.event_id for notice in self.read(other)}
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
        [body, *_] = self.notices(self.hold())
        facts = self.facts([self.strange_notice(body)])
        demand(not facts, f"A notice of a type that nobody knows is taken for {facts}.")

    @rule("a-signed-riddle-is-unreadable", needs="webhooks", wire=True)
    def test_a_signed_riddle_is_unreadable(self) -> None:
        read: Callable[[bytes], list[WebhookNotice]] = self.read
        for body in (b"", b"{", b"[]", b"null", b"\xff\xfe", b"{}"):
            refuse(UnreadableNotice, read, body)
