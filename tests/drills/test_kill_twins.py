"""The drill bites: what is deliberately broken is found by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from payments.gateways.base import Fact, Response
from payments.models import Operation
from payments.money import to_minor
from tests.drills.kill_books import Line
from tests.drills.kill_run import Case, Run, providers
from tests.drills.kill_verbs import AUTHORIZE, CAPTURE, PURCHASE, REFUND, VERBS, Bench
from tests.drills.provider import BooksGateway, KeysGateway

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]


class Forgetful(KeysGateway):
    """Ignores idempotency keys: asked again, it does it again."""

    def _once(self, kind: str, amount: int, authorization: str, options: Any, outcome: str) -> Line:
        self._write(kind, amount, authorization, options, outcome)
        return self.books.lines()[-1]


class Eager(BooksGateway):
    """Does everything twice."""

    def _write(self, kind: str, amount: int, authorization: str, options: Any, outcome: str) -> None:
        super()._write(kind, amount, authorization, options, outcome)
        super()._write(kind, amount, authorization, {**options, "idempotency_key": "twice"}, outcome)


class Denying(BooksGateway):
    """Finds nothing in its books, whatever it did."""

    def lookup(self, **asked: Any) -> Response | None:
        return None


class Confused(BooksGateway):
    """Takes a cent more than it says."""

    def _write(self, kind: str, amount: int, authorization: str, options: Any, outcome: str) -> None:
        super()._write(kind, amount + (kind == "purchase"), authorization, options, "approved")

    def _once(self, kind: str, amount: int, authorization: str, options: Any, outcome: str) -> Line:
        line = super()._once(kind, amount, authorization, options, outcome)
        return replace(line, said=amount)


def ask_first(bench: Bench) -> None:
    """What law 1 forbids: the intent is written when the answer is there."""
    payment = bench.payment
    key = f"{payment.number}-purchase-1"
    options: Any = {**payment.gateway_options(), "idempotency_key": key}
    response = payment.payment_method.purchase(to_minor(payment.amount), payment.source, options)
    Operation.objects.create(
        payment=payment,
        sequence=1,
        kind="purchase",
        currency=payment.currency,
        amount=payment.amount.amount,
        idempotency_key=key,
        state_before=payment.state,
    )
    payment.apply(Fact.from_response("purchase", response, idempotency_key=key))


def cut(case: Case, folder: Any, moment: str = "", **gateways: type) -> list[str]:
    """The differences of the case, uncut or cut at the first moment of this name."""
    with providers(**gateways):
        uncut = Run(case, folder)
        return Run(case, folder, uncut.plug.moments.index(moment)).differences if moment else uncut.differences


@pytest.mark.parametrize(
    ("gateway", "verb", "moment", "found"),
    [
        (Forgetful, AUTHORIZE, "inside authorize", "-authorize-1 was done 2 times"),
        (Forgetful, PURCHASE, "after purchase", "took (0, 20000), which nobody intended"),
        (Forgetful, CAPTURE, "inside capture", "was done 2 times"),
        (Eager, PURCHASE, "", "of which we know nothing"),
        (Eager, replace(REFUND, act=lambda bench: bench.payment.refund("30")), "", "gave back"),
        (Denying, PURCHASE, "inside purchase", "is canceled; the provider says approved"),
        (Denying, REFUND, "inside refund", "the provider says"),
        (Confused, PURCHASE, "", "the provider says purchase of 10001"),
    ],
)
def test_a_broken_provider_is_found(tmp_path, gateway, verb, moment, found):
    differences = cut(Case(verb, "approved", "twin"), tmp_path, moment, twin=gateway)
    assert any(found in difference for difference in differences), differences


def test_an_intent_that_is_written_too_late_is_found(tmp_path):
    late = Case(replace(PURCHASE, act=ask_first), "approved")
    assert cut(late, tmp_path) == []
    differences = cut(late, tmp_path, "inside purchase")
    assert any("of which we know nothing" in difference for difference in differences), differences


def test_the_same_is_clean_where_nothing_is_broken(tmp_path):
    for verb in (AUTHORIZE, PURCHASE, CAPTURE, REFUND):
        assert cut(Case(verb, "approved", "keys"), tmp_path, f"inside {verb.name}") == []


def test_every_verb_is_cut_at_its_commits_and_around_its_gateway(tmp_path):
    with providers():
        for verb in VERBS:
            moments = Run(Case(verb, "approved"), tmp_path).plug.moments
            assert {"before COMMIT", "after COMMIT"} <= set(moments), verb.name
            assert any(moment.startswith("inside ") or "lookup" in moment for moment in moments), verb.name
