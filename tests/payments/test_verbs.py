"""Laws 1 to 3 through the verbs: claim, ask, apply; three answers, not two; nothing recorded before the answer."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django_fsm import TransitionNotAllowed
from djmoney.money import Money

from payments.actors import Actor
from payments.errors import (
    GatewayError,
    GatewayUnavailable,
    InvalidAmount,
    PaymentBusy,
    PaymentDeclined,
    UnsupportedAction,
)
from payments.gateways.base import Outcome, Response
from payments.models import CreditCard, Operation, Payment
from tests.factories import authorized, make_method, make_order, make_payment, purchased
from tests.scripted import NarrowGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db


def usd(amount):
    return Money(amount, "USD")


def fresh(payment):
    return Payment.objects.get(pk=payment.pk)


def verbs(scripted):
    return [call[0] for call in scripted.calls]


# The happy path


def test_authorize_holds_the_amount(scripted):
    scripted.script["authorize"] = ok("AUTH-1", reference="ch_1", avs_code="D", cvv_code="M", cvv_message="match")
    payment = make_payment()

    response = payment.authorize()

    assert response.success
    assert (payment.state, fresh(payment).state) == ("pending", "pending")
    assert (payment.authorized_amount, payment.captured_amount) == (usd(100), usd(0))
    assert (payment.response_code, payment.avs_response, payment.cvv_response_code) == ("AUTH-1", "D", "M")
    [operation] = payment.operations.all()
    assert (operation.kind, operation.state, operation.amount) == ("authorize", "succeeded", usd(100))
    assert (operation.state_before, operation.state_after) == ("checkout", "pending")
    assert (operation.authorization, operation.reference) == ("AUTH-1", "ch_1")
    assert operation.idempotency_key == f"{payment.number}-authorize-1"


def test_purchase_takes_the_amount():
    payment = purchased()
    assert payment.state == "completed"
    assert payment.captured_amount == payment.authorized_amount == usd(100)
    assert payment.uncaptured_amount == usd(0)


def test_capture_takes_what_is_held(scripted):
    payment = authorized()
    payment.capture()

    assert payment.state == "completed"
    assert payment.captured_amount == usd(100)
    assert scripted.calls[-1][:3] == ("capture", 10000, "GW-AUTHORIZE")


def test_a_final_partial_capture_shrinks_the_amount_and_lets_the_rest_go(scripted):
    payment = authorized()

    payment.capture(Decimal("60"))

    assert (payment.state, payment.amount, payment.captured_amount) == ("completed", usd(60), usd(60))
    assert payment.authorized_amount == usd(100)
    assert scripted.calls[-1][3]["final"] is True


def test_a_capture_that_is_not_final_leaves_the_rest_capturable(scripted):
    payment = authorized()

    payment.capture("60", final=False)
    assert (payment.state, payment.amount, payment.uncaptured_amount) == ("pending", usd(100), usd(40))
    assert scripted.calls[-1][3]["final"] is False

    payment.capture()
    assert (payment.state, payment.captured_amount, payment.amount) == ("completed", usd(100), usd(100))


def test_a_void_lets_go_of_what_is_left_after_a_partial_capture():
    payment = authorized()
    payment.capture("60", final=False)

    payment.void_transaction()

    assert (payment.state, payment.captured_amount, payment.amount) == ("completed", usd(60), usd(60))


def test_void_lets_go(scripted):
    payment = authorized()

    payment.void_transaction()

    assert payment.state == "void"
    assert payment.authorized_amount == usd(100)
    assert scripted.calls[-1][:2] == ("void", "GW-AUTHORIZE")


def test_the_actor_is_kept(django_user_model):
    ada = django_user_model.objects.create_user("ada")
    payment = make_payment()

    payment.authorize(by=Actor("staff", ada))

    assert payment.operations.get().actor == Actor("staff", ada)


def test_an_unknown_origin_is_refused():
    with pytest.raises(ValueError, match="somebody"):
        Actor("somebody")


# Law 1: intent before action, and no transaction around the question


def test_the_intent_is_committed_before_the_provider_is_asked(scripted):
    seen = []

    def look(options):
        operation = Operation.objects.get(idempotency_key=options["idempotency_key"])
        seen.append((operation.state, operation.payment.state, operation.payment.captured_amount))
        return ok()

    scripted.script["purchase"] = look
    purchased()

    assert seen == [("open", "processing", usd(0))]


@pytest.mark.django_db(transaction=True)
def test_the_provider_is_asked_outside_any_transaction(scripted):
    seen = []
    scripted.script["*"] = lambda options: seen.append(connection.in_atomic_block) or ok()

    payment = authorized()
    payment.capture()
    payment.refund("10")

    assert seen == [False, False, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "verb", ["process", "authorize", "purchase", "capture", "void_transaction", "cancel", "refund"]
)
def test_a_verb_inside_a_transaction_is_an_error_before_anybody_is_asked(scripted, verb):
    payment = authorized()
    scripted.calls.clear()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        getattr(payment, verb)()

    assert scripted.calls == []
    assert fresh(payment).state == "pending"


# Law 3: declined, waiting, unknown


@pytest.mark.parametrize("verb", ["process", "authorize", "purchase"])
def test_a_refusal_fails_the_payment_and_raises(scripted, verb):
    scripted.script["*"] = declined("No money.")
    payment = make_payment()

    with pytest.raises(PaymentDeclined, match="No money") as refusal:
        getattr(payment, verb)()

    assert refusal.value.error_code == "card_declined"
    assert fresh(payment).state == payment.state == "failed"
    assert payment.authorized_amount == usd(0)
    assert payment.operations.get().state == "declined"


def test_a_declined_capture_records_nothing_but_the_refusal(scripted):
    payment = authorized()
    scripted.script["capture"] = declined()

    with pytest.raises(PaymentDeclined):
        payment.capture("40")

    assert (payment.state, payment.amount, payment.captured_amount) == ("failed", usd(100), usd(0))


def test_a_declined_void_changes_nothing(scripted):
    payment = authorized()
    scripted.script["void"] = declined()

    with pytest.raises(PaymentDeclined):
        payment.void_transaction()

    assert payment.state == "pending"


@pytest.mark.parametrize("verb", ["authorize", "purchase"])
def test_silence_is_neither_yes_nor_no(scripted, verb):
    scripted.script["*"] = GatewayUnavailable("Timed out.")
    payment = make_payment()

    with pytest.raises(GatewayUnavailable, match="Timed out"):
        getattr(payment, verb)()

    assert fresh(payment).state == payment.state == "processing"
    assert payment.operations.get().state == "unknown"


@pytest.mark.parametrize(("start", "verb"), [(authorized, "void_transaction"), (purchased, "refund")])
def test_an_unknown_void_or_refund_leaves_the_state_and_blocks(scripted, start, verb):
    payment = start()
    before = payment.state
    scripted.script["*"] = GatewayUnavailable

    with pytest.raises(GatewayUnavailable):
        getattr(payment, verb)()

    assert payment.state == before
    with pytest.raises(PaymentBusy):
        payment.cancel()


def test_an_exception_that_no_gateway_should_raise_goes_through_and_is_unknown(scripted):
    scripted.script["authorize"] = ZeroDivisionError
    payment = make_payment()

    with pytest.raises(ZeroDivisionError):
        payment.authorize()

    assert fresh(payment).state == "processing"
    assert payment.operations.get().state == "unknown"


def test_a_crash_leaves_the_intent_open(scripted):
    class Crash(BaseException): ...

    scripted.script["authorize"] = Crash
    payment = make_payment()

    with pytest.raises(Crash):
        payment.authorize()

    assert fresh(payment).state == "processing"
    assert payment.operations.get().state == "open"


def test_an_answer_of_another_amount_is_unknown_and_left_to_staff(scripted):
    payment = make_payment(method=make_method(gateway="narrow"))
    NarrowGateway.script["authorize"] = ok("AUTH-1", amount_minor=6000)
    with pytest.raises(GatewayUnavailable, match="60"):
        payment.authorize()

    operation = payment.operations.get()
    assert (operation.state, payment.state) == ("unknown", "processing")
    assert "100" in operation.reason


def test_waiting_is_an_answer(scripted):
    scripted.script["purchase"] = waiting("pi_1")
    payment = make_payment()

    response = payment.purchase()

    assert response.outcome is Outcome.ACTION_REQUIRED
    assert payment.state == "processing"
    assert payment.operations.get().state == "waiting"
    assert payment.operations.get().next_action["type"] == "redirect"
    assert payment.process() is None
    with pytest.raises(PaymentBusy):
        payment.capture()


def test_cancel_overtakes_a_waiting_attempt(scripted):
    scripted.script["purchase"] = waiting("pi_1")
    payment = make_payment()
    payment.purchase()

    payment.cancel()

    assert payment.state == "void"
    assert scripted.calls[-1][:2] == ("void", "pi_1")


# Law 2: one at a time


@pytest.mark.parametrize(
    "verb", ["process", "authorize", "purchase", "capture", "void_transaction", "cancel", "refund"]
)
def test_whoever_comes_second_is_told_before_a_provider_is_asked(scripted, verb):
    scripted.script["*"] = GatewayUnavailable
    payment = make_payment()
    with pytest.raises(GatewayUnavailable):
        payment.authorize()
    scripted.calls.clear()

    with pytest.raises(PaymentBusy, match=payment.number):
        getattr(payment, verb)()
    assert scripted.calls == []


@pytest.mark.parametrize("answer", [GatewayUnavailable, waiting()])
@pytest.mark.parametrize("verb", ["process", "authorize", "purchase"])
def test_the_order_takes_no_other_payment_meanwhile(scripted, answer, verb):
    order = make_order()
    first = make_payment(order=order)
    scripted.script["*"] = answer
    try:
        first.authorize()
    except GatewayUnavailable:
        pass
    second = make_payment("100", order=order)
    scripted.calls.clear()

    with pytest.raises(PaymentBusy, match=first.number):
        getattr(second, verb)()
    assert scripted.calls == []

    scripted.script["*"] = ok()
    if first.operations.get().state == "waiting":
        first.cancel()
        assert getattr(second, verb)().success


def test_processing_with_nothing_open_returns_none(scripted):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(state="processing")

    assert payment.process() is payment.authorize() is payment.purchase() is None
    assert scripted.calls == []


# Preconditions


def test_process_asks_what_the_method_prefers(scripted, settings):
    make_payment(method=make_method(auto_capture=True)).process()
    make_payment(method=make_method(auto_capture=False)).process()
    settings.PAYMENTS = {"AUTO_CAPTURE": True}
    make_payment(method=make_method(auto_capture=None)).process()

    assert verbs(scripted) == ["purchase", "authorize", "purchase"]


def test_process_leaves_a_pending_payment_without_auto_capture(scripted):
    payment = authorized()
    assert payment.process() is None
    assert verbs(scripted) == ["authorize"]


def test_process_purchases_again_what_is_pending_or_completed_with_auto_capture(scripted):
    payment = authorized(method=make_method(auto_capture=True))
    payment.process()
    payment.process()
    assert verbs(scripted) == ["authorize", "purchase", "purchase"]
    assert (payment.state, payment.captured_amount, payment.uncaptured_amount) == ("completed", usd(200), usd(0))


def test_process_authorizes_again_what_is_completed_without_auto_capture():
    payment = purchased()
    payment.process()
    assert (payment.state, payment.captured_amount) == ("pending", usd(100))


def test_a_declined_second_attempt_leaves_the_money_in_sight(scripted):
    payment = purchased()
    scripted.script["authorize"] = declined()
    with pytest.raises(PaymentDeclined):
        payment.authorize()
    assert (payment.state, payment.captured_amount) == ("completed", usd(100))


@pytest.mark.parametrize("state", ["failed", "void", "invalid"])
@pytest.mark.parametrize("verb", ["process", "authorize", "purchase", "capture"])
def test_a_dead_payment_is_asked_nothing(scripted, state, verb):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(state=state)

    with pytest.raises(TransitionNotAllowed):
        getattr(payment, verb)()
    assert scripted.calls == []
    assert fresh(payment).state == state


def test_a_missing_source_is_an_error(scripted):
    payment = make_payment(source=None)
    with pytest.raises(GatewayError, match="source"):
        payment.process()
    assert (fresh(payment).state, scripted.calls) == ("checkout", [])


def test_an_unsupported_source_makes_the_payment_invalid(scripted):
    raw = CreditCard.objects.create(number="4111111111111111", month=12, year=2030, name="Ada")
    payment = make_payment(source=raw)
    with pytest.raises(GatewayError, match="does not take"):
        payment.process()
    assert (fresh(payment).state, payment.state, scripted.calls) == ("invalid", "invalid", [])


@pytest.mark.parametrize("amount", ["0", "-10"])
@pytest.mark.parametrize(
    "verb", ["process", "authorize", "purchase", "capture", "void_transaction", "cancel", "refund"]
)
def test_a_payment_of_zero_or_less_asks_nobody(scripted, amount, verb):
    payment = make_payment(amount)
    assert getattr(payment, verb)() is None
    assert scripted.calls == []


@pytest.mark.parametrize("amount", ["0", "-1", "100.01", "1.001", usd("100.01"), Money(1, "EUR")])
def test_an_amount_that_cannot_be_captured_is_refused(scripted, amount):
    payment = authorized()
    with pytest.raises(InvalidAmount):
        payment.capture(amount)
    assert verbs(scripted) == ["authorize"]
    assert payment.operations.count() == 1


def test_capture_without_an_authorization_needs_the_ability(scripted):
    with pytest.raises(UnsupportedAction, match="capture_without_authorization"):
        make_payment().capture()
    assert scripted.calls == []


def test_a_check_is_captured_without_an_authorization():
    check = make_method(name="Check", gateway="check")
    payment = make_payment(method=check, source=None)

    assert payment.process() is payment.authorize() is payment.purchase() is None
    payment.capture("60")

    assert (payment.state, payment.captured_amount, payment.authorized_amount) == ("completed", usd(60), usd(60))
    assert (payment.amount, payment.uncaptured_amount) == (usd(60), usd(0))


@pytest.mark.parametrize(
    ("amount", "final", "ability"), [("60", True, "partial_capture"), ("60", False, "partial_capture")]
)
def test_what_the_gateway_lacks_is_refused_by_name(amount, final, ability):
    payment = authorized(method=make_method(gateway="narrow"))
    with pytest.raises(UnsupportedAction, match=ability):
        payment.capture(amount, final=final)
    assert payment.operations.count() == 1


def test_capture_of_a_completed_payment_has_nothing_to_do(scripted):
    payment = purchased()
    assert payment.capture() is None
    assert verbs(scripted) == ["purchase"]


# Void


def test_void_of_a_checkout_payment_asks_nobody(scripted):
    payment = make_payment()
    assert payment.void_transaction() is None
    assert (fresh(payment).state, scripted.calls) == ("void", [])
    assert payment.void_transaction() is None


def test_void_of_completed_needs_the_ability():
    payment = purchased(method=make_method(gateway="narrow"))
    with pytest.raises(TransitionNotAllowed, match="refund"):
        payment.void_transaction()


def test_an_unsettled_sale_is_voided_where_the_gateway_can():
    payment = purchased()
    payment.void_transaction()
    assert (payment.state, payment.captured_amount, payment.authorized_amount) == ("void", usd(0), usd(100))


def test_after_a_refund_it_is_too_late_to_void():
    payment = purchased()
    payment.refund("10")
    with pytest.raises(TransitionNotAllowed):
        payment.void_transaction()


def test_a_failed_payment_whose_hold_lives_on_can_be_voided_and_stays_failed(scripted):
    payment = authorized()
    scripted.script["capture"] = declined()
    with pytest.raises(PaymentDeclined):
        payment.capture()

    payment.void_transaction()

    assert payment.state == "failed"
    assert scripted.calls[-1][:2] == ("void", "GW-AUTHORIZE")
    with pytest.raises(TransitionNotAllowed):
        payment.void_transaction()


def test_a_void_lets_go_of_its_own_attempt_only(scripted):
    scripted.script["authorize"] = [ok("AUTH-1"), ok("AUTH-2")]
    payment = authorized()
    payment.purchase()
    payment.authorize()

    payment.void_transaction()

    assert scripted.calls[-1][:2] == ("void", "AUTH-2")
    assert (payment.state, payment.captured_amount) == ("completed", usd(100))


def test_response_without_codes_keeps_the_earlier_ones(scripted):
    scripted.script["authorize"] = ok("AUTH-1", avs_code="D", cvv_code="M")
    scripted.script["capture"] = Response(outcome=Outcome.APPROVED)
    payment = authorized()
    payment.capture()
    assert (payment.response_code, payment.avs_response, payment.cvv_response_code) == ("AUTH-1", "D", "M")


def test_a_currency_that_the_gateway_does_not_take_is_refused_before_the_claim(scripted, monkeypatch):
    monkeypatch.setattr(scripted, "capabilities", replace(scripted.capabilities, currencies=frozenset({"EUR"})))
    payment = make_payment()
    with pytest.raises(UnsupportedAction, match="USD"):
        payment.authorize()
    assert (fresh(payment).state, payment.operations.count()) == ("checkout", 0)


def test_the_number_has_eight_readable_characters():
    numbers = {make_payment("1").number for _ in range(20)}
    assert len(numbers) == 20
    assert all(len(number) == 8 and not set(number) & set("IO01") for number in numbers)
