"""Law 3: what is unknown is settled by evidence, and what cannot be decided goes to staff, never to failed."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from djmoney.money import Money

from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.gateways.base import Capabilities, Snapshot
from payments.models import Payment
from tests.factories import authorized, make_method, make_payment, purchased
from tests.scripted import NarrowGateway, declined, ok, waiting

pytestmark = pytest.mark.django_db


class Crash(BaseException): ...


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def lose(payment, verb, gateway, *, done=None, error=GatewayUnavailable, **kwargs):
    """Ask, and lose the answer: `done` is what the provider's books say of it."""

    def answer(options):
        if done is not None:
            gateway.books[options["idempotency_key"]] = done
        raise error

    gateway.script["*"] = answer
    with pytest.raises(error):
        getattr(payment, verb)(**kwargs)
    gateway.script.clear()
    gateway.calls.clear()
    return payment.operations.last()


@pytest.mark.parametrize(
    ("start", "verb", "state"),
    [
        (make_payment, "authorize", "pending"),
        (make_payment, "purchase", "completed"),
        (authorized, "capture", "completed"),
        (authorized, "void_transaction", "void"),
        (purchased, "refund", "completed"),
    ],
)
def test_a_deed_whose_answer_was_lost_is_found_at_once(scripted, start, verb, state):
    payment = start()
    operation = lose(payment, verb, scripted, done=ok("A", reference="r_1"))

    payment.recover()

    operation.refresh_from_db()
    assert (operation.state, operation.reference, payment.state) == ("succeeded", "r_1", state)
    assert [call[0] for call in scripted.calls] == ["lookup"]


@pytest.mark.parametrize(
    ("start", "verb", "state"),
    [
        (make_payment, "authorize", "failed"),
        (authorized, "capture", "pending"),
        (authorized, "void_transaction", "pending"),
        (purchased, "refund", "completed"),
    ],
)
def test_not_found_is_believed_only_after_the_window(scripted, start, verb, state):
    payment = start()
    operation = lose(payment, verb, scripted)

    payment.recover()
    operation.refresh_from_db()
    assert operation.state == "unknown"

    with later(minutes=6):
        payment.recover()
    operation.refresh_from_db()
    assert (operation.state, payment.state) == ("canceled", state)


def test_a_refusal_that_was_lost_is_found(scripted):
    payment = make_payment()
    lose(payment, "authorize", scripted, done=declined("No."))
    payment.recover()
    assert (payment.state, payment.operations.get().state) == ("failed", "declined")


def test_an_open_operation_is_left_alone_while_its_asker_may_live(scripted):
    payment = make_payment()
    operation = lose(payment, "purchase", scripted, done=ok("A"), error=Crash)
    assert operation.state == "open"

    payment.recover()
    assert scripted.calls == []

    with later(minutes=2):
        payment.recover()
    assert payment.state == "completed"


def test_an_open_operation_that_is_not_found_waits_for_the_window_too(scripted):
    payment = make_payment()
    operation = lose(payment, "purchase", scripted, error=Crash)

    with later(minutes=2):
        payment.recover()
    operation.refresh_from_db()
    assert operation.state == "unknown"

    with later(minutes=20):
        payment.recover()
    operation.refresh_from_db()
    assert (operation.state, payment.state) == ("canceled", "failed")


def test_a_provider_that_is_silent_again_changes_nothing(scripted, monkeypatch):
    payment = make_payment()
    operation = lose(payment, "purchase", scripted)

    def silent(self, **asked):
        raise GatewayUnavailable("Still down.")

    monkeypatch.setattr(scripted, "lookup", silent)
    with later(days=3):
        payment.recover()
    operation.refresh_from_db()
    assert (operation.state, payment.state) == ("unknown", "processing")


def test_recovering_twice_changes_nothing(scripted):
    payment = make_payment()
    lose(payment, "purchase", scripted, done=ok("A"))
    payment.recover()
    before = Payment.objects.values().get()
    payment.recover()
    assert Payment.objects.values().get() == before


def test_what_waits_is_found_waiting(scripted):
    payment = make_payment()
    lose(payment, "purchase", scripted, done=waiting("pi_1"))
    payment.recover()
    assert (payment.operations.get().state, payment.response_code) == ("waiting", "pi_1")


def test_without_lookup_the_same_key_is_asked_again(monkeypatch):
    monkeypatch.setattr(NarrowGateway, "capabilities", Capabilities(idempotency_keys=True))
    payment = make_payment(method=make_method(gateway="narrow"))
    operation = lose(payment, "purchase", NarrowGateway)
    keys = []
    NarrowGateway.script["purchase"] = lambda options: keys.append(options["idempotency_key"]) or ok("A")

    payment.recover()

    assert keys == [operation.idempotency_key]
    assert (payment.state, payment.captured_amount) == ("completed", Money(100, "USD"))


def test_a_key_is_not_trusted_for_longer_than_providers_keep_it(monkeypatch):
    monkeypatch.setattr(NarrowGateway, "capabilities", Capabilities(idempotency_keys=True))
    payment = make_payment(method=make_method(gateway="narrow"))
    operation = lose(payment, "purchase", NarrowGateway)

    with later(hours=24):
        payment.recover()

    operation.refresh_from_db()
    assert NarrowGateway.calls == []
    assert (operation.state, payment.state) == ("unknown", "processing")
    assert operation.reason


def test_a_gateway_that_can_do_neither_leaves_it_to_staff():
    payment = make_payment(method=make_method(gateway="narrow"))
    operation = lose(payment, "purchase", NarrowGateway)

    with later(days=30):
        payment.recover()

    operation.refresh_from_db()
    assert (operation.state, payment.state) == ("unknown", "processing")
    assert operation.reason


def snapshot(authorized_minor=0, captured_minor=0, refunded_minor=0):
    return Snapshot(
        authorization="A",
        authorized_minor=authorized_minor,
        captured_minor=captured_minor,
        refunded_minor=refunded_minor,
        voided=False,
    )


def test_what_the_provider_holds_decides_an_answer_of_the_wrong_amount(scripted):
    scripted.snapshot = snapshot(authorized_minor=10000)
    scripted.script["authorize"] = ok("A", amount_minor=1)
    payment = make_payment()

    payment.authorize()

    assert (payment.state, str(payment.authorized_amount.amount)) == ("pending", "100.00")


def test_what_the_provider_holds_may_not_decide_either(scripted):
    scripted.snapshot = snapshot(authorized_minor=6000)
    scripted.script["authorize"] = ok("A", amount_minor=6000)
    payment = make_payment()

    with pytest.raises(GatewayUnavailable):
        payment.authorize()
    payment.recover()

    operation = payment.operations.get()
    assert (operation.state, payment.state) == ("unknown", "processing")
    assert "60" in operation.reason


def test_the_order_is_free_once_it_is_known_that_nothing_happened(scripted):
    payment = make_payment()
    lose(payment, "purchase", scripted)
    with later(hours=1):
        payment.recover()
        second = make_payment(order=payment.order)
        assert second.purchase().success


def test_a_recovered_refund_is_counted_once(scripted):
    payment = purchased()
    lose(payment, "refund", scripted, done=ok(reference="re_1"), amount="40")
    payment.recover()
    assert payment.refunds.get().state == "succeeded"
    assert str(payment.refunded_amount.amount) == "40.00"


def test_a_bogus_outage_is_recovered_when_it_is_over():
    method = make_method(gateway="bogus", config={"outage": True})
    payment = make_payment(method=method)
    from payments.models import CreditCard

    payment = payment.order.add_payment(
        method, source=CreditCard.objects.create(number="4111111111111111", month=1, year=2030)
    )
    with pytest.raises(GatewayUnavailable):
        payment.purchase()
    payment.recover()
    assert payment.state == "processing"

    method.config = {}
    method.save()
    payment.recover()
    assert (payment.state, payment.operations.count()) == ("completed", 1)


def test_declined_after_recovery_raises_nothing(scripted, monkeypatch):
    monkeypatch.setattr(NarrowGateway, "capabilities", Capabilities(idempotency_keys=True))
    payment = make_payment(method=make_method(gateway="narrow"))
    lose(payment, "authorize", NarrowGateway)
    NarrowGateway.script["authorize"] = PaymentDeclined("No.")
    payment.recover()
    assert payment.state == "failed"
