"""Lives of a payment: what we asked, what the provider did, and how it is told of, many times over.

A provider gives every deed a reference; it tells of it in the answer to our call, in webhooks, to a poll when the
browser returns, and to a look-up. Only the first and the last surely carry our key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from payments.actors import Actor
from payments.gateways.base import Fact, Outcome, Response

APPROVED, DECLINED = Outcome.APPROVED, Outcome.DECLINED
TOTAL = 10000  # Whole minor units: the order's total, and the payment's amount.
CODE = "pi_1"
VERBS = {"authorize": "authorize", "purchase": "purchase", "capture": "capture", "void": "void_transaction"}


@dataclass(frozen=True)
class Deed:
    """What the provider did, by its own books. `asked`: how we came to ask for it, "" if we did not."""

    kind: Any
    amount: int
    reference: str
    outcome: Outcome = APPROVED
    # answered: the answer came; crashed, lost: it did not; waiting: it said "later"; again: the same request's next try
    asked: str = ""
    final: bool = True

    @property
    def response(self) -> Response:
        return Response(outcome=self.outcome, authorization=CODE, reference=self.reference, amount_minor=self.amount)


@dataclass(frozen=True)
class Life:
    name: str
    deeds: tuple[Deed, ...]
    cancelled: bool = False  # We called it off while it waited.

    @property
    def captured(self) -> int:
        """What was taken and not let go of again: a void from outside takes a whole sale back."""
        if any(deed.kind == "void" for deed in self._done("void")) and self._done("purchase"):
            return 0
        return self.sum_of("purchase", "capture")

    @property
    def state(self) -> str:
        if self._done("authorize") and not self._done("void") and not self.cancelled and self._is_held:
            return "pending"
        if self.captured:
            return "completed"
        return "void" if self._done("void") or self.cancelled else "failed"

    @property
    def only_adds(self) -> bool:
        """Nothing is let go or given back: what is covered once stays covered."""
        return not self.cancelled and not self._done("void", "refund")

    @property
    def _is_held(self) -> bool:
        let_go = any(deed.final for deed in self._done("capture") if deed.asked)
        return not let_go and self.sum_of("capture") < self.sum_of("authorize")

    def sum_of(self, *kinds: str) -> int:
        return sum(deed.amount for deed in self._done(*kinds))

    def _done(self, *kinds: str) -> list[Deed]:
        return [deed for deed in self.deeds if deed.kind in kinds and deed.outcome is APPROVED]


# What lives there are


@st.composite
def lives(draw: Callable[..., Any]) -> Life:
    name = draw(st.sampled_from(sorted(SHAPES)))
    life: Life = draw(SHAPES[name](name))
    return life


def asked_or_not(*also: str) -> st.SearchStrategy[str]:
    return st.sampled_from(["", "answered", "crashed", "lost", *also])


@st.composite
def sales(draw: Callable[..., Any], name: str) -> Life:
    """A purchase, given back in part or wholly."""
    sale = Deed("purchase", TOTAL, "ch_1", asked=draw(asked_or_not("waiting")))
    return Life(name, (sale, *draw(given_back(TOTAL, ours=sale.asked == "answered"))))


@st.composite
def holds(draw: Callable[..., Any], name: str) -> Life:
    """A hold, captured in one or more parts by us or by others, given back in part; the rest may be let go."""
    hold = Deed("authorize", TOTAL, "au_1", asked=draw(asked_or_not("waiting")))
    parts = draw(split(TOTAL))
    asked = draw(asked_or_not()) if hold.asked == "answered" and parts else ""
    final = draw(st.booleans()) and len(parts) == 1
    captures = [
        Deed("capture", part, f"ch_{number}", asked=asked if number == 0 else "", final=final)
        for number, part in enumerate(parts)
    ]
    deeds = [hold, *captures, *draw(given_back(sum(parts), ours=False))]
    if sum(parts) < TOTAL and not (asked and final) and draw(st.booleans()):
        ours = draw(asked_or_not()) if hold.asked == "answered" and not asked else ""
        deeds.append(Deed("void", TOTAL - sum(parts), "v_1", asked=ours))
    return Life(name, tuple(deeds))


@st.composite
def refusals(draw: Callable[..., Any], name: str) -> Life:
    """Refused, and perhaps approved after all under the same name."""
    kind = draw(st.sampled_from(["authorize", "purchase"]))
    asked = draw(st.sampled_from(["answered", "crashed", "lost", "waiting"]))
    refused = Deed(kind, TOTAL, "ch_1", DECLINED, asked)
    after_all = (Deed(kind, TOTAL, "ch_1"),) if draw(st.booleans()) else ()
    return Life(name, (refused, *after_all))


@st.composite
def voided_sales(draw: Callable[..., Any], name: str) -> Life:
    """A sale that was taken back before it was settled."""
    sale = Deed("purchase", TOTAL, "ch_1", asked=draw(asked_or_not("waiting")))
    ours = draw(asked_or_not()) if sale.asked == "answered" else ""
    return Life(name, (sale, Deed("void", TOTAL, "v_1", asked=ours)))


@st.composite
def called_off(draw: Callable[..., Any], name: str) -> Life:
    """Called off by us while it waited; the provider may have taken it all the same."""
    kind = draw(st.sampled_from(["authorize", "purchase"]))
    outcome = draw(st.sampled_from([APPROVED, DECLINED]))
    return Life(name, (Deed(kind, TOTAL, "ch_1", outcome, "waiting"),), cancelled=True)


@st.composite
def retries(draw: Callable[..., Any], name: str) -> Life:
    """On the provider's page the customer's first card was refused and the second taken: two charges, one request."""
    kind = draw(st.sampled_from(["authorize", "purchase"]))
    asked = draw(st.sampled_from(["waiting", "crashed", "lost"]))
    refused = Deed(kind, TOTAL, "ch_1", DECLINED, asked)
    return Life(name, (refused, Deed(kind, TOTAL, "ch_2", asked="again")))


@st.composite
def doubles(draw: Callable[..., Any], name: str) -> Life:
    """We asked and heard nothing; somebody else does the same for the same amount in the provider's dashboard."""
    asked = draw(st.sampled_from(["answered", "crashed", "lost"]))
    if draw(st.booleans()):
        sale = Deed("purchase", TOTAL, "ch_1", asked="answered")
        return Life(name, (sale, Deed("refund", 2500, "re_1", asked=asked), Deed("refund", 2500, "re_2")))
    hold = Deed("authorize", TOTAL, "au_1", asked="answered")
    ours = Deed("capture", 2500, "ch_1", asked=asked, final=False)
    return Life(name, (hold, ours, Deed("capture", 2500, "ch_2")))


SHAPES: dict[str, Any] = {
    "a retry": retries,
    "a double": doubles,
    "a sale": sales,
    "a hold": holds,
    "a refusal": refusals,
    "a sale taken back": voided_sales,
    "called off": called_off,
}


@st.composite
def split(draw: Callable[..., Any], total: int) -> list[int]:
    """Up to three different parts that come to no more than `total`."""
    parts: list[int] = draw(st.lists(st.sampled_from([1, 999, 2500, 3333, 4000, 6000, total]), max_size=3, unique=True))
    while sum(parts) > total:
        parts.pop()
    return parts


@st.composite
def given_back(draw: Callable[..., Any], taken: int, *, ours: bool) -> list[Deed]:
    parts = [part for part in draw(split(taken)) if taken] if taken else []
    asked = draw(asked_or_not()) if ours and parts else ""
    return [Deed("refund", part, f"re_{n}", asked=asked if n == 0 else "") for n, part in enumerate(parts)]


# How they are told of


@dataclass(frozen=True)
class Telling:
    """A fact and who brings it. The key is filled in once our operation is there."""

    deed: Deed
    fact: Fact
    by: Actor
    with_key: bool = field(default=False)

    def of(self, keys: dict[str, str]) -> Fact:
        """With our key, where it carries one and we asked at all."""
        return replace(self.fact, idempotency_key=keys.get(self.deed.reference, "") if self.with_key else "")


CHECKOUT, WEBHOOK, RECOVERY = Actor("checkout"), Actor("webhook"), Actor("recovery")


def ways(deed: Deed) -> list[Telling]:
    """The four sources, and a webhook that has our key in its metadata."""
    plain = Fact(
        kind=deed.kind,
        outcome=deed.outcome,
        amount_minor=deed.amount,
        authorization=CODE,
        reference=deed.reference,
    )
    webhook = replace(plain, currency="USD", order_id="R1-P1")
    found = [Telling(deed, webhook, WEBHOOK), Telling(deed, plain, CHECKOUT)]
    if deed.kind == "purchase":
        found.append(Telling(deed, replace(plain, kind="capture"), WEBHOOK))  # Some providers call it that.
    if deed.asked:
        answer = Fact.from_response(deed.kind, deed.response, idempotency_key="")
        found += [
            Telling(deed, replace(answer, amount_minor=None), CHECKOUT, with_key=True),
            Telling(deed, answer, RECOVERY, with_key=True),
            Telling(deed, webhook, WEBHOOK, with_key=True),
        ]
    return found


def before(deed: Deed) -> list[Telling]:
    """What is told of an attempt before it is settled."""
    if deed.kind not in ("authorize", "purchase"):
        return []
    waits = Fact(kind=deed.kind, outcome=Outcome.PROCESSING, amount_minor=deed.amount, authorization=CODE)
    challenge = replace(waits, outcome=Outcome.ACTION_REQUIRED, next_action={"type": "redirect"})
    named = replace(waits, reference=deed.reference)
    keyed = [Telling(deed, named, RECOVERY, with_key=True)] if deed.asked else []
    return [Telling(deed, named, WEBHOOK), Telling(deed, waits, CHECKOUT), Telling(deed, challenge, WEBHOOK), *keyed]


@st.composite
def told(draw: Callable[..., Any], life: Life) -> list[Telling]:
    """Every deed at least once, some many times, what is past already among it, in any order."""
    tellings: list[Telling] = []
    for deed in life.deeds:
        tellings += draw(st.lists(st.sampled_from(ways(deed)), min_size=1, max_size=3))
        if life.name == "a sale taken back" and deed.kind == "purchase":
            # Told as a capture only, it cannot be told from a hold that was captured and whose rest was let go.
            tellings.append(ways(deed)[0])
        if early := before(deed):
            tellings += draw(st.lists(st.sampled_from(early), max_size=2))
    shuffled: list[Telling] = draw(st.permutations(tellings))
    return shuffled


def in_time(tellings: list[Telling], life: Life) -> list[Telling]:
    """The same, as they happened: deed by deed, what waits before what is settled."""
    return sorted(
        tellings,
        key=lambda each: (life.deeds.index(each.deed), each.fact.outcome in (APPROVED, DECLINED)),
    )
