"""What Joanie's deliveries lacked: what comes late, twice, at once or not at all still ends the same."""

from __future__ import annotations

import threading

import pytest
from django.db import connections

from orders.models import Order
from payments.errors import GatewayUnavailable, PaymentBusy
from payments.gateways.base import Outcome
from payments.models import Operation, Payment
from tests.backends.catalogue import case
from tests.backends.conftest import paid, seen
from tests.factories import card_recipe, fact, make_method, make_order
from tests.scripted import ScriptedGateway, ok, waiting

pytestmark = pytest.mark.django_db


@case(193)
def test_193_a_capture_for_a_canceled_order(order):
    """A capture that arrives for a canceled order is recorded, owed, and for staff to look at."""
    ScriptedGateway.script = {"void": ok("GW-AUTHORIZE")}
    payment = order.add_payment(make_method(), card_recipe.make())
    order.complete()
    order.cancel()
    payment.apply(fact("capture", amount_minor=10000, authorization="GW-AUTHORIZE", reference="cap_late"))
    assert seen(order) == ("canceled", "credit_owed", "100.00")
    order.refresh_from_db()
    assert order.review_reason


@case(196)
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_196_four_payments_at_once():
    """Four payments of one order that settle at once come to its total, without a deadlock."""
    order, method = make_order(), make_method()
    payments = [
        Payment.objects.create(order=order, payment_method=method, amount="25", currency="USD") for _ in range(4)
    ]
    gate, failed = threading.Barrier(4), []

    def settle(pk):
        try:
            payment = Payment.objects.get(pk=pk)
            gate.wait()
            payment.apply(fact("purchase", amount_minor=2500, authorization=f"A{pk}", reference=f"ch_{pk}"))
        except Exception as error:  # noqa: BLE001 (told by the test)
            failed.append(error)
        finally:
            connections.close_all()

    for _ in range(3):  # Said again, nothing changes.
        threads = [threading.Thread(target=settle, args=(payment.pk,)) for payment in payments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert str(Order.objects.get().payment_total.amount) == "100.00"
    assert Operation.objects.count() == 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_success_that_is_told_twice_at_once_makes_one_payment(backend):
    order = make_order()
    gate, failed = threading.Barrier(4), []

    def tell():
        try:
            mine = Order.objects.get(pk=order.pk)
            gate.wait()
            backend._do_on_payment_success(mine, paid())
        except Exception as error:  # noqa: BLE001 (told by the test)
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (Payment.objects.count(), Operation.objects.count()) == (1, 1)
    assert seen(order) == ("complete", "paid", "100.00")
    assert order.invoices.count() == 1


@case(198)
def test_198_the_buyer_clicks_again(order):
    """Whoever clicks again after a time-out is told to wait; the same key is asked again, and there is one charge."""
    ScriptedGateway.script = {"purchase": GatewayUnavailable("Nobody answered.")}
    payment = order.add_payment(make_method(auto_capture=True), card_recipe.make())
    with pytest.raises(GatewayUnavailable):
        order.complete()
    with pytest.raises(PaymentBusy):
        order.complete()
    assert [call[0] for call in ScriptedGateway.calls] == ["purchase"]
    key = payment.operations.get().idempotency_key
    ScriptedGateway.books[key] = ok("GW-1", reference="ch_1")
    payment.recover()
    assert seen(order) == ("complete", "paid", "100.00")
    assert {call[2] for call in ScriptedGateway.calls if call[0] == "lookup"} == {key}


def test_a_refusal_and_a_success_in_either_order_end_the_same(order):
    """Of one attempt: what was proved done stays done."""
    ends = set()
    for first in (Outcome.DECLINED, Outcome.APPROVED):
        ScriptedGateway.script = {"purchase": waiting()}
        mine = make_order()
        payment = mine.add_payment(make_method(auto_capture=True, code=f"card-{first}"), card_recipe.make())
        mine.complete()
        key = payment.operations.get().idempotency_key
        for outcome in (first, *({Outcome.DECLINED, Outcome.APPROVED} - {first})):
            payment.apply(fact("purchase", outcome, idempotency_key=key, reference="ch_1"))
        ends.add(seen(mine))
    assert ends == {("complete", "paid", "100.00")}
