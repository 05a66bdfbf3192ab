"""Refunds and cancel: one operation each, only what succeeded or is under way reserves money."""

import pytest
from django_fsm import TransitionNotAllowed
from djmoney.money import Money

from payments.errors import GatewayUnavailable, InvalidAmount, PaymentBusy, PaymentDeclined, UnsupportedAction
from payments.models import Payment, Refund, RefundReason
from tests.factories import authorized, make_method, make_payment, purchased
from tests.scripted import NarrowGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db


def usd(amount):
    return Money(amount, "USD")


def test_a_refund_gives_back_and_says_why(scripted):
    payment = purchased()

    refund = payment.refund("25.50", reason="Broken")

    assert (refund.state, refund.amount, refund.reason.name) == ("succeeded", usd("25.50"), "Broken")
    assert (payment.refunded_amount, payment.credit_allowed, payment.state) == (usd("25.50"), usd("74.50"), "completed")
    assert scripted.calls[-1][:3] == ("credit", 2550, "GW-PURCHASE")
    assert scripted.calls[-1][3]["originator"] == refund


def test_a_reason_of_the_same_name_is_used_again():
    broken = RefundReason.objects.create(name="Broken")
    payment = purchased()
    assert payment.refund("1", reason="Broken").reason == payment.refund("1", reason=broken).reason == broken


def test_without_an_amount_everything_left_is_given_back():
    payment = purchased()
    payment.refund("30")
    assert payment.refund().amount == usd(70)
    assert payment.credit_allowed == usd(0)


@pytest.mark.parametrize("amount", ["0", "-1", "100.01", "0.001", Money(1, "EUR")])
def test_an_amount_that_cannot_be_given_back_is_refused(scripted, amount):
    payment = purchased()
    with pytest.raises(InvalidAmount):
        payment.refund(amount)
    assert not Refund.objects.exists()
    assert len(scripted.calls) == 1


@pytest.mark.parametrize("start", [make_payment, authorized])
def test_what_was_never_taken_is_not_given_back(scripted, start):
    payment = start()
    asked = len(scripted.calls)
    with pytest.raises(InvalidAmount, match="nothing"):
        payment.refund()
    assert len(scripted.calls) == asked


def test_a_declined_refund_stays_in_sight_and_reserves_nothing(scripted):
    payment = purchased()
    scripted.script["credit"] = declined("Too late.")

    with pytest.raises(PaymentDeclined, match="Too late"):
        payment.refund()

    assert Refund.objects.get().state == "declined"
    assert payment.credit_allowed == usd(100)
    scripted.script["credit"] = ok()
    assert payment.refund().state == "succeeded"


def test_an_unknown_refund_reserves_its_money_and_blocks(scripted):
    payment = purchased()
    scripted.script["credit"] = GatewayUnavailable
    with pytest.raises(GatewayUnavailable):
        payment.refund("40")

    assert payment.credit_allowed == usd(60)
    assert payment.refunded_amount == usd(0)
    with pytest.raises(PaymentBusy):
        payment.refund("10")


def test_a_waiting_refund_reserves_its_money_and_does_not_block(scripted):
    payment = purchased()
    scripted.script["credit"] = waiting()
    payment.refund("40")
    assert payment.credit_allowed == usd(60)
    scripted.script["credit"] = ok()
    with pytest.raises(InvalidAmount):
        payment.refund("61")
    assert payment.refund("60").state == "succeeded"


def test_a_waiting_void_keeps_its_money_from_being_taken_or_given_back(scripted):
    scripted.script["void"] = waiting()
    held, taken = authorized(), purchased()
    held.void_transaction()
    taken.void_transaction()
    for payment, verb in ((held, "capture"), (held, "void_transaction"), (taken, "refund"), (taken, "cancel")):
        with pytest.raises(PaymentBusy):
            getattr(payment, verb)()


def test_a_partial_refund_needs_the_ability():
    payment = purchased(method=make_method(gateway="narrow"))
    with pytest.raises(UnsupportedAction, match="partial_refund"):
        payment.refund("1")
    assert payment.refund().amount == usd(100)


def test_a_refund_asks_against_the_attempt_that_holds_the_money(scripted):
    scripted.script["purchase"] = [ok("AUTH-1"), ok("AUTH-2")]
    payment = purchased()
    payment.purchase()

    with pytest.raises(InvalidAmount, match="AUTH-2"):
        payment.refund("150")
    payment.refund()
    payment.refund("10")

    assert [call[1:3] for call in scripted.calls if call[0] == "credit"] == [(10000, "AUTH-2"), (1000, "AUTH-1")]


# Cancel


def test_cancel_voids_what_is_held(scripted):
    payment = authorized()
    assert payment.cancel().success
    assert payment.state == "void"
    assert payment.cancel() is None


def test_cancel_refunds_what_was_taken(scripted):
    payment = purchased(method=make_method(gateway="narrow"))
    refund = payment.cancel()
    assert (refund.amount, refund.reason.name, payment.state) == (usd(100), "Order canceled", "completed")
    assert payment.cancel() is None
    assert [call[0] for call in NarrowGateway.calls] == ["purchase", "credit"]


def test_cancel_refunds_the_rest(scripted):
    payment = purchased()
    payment.refund("30")
    assert payment.cancel().amount == usd(70)


def test_cancel_voids_an_unsettled_sale_and_refunds_when_that_is_too_late(scripted):
    payment = purchased()
    scripted.script["void"] = declined()

    refund = payment.cancel()

    assert refund.amount == usd(100)
    assert [call[0] for call in scripted.calls] == ["purchase", "void", "credit"]


def test_a_declined_void_of_a_hold_is_an_error_and_never_a_credit(scripted):
    payment = authorized()
    scripted.script["void"] = declined()
    with pytest.raises(PaymentDeclined):
        payment.cancel()
    assert [call[0] for call in scripted.calls] == ["authorize", "void"]


def test_cancel_of_a_partial_capture_voids_the_hold_and_refunds_the_rest():
    payment = authorized()
    payment.capture("60", final=False)

    refund = payment.cancel()

    assert refund.amount == usd(60)
    assert (payment.state, payment.refunded_amount) == ("completed", usd(60))


def test_cancel_makes_one_refund_for_each_authorization_with_money(scripted):
    scripted.script["purchase"] = [ok("AUTH-1"), ok("AUTH-2")]
    payment = purchased(method=make_method())
    payment.purchase()
    payment.refund("10")

    last = payment.cancel()

    assert [str(refund.amount.amount) for refund in payment.refunds.all()] == ["10.00", "90.00", "100.00"]
    assert payment.refunds.last() == last
    assert payment.credit_allowed == usd(0)


def test_cancel_of_a_checkout_payment_asks_nobody(scripted):
    payment = make_payment()
    assert payment.cancel() is None
    assert (Payment.objects.get(pk=payment.pk).state, scripted.calls) == ("void", [])


@pytest.mark.parametrize("state", ["failed", "invalid"])
def test_cancel_of_a_dead_payment_that_holds_nothing_is_illegal(scripted, state):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(state=state)
    with pytest.raises(TransitionNotAllowed):
        payment.cancel()
    assert scripted.calls == []


def test_a_canceled_check_is_refunded_up_to_what_was_taken():
    payment = make_payment(method=make_method(gateway="check"), source=None)
    payment.capture()
    assert payment.cancel().amount == usd(100)
    assert payment.cancel() is None
    with pytest.raises(InvalidAmount):
        payment.refund("1")
