"""Our books beside the provider's: what is missing on either side, and what differs by a cent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from payments.doctor.comparing import Comparison
from payments.errors import GatewayUnavailable
from payments.gateways.base import Record
from payments.models import Operation, Payment
from payments.money import to_minor
from tests.factories import authorized, fact, make_method, make_order, make_payment
from tests.orders.test_doctor import run
from tests.scripted import EVERYTHING, ScriptedGateway, ok

pytestmark = pytest.mark.django_db
KINDS = {"authorize": "authorize", "purchase": "capture", "capture": "capture", "void": "void", "refund": "refund"}


class ListingGateway(ScriptedGateway):
    capabilities = replace(EVERYTHING, listing=True)
    records: ClassVar[list[Record]] = []
    asked: ClassVar[list[tuple[Any, Any]]] = []

    def list_records(self, since, until):
        self.asked.append((since, until))
        for record in self.records:
            if isinstance(record, Exception):
                raise record
            if since <= record.occurred_at < until:
                yield record


@pytest.fixture
def card(settings):
    settings.REACTIONS = {}
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "listing": f"{__name__}.ListingGateway"}
    ListingGateway.reset()
    ListingGateway.records, ListingGateway.asked = [], []
    numbers = count(1)
    ListingGateway.script = {"*": lambda options: ok(f"A{options['order_id']}", reference=f"ref_{next(numbers)}")}
    return make_method(gateway="listing", code="card")


def sold(card, total="100.00"):
    payment = make_payment(order=make_order(total), method=card)
    payment.purchase()
    return payment


def theirs(**changed):
    """The provider's records of everything that we hold for done; `changed` by reference, None leaves it out."""
    for each in Operation.objects.filter(state="succeeded").select_related("payment__order").order_by("id"):
        sale_void = each.kind == "void" and each.state_before == "completed"
        record = Record(
            kind="capture_voided" if sale_void else KINDS[each.kind],
            reference=each.reference,
            amount_minor=to_minor(each.amount),
            fee_minor=0,
            currency=str(each.currency),
            authorization=each.payment.response_code,
            order_id=f"{each.payment.order.number}-{each.payment.number}",
            occurred_at=each.answered_at,
        )
        change = changed.get(each.reference, {})
        if change is not None:
            ListingGateway.records.append(replace(record, **change))


def compare(card, since=None, until=None):
    now = timezone.now()
    comparison = Comparison(card, since or now - timedelta(hours=1), until or now + timedelta(minutes=1))
    return [(each.payment, each.operation, each.reference, each.says) for each in comparison.run()]


def test_equal_books(card):
    sold(card).refund("10")
    part = authorized(method=card)
    part.capture("40", final=False)
    part.void_transaction()
    sold(card).void_transaction()
    sold(card, "0.30").refund()
    theirs()

    assert compare(card) == []


def test_an_amount_that_differs_by_a_cent(card):
    payment = sold(card)
    theirs(ref_1={"amount_minor": 9999})

    assert compare(card) == [(payment.number, 1, "ref_1", "capture: ours 100.00 USD, theirs 99.99 USD")]


def test_another_currency(card):
    payment = sold(card)
    theirs(ref_1={"currency": "EUR"})

    assert compare(card) == [(payment.number, 1, "ref_1", "capture: ours 100.00 USD, theirs 100.00 EUR")]


def test_missing_there(card):
    payment = sold(card)
    payment.refund("10")
    theirs(ref_1=None, ref_2=None)

    says = "missing there: we have a {} of {} USD that the provider does not list"
    assert compare(card) == [
        (payment.number, 1, "ref_1", says.format("capture", "100.00")),
        (payment.number, 2, "ref_2", says.format("refund", "10.00")),
    ]


def test_missing_here(card):
    payment = sold(card)
    theirs()
    ListingGateway.records.append(replace(ListingGateway.records[0], reference="ref_twice"))
    ListingGateway.records.append(replace(ListingGateway.records[0], reference="re_9", kind="refund", amount_minor=5))

    assert compare(card) == [
        (payment.number, None, "ref_twice", "missing here: the provider lists a capture of 100.00 USD"),
        (payment.number, None, "re_9", "missing here: the provider lists a refund of 0.05 USD"),
    ]


def test_a_refund_that_came_back(card):
    payment = sold(card)
    payment.refund("10")
    theirs()
    ListingGateway.records.append(replace(ListingGateway.records[1], kind="refund_failed"))

    assert compare(card) == [(payment.number, 2, "ref_2", "refund: ours 10.00 USD, theirs 0.00 USD")]


def test_a_sale_that_we_hold_for_voided_and_they_do_not(card):
    payment = sold(card)
    payment.void_transaction()
    theirs(ref_2=None)

    says = "missing there: we have a void of 100.00 USD that the provider does not list"
    assert compare(card) == [(payment.number, 2, "ref_2", says)]
    ListingGateway.records.clear()  # Some list nothing at all of a sale that was taken back.
    assert compare(card) == []


def test_one_record_counted_on_two_payments(card):
    _one, two = sold(card), sold(card)
    two.operations.update(reference="ref_1")
    theirs()
    ListingGateway.records.pop()

    assert [says for *_, says in compare(card)] == ["capture: ours 200.00 USD, theirs 100.00 USD"]


def test_holds_and_disputes_are_passed_over(card):
    authorized(method=card).void_transaction()
    theirs()
    ListingGateway.records.append(replace(ListingGateway.records[0], kind="dispute", reference="dp_1"))
    now = timezone.now()
    comparison = Comparison(card, now - timedelta(hours=1), now)

    assert list(comparison.run()) == []
    assert comparison.summary() == "card: 0 of ours beside 0 of theirs, 3 records of holds and disputes passed over."


def test_what_happened_at_the_edge_of_the_window(card):
    """Done there before midnight, answered here after it; and what we heard of days later."""
    early, late = sold(card), sold(card)
    theirs()
    now = timezone.now()
    Operation.objects.filter(payment=early).update(answered_at=now, created_at=now - timedelta(minutes=2))
    ListingGateway.records[0] = replace(ListingGateway.records[0], occurred_at=now - timedelta(minutes=1))
    assert compare(card, since=now - timedelta(seconds=30)) == []

    Operation.objects.filter(payment=late).update(answered_at=now + timedelta(days=9))
    assert compare(card) == []
    assert compare(card, since=now + timedelta(days=8), until=now + timedelta(days=10)) == []


def test_an_operation_of_ours_without_a_reference(card):
    ListingGateway.script = {"*": ok("A1")}
    payment = sold(card)
    theirs()
    ListingGateway.records[0] = replace(ListingGateway.records[0], reference="ch_1")
    now = timezone.now()
    comparison = Comparison(card, now - timedelta(hours=1), now + timedelta(minutes=1))

    assert list(comparison.run()) == []
    assert comparison.summary().endswith("1 of ours have no reference.")
    ListingGateway.records[0] = replace(ListingGateway.records[0], amount_minor=10001)
    assert [number for number, *_ in compare(card)] == [payment.number]


def test_what_was_learned_from_the_provider(card):
    payment = authorized(method=card)
    payment.apply(fact("capture", amount_minor=6000, authorization=payment.response_code, reference="ch_out"))
    theirs()

    assert compare(card) == []


def test_more_than_a_page(card, monkeypatch):
    monkeypatch.setattr("payments.doctor.comparing.PAGE", 2)
    for _number in range(5):
        sold(card)
    theirs()
    assert compare(card) == []
    ListingGateway.records.clear()
    assert len(compare(card)) == 5
    theirs()
    Operation.objects.update(reference="x")
    assert len([1 for *_, says in compare(card) if says.startswith("missing here")]) == 5


# The command


def test_the_command_beside_the_provider(card):
    payment = sold(card)
    theirs(ref_1={"amount_minor": 1})
    until = (timezone.now() + timedelta(days=1)).date().isoformat()
    code, said = run("--provider", "card", "--until", until)

    assert code == 2
    where = f"  {payment.order.number} {payment.number} #1 ref_1: capture: ours 100.00 USD, theirs 0.01 USD"
    assert where in said.splitlines()
    assert "card: 1 of ours beside 1 of theirs." in said
    assert run("--provider", "--until", until, "--json")[0] == 2
    ListingGateway.records.clear()
    theirs()
    assert run("--provider", "--until", until) == (0, "card: 1 of ours beside 1 of theirs.\nNothing differs.\n")
    Payment.objects.update(authorized_amount=999)
    assert run("--provider", "card", "--until", until, "--check", "payment_sums")[0] == 2


def test_a_provider_that_does_not_answer(card):
    ListingGateway.records = [GatewayUnavailable("The line went dead.")]

    code, said = run("--provider", "card")
    assert (code, said) == (3, "It could not look at everything: The line went dead.")
