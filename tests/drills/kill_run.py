"""One run of the drill: fresh rows, the plug is pulled, a fresh connection, recovery, and the books are compared."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import time_machine
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from orders.errors import CannotComplete
from payments.errors import GatewayError, InvalidAmount, PaymentBusy
from payments.models import Operation, Payment
from tests.drills.kill_check import Audit, sums_of
from tests.drills.kill_verbs import NOTHING, VERBS, Bench, Verb
from tests.drills.killing import Plug, by_power_cut, by_sigkill, fresh_connection
from tests.drills.provider import OUTCOMES, BlindGateway, BooksGateway, KeysGateway, ProviderBroke, fact_of

PROVIDERS = {"books": BooksGateway, "keys": KeysGateway, "blind": BlindGateway}
SAID = (
    GatewayError,
    CannotComplete,
    TransitionNotAllowed,
    InvalidAmount,
    ProviderBroke,
)  # What a verb may say of a provider's trouble.
SEED = int(os.environ.get("SEED") or 1)


@dataclass(frozen=True)
class Case:
    verb: Verb
    outcome: str
    gateway: str = "books"

    def __str__(self) -> str:
        return f"{self.verb.name} / {self.outcome} / {self.gateway}"

    @property
    def decidable(self) -> bool:
        """Whether the provider's evidence decides everything: an amount that nobody confirms is not decided."""
        return self.gateway == "books" or (self.gateway == "keys" and self.outcome != "wrong_amount")


@dataclass
class Tally:
    """What was hit, and what was found."""

    hits: int = 0
    kills: int = 0
    verbs: set[str] = field(default_factory=set)
    outcomes: set[str] = field(default_factory=set)
    differences: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.hits += other.hits
        self.kills += other.kills
        self.verbs |= other.verbs
        self.outcomes |= other.outcomes
        self.differences += other.differences

    def __str__(self) -> str:
        return (
            f"kill anywhere: {self.hits} points hit over {len(self.verbs)} verbs × {len(self.outcomes)} outcomes "
            f"({self.kills} by SIGKILL), {len(self.differences)} differences"
        )

    def dumps(self) -> str:
        return json.dumps({**self.__dict__, "verbs": sorted(self.verbs), "outcomes": sorted(self.outcomes)})

    @classmethod
    def loads(cls, text: str) -> Tally:
        found = json.loads(text)
        return cls(**{**found, "verbs": set(found["verbs"]), "outcomes": set(found["outcomes"])})


@contextmanager
def providers(**more: type) -> Iterator[None]:
    with override_settings(PAYMENT_GATEWAYS={**settings.PAYMENT_GATEWAYS, **PROVIDERS, **more}):
        yield


def later(hours: int) -> Any:
    return time_machine.travel(timezone.now() + timedelta(hours=hours), tick=False)


class Run:
    """One run of a case with the plug pulled at moment `at`, or not at all."""

    def __init__(self, case: Case, folder: Path, at: int | None = None, *, kill: bool = False) -> None:
        self.case, self.verb = case, case.verb
        self.differences: list[str] = []
        self.plug = Plug(at)
        self.bench = Bench(folder, case.gateway, **case.verb.method)
        self._interrupt(by_sigkill if kill else by_power_cut)
        if at is not None and not self.plug.pulled:
            self._differs("the moment was not reached")
        with later(hours=2):
            self._afterwards()
        self.bench.books.path.unlink(missing_ok=True)

    def _differs(self, what: str) -> None:
        moment = "never" if self.plug.at is None else f"at {self.plug.at} {self.plug.moments[-1:]}"
        self.differences.append(f"{self.case}, cut {moment}: {what}")

    def _interrupt(self, way: Callable[[Callable[[], object], Plug], None]) -> None:
        bench, verb = self.bench, self.verb
        verb.prepare(bench)
        bench.script(**verb.config, outcome=self.case.outcome)
        if verb.interrupted:
            verb.interrupted(bench)
            bench.reload()

        def act() -> None:
            try:
                verb.act(bench)
            except SAID:
                pass

        if verb.interrupted:
            with later(hours=1):
                way(act, self.plug)
        else:
            way(act, self.plug)
            bench.reload()
            self._refuses_meanwhile()
            if self.plug.at is not None and self.plug.at % 2:
                self._recover_early()

    def _refuses_meanwhile(self) -> None:
        """What has no answer blocks its payment, before anybody is asked."""
        before = len(self.bench.books.lines())
        for payment in Payment.objects.filter(order=self.bench.order, operations__state__in=("open", "unknown")):
            try:
                payment.void_transaction()
            except PaymentBusy:
                continue
            self._differs(f"{payment.number} has an open operation and took a void")
        if len(self.bench.books.lines()) != before:
            self._differs("the provider was asked beside an open operation")

    def _recover_early(self) -> None:
        """Whoever asked may still be alive: what is open stays open; what is known to be lost is looked up."""
        still = Operation.objects.filter(payment__order=self.bench.order, state="open").values_list("pk", flat=True)
        before = list(still)
        self._recover()
        if list(still.all()) != before:
            self._differs("an operation whose asker may be alive was settled")

    # Afterwards

    def _afterwards(self) -> None:
        bench = self.bench
        fresh_connection()
        bench.calm()
        self._recover()
        audit = self._audit("after recovery")
        if audit.undecided:
            return self._stays_with_staff(audit)
        if audit.waiting:
            self._late_answers(audit)
        for _attempt in range(2):  # A refused capture is let go first.
            if not self._reached():
                bench.script(**self.verb.config)
                self._try("again", lambda: self.verb.repeat(bench))
                self._audit("after doing it again")
        if not self._reached():
            self._differs(f"the goal is not reached: {self._sums()}, order {bench.order.state}")
        if self._sums() == NOTHING and bench.order.state != "canceled":
            self._takes_a_new_payment()

    def _recover(self) -> None:
        for payment in Payment.objects.filter(order=self.bench.order):
            self._try("recover", payment.recover)

    def _audit(self, when: str) -> Audit:
        self.bench.reload()
        audit = Audit(self.bench.order, self.bench.books, decidable=self.case.decidable)
        for difference in audit.differences():
            self._differs(f"{when}: {difference}")
        if audit.sums not in self.verb.steps:
            self._differs(f"{when}: the provider holds and took {audit.sums}, which nobody intended")
        return audit

    def _sums(self) -> tuple[int, int]:
        return sums_of(self.bench.books.accounts().values())

    def _reached(self) -> bool:
        return self._sums() in self.verb.goals and self.verb.order_state in ("", self.bench.order.state)

    def _try(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a difference)
            self._differs(f"{what}: {type(error).__name__}: {error}")

    def _order_is_taken(self) -> None:
        """An attempt that is unknown or waits: whoever takes another may charge the customer twice."""
        if self.bench.order.state == "canceled":
            return
        payment = self.bench.pay("1")
        try:
            payment.authorize()
        except PaymentBusy:
            payment.void_transaction()
        else:
            self._differs("a second payment was taken beside one that is not settled")

    def _stays_with_staff(self, audit: Audit) -> None:
        if any(each.is_attempt for each in audit.undecided):
            self._order_is_taken()
        self._refuses_meanwhile()
        self._audit("left to staff")

    def _late_answers(self, audit: Audit) -> None:
        """What waited is settled by the provider, which says so twice."""
        if audit.attempts_under_way:
            self._order_is_taken()
        if self.verb.repeatable:
            self._impatient()
        settled = self.bench.books.settle()
        for line in [*settled, *settled]:
            payment = Payment.objects.get(number=line.order_id.rpartition("-")[2])
            self._try(f"late answer of {line.key}", partial(payment.apply, fact_of(line)))
        self._audit("after the late answers")

    def _impatient(self) -> None:
        """Somebody asks again, and again, before the provider has said what became of it."""
        self.bench.script(**self.verb.config)
        for _time in range(2):
            self.bench.reload()
            try:
                self.verb.act(self.bench)
            except SAID:
                pass
            self._audit("asked again too early")

    def _takes_a_new_payment(self) -> None:
        bench = self.bench
        bench.script()

        def take() -> None:
            bench.pay().authorize()

        self._try("a new payment", take)
        if self._sums() != (100_00, 0):
            self._differs(f"the order does not take a new payment: {self._sums()}")


# Many runs


def hit(case: Case, folder: Path, quota: int | None, kills: int, draw: random.Random) -> Tally:
    """The case uncut, then cut at `quota` of its moments (None: at each), then killed at `kills` of them."""
    tally = Tally(verbs={case.verb.name}, outcomes={case.outcome})
    uncut = Run(case, folder)
    tally.differences += uncut.differences
    moments = range(len(uncut.plug.moments))
    chosen: Sequence[int] = moments if quota is None or quota >= len(moments) else draw.sample(moments, quota)
    spread = [int((part + draw.random()) * len(moments) / kills) for part in range(kills)]
    for at in chosen:
        tally.differences += Run(case, folder, at).differences
    for at in spread:
        tally.differences += Run(case, folder, at, kill=True).differences
    tally.hits, tally.kills = len(chosen) + len(spread), len(spread)
    return tally


def cases(gateway: str = "books", verbs: Sequence[Verb] = VERBS) -> list[Case]:
    return [Case(verb, outcome, gateway) for verb in verbs for outcome in OUTCOMES]


def covering(draw: random.Random, gateway: str = "books", count: int = len(VERBS)) -> list[Case]:
    """As many verbs, once each, the outcomes dealt so that each comes up equally often."""
    deck: list[str] = []
    chosen = []
    for verb in draw.sample(VERBS, count):
        deck = deck or draw.sample(OUTCOMES, len(OUTCOMES))
        chosen.append(Case(verb, deck.pop(), gateway))
    return chosen


def can_fork() -> bool:
    """Whether the database outlives its client: one in memory does not."""
    return connection.vendor != "sqlite" or not connection.is_in_memory_db()  # type: ignore[attr-defined]
