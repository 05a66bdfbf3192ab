"""A rehearsal shows what the verb then does, and leaves nothing behind; a verb that expects a sight keeps to it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django_fsm import TransitionNotAllowed

from payments.errors import GatewayError, GatewayUnavailable, InvalidAmount, PaymentBusy, PaymentChanged
from payments.gateways.base import Outcome
from payments.models import Operation, Payment, Reaction
from tests.factories import authorized, fact, make_method, make_order, make_payment, purchased
from tests.scripted import ScriptedGateway, declined, waiting

pytestmark = pytest.mark.django_db
SUMS = ("state", "amount", "authorized_amount", "captured_amount", "refunded_amount", "review_reason")
VERBS = {
    "process": "process",
    "capture": "capture",
    "void": "void_transaction",
    "refund": "refund",
    "cancel": "cancel",
}


def placed(payment):
    order = payment.order
    with suppress(GatewayError):
        order.complete()
    payment.refresh_from_db()
    return payment


def in_checkout():
    return make_payment()


def in_checkout_of_a_placed_order():
    payment = voided()
    return make_payment(order=payment.order, method=payment.payment_method)


def held():
    return placed(make_payment())


def part_captured():
    payment = held()
    payment.capture("30.00", final=False)
    return payment


def taken():
    return placed(make_payment(method=make_method(auto_capture=True)))


def part_refunded():
    payment = taken()
    payment.refund("25.00")
    return payment


def taken_at_a_narrow_gateway():
    return purchased(method=make_method(gateway="narrow"))


def held_at_a_narrow_gateway():
    return authorized(method=make_method(gateway="narrow"))


def refused():
    payment = make_payment()
    ScriptedGateway.script = {"*": declined()}
    with suppress(GatewayError):
        payment.authorize()
    ScriptedGateway.script = {}
    return payment


def waiting_for_the_customer():
    payment = make_payment()
    ScriptedGateway.script = {"*": waiting()}
    payment.authorize()
    ScriptedGateway.script = {}
    return payment


def lost():
    payment = held()
    ScriptedGateway.script = {"*": GatewayUnavailable("lost")}
    with suppress(GatewayError):
        payment.capture()
    ScriptedGateway.script = {}
    return payment


def given_back():
    payment = taken()
    payment.refund()
    return payment


def voided():
    payment = held()
    payment.void_transaction()
    return payment


def for_nothing():
    return make_payment("0", order=make_order("0"))


HISTORIES = [
    in_checkout,
    in_checkout_of_a_placed_order,
    held,
    part_captured,
    taken,
    part_refunded,
    taken_at_a_narrow_gateway,
    held_at_a_narrow_gateway,
    refused,
    waiting_for_the_customer,
    lost,
    given_back,
    voided,
    for_nothing,
]


def standing(payment):
    fresh = Payment.objects.select_related("order").get(pk=payment.pk)
    order = fresh.order
    return [getattr(fresh, name) for name in SUMS], [order.state, order.payment_state, order.payment_total]


def journal(payment):
    return list(payment.operations.values_list("sequence", "kind", "amount", "idempotency_key"))


ASKED = [*((verb, None) for verb in VERBS), ("capture", "20.00"), ("refund", "20.00")]


@pytest.mark.once
@pytest.mark.parametrize(("verb", "amount"), ASKED)
@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_a_rehearsal_shows_what_the_verb_does(history, verb, amount):
    payment = history()
    if payment.may(verb, amount):
        return  # What the verb does then is the next test's.
    calls, rows, before = list(ScriptedGateway.calls), journal(payment), standing(payment)
    rehearsal = payment.rehearse(verb, amount)

    assert (ScriptedGateway.calls, journal(payment), standing(payment)) == (calls, rows, before)
    assert standing_of(rehearsal.before) == before
    getattr(payment, VERBS[verb])(*([amount] if amount else []), expect=rehearsal.fingerprint)
    assert standing(payment) == standing_of(rehearsal.after)
    asked = [(each.sequence, each.kind, each.amount.amount, each.idempotency_key) for each in rehearsal.asked]
    assert [tuple(row) for row in journal(payment)[len(rows) :]] == asked


def standing_of(payment):
    order = payment.order
    return [getattr(payment, name) for name in SUMS], [order.state, order.payment_state, order.payment_total]


@pytest.mark.once
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_what_may_not_be_done_asks_nobody(history, verb):
    payment = history()
    if not payment.may(verb):
        return
    calls, rows = list(ScriptedGateway.calls), journal(payment)
    if verb == "process" and payment.state in ("pending", "completed"):
        return  # Solidus asks again here; we do not offer it.
    with suppress(GatewayError, InvalidAmount, TransitionNotAllowed):
        getattr(payment, VERBS[verb])()
    assert (ScriptedGateway.calls, journal(payment)) == (calls, rows)


def test_a_rehearsed_completion_sends_no_letter(mailoutbox, django_capture_on_commit_callbacks):
    order = make_order("100.00")
    payment = order.add_payment(make_method(auto_capture=True), source=make_payment().source)
    ScriptedGateway.script = {"*": waiting()}
    order.complete()
    ScriptedGateway.script = {}
    with django_capture_on_commit_callbacks(execute=True):
        payment.rehearse("void")
    assert not mailoutbox
    assert not Reaction.objects.exists()


def test_a_verb_refuses_another_sight_than_it_expects():
    payment = held()
    seen = payment.fingerprint()
    payment.capture("30.00", final=False)
    with pytest.raises(PaymentChanged):
        payment.capture("70.00", expect=seen)
    assert payment.captured_amount.amount == 30
    payment.capture("70.00", expect=payment.fingerprint())
    assert payment.captured_amount.amount == 100


@pytest.mark.parametrize("verb", ["capture", "void_transaction", "cancel", "refund"])
def test_a_colleague_between_sight_and_deed_stops_every_verb(verb):
    payment = part_captured()
    seen = payment.fingerprint()
    payment.refund("1.00")
    calls = len(ScriptedGateway.calls)
    with pytest.raises(PaymentChanged):
        getattr(payment, verb)(expect=seen)
    assert len(ScriptedGateway.calls) == calls


def test_an_answer_to_what_waited_is_another_sight():
    """The journal has no new line, yet the money is elsewhere."""
    payment = waiting_for_the_customer()
    seen = payment.fingerprint()
    payment.apply(fact("authorize", Outcome.APPROVED, 10000, authorization="GW-WAIT"))
    assert payment.fingerprint() != seen
    with pytest.raises(PaymentChanged):
        payment.void_transaction(expect=seen)


def test_a_void_that_asks_nobody_expects_too():
    payment = in_checkout()
    seen = payment.fingerprint()
    payment.authorize()
    with pytest.raises(PaymentChanged):
        payment.void_transaction(expect=seen)
    assert payment.state == "pending"


def test_busy_is_said_with_who_and_what():
    payment = lost()
    assert "has no answer yet" in payment.may("capture")
    assert "system" in payment.may("refund")
    with pytest.raises(PaymentBusy):
        payment.rehearse("capture")
    assert Operation.objects.filter(payment=payment).count() == 2


def test_may_knows_the_gateway(db):
    payment = held_at_a_narrow_gateway()
    assert payment.may("capture") == ""
    assert "partial_capture" in payment.may("capture", "20.00")
    with pytest.raises(ValueError, match="is none of"):
        payment.may("steal")
