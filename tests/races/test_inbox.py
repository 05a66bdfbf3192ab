"""Many deliveries of one notice at the same moment: one event, one effect, one mail; and the same without its guard."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections
from django.utils import timezone

from payments.models import Operation, Payment, Reaction, WebhookEvent
from payments.simulator.webhooks import HEADER, signature
from tests.payments.inbox_shop import SECRETS, Provider, hosted_payment, post, wired_method

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
HOOK = "/payments/webhooks/card/"
CROWD = 16


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    made = Provider(settings)
    yield made
    made.engine.close()


def at_once(acts: list[Callable[[], int]]) -> Counter[int]:
    """Each act on a thread of its own with a connection of its own, let loose together: what they answered."""
    gate, answers = threading.Barrier(len(acts)), []

    def run(act: Callable[[], int]) -> None:
        connection.ensure_connection()
        gate.wait()
        try:
            answers.append(act())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(answers)


def notice(payment: Any, *, event: str = "evt_1", kind: str = "purchase", **changes: Any) -> Callable[[], int]:
    """The delivery of a signed notice, ready to be made."""
    action = {
        "id": payment.operations.get(sequence=1).reference,
        "kind": kind,
        "status": "succeeded",
        "amount": 4800,
        "currency": "USD",
        "payment": payment.response_code,
        "order_id": f"{payment.order.number}-{payment.number}",
        "changed": "2026-11-20T10:00:00.000Z",
        **changes,
    }
    said = {"id": event, "type": f"{kind}.succeeded", "data": {"action": action, "payment": {}}}
    body = json.dumps(said).encode()
    headers = {HEADER: signature(SECRETS["WIRED_HOOK"], body, int(timezone.now().timestamp()))}
    return lambda: post(HOOK, body, headers)


def waiting_payment(provider: Provider) -> Any:
    provider.deaf = True
    return hosted_payment(wired_method())


def seen(payment: Payment) -> dict[str, Any]:
    found = Payment.objects.select_related("order").get(pk=payment.pk)
    return {
        "state": (found.state, found.order.state, found.order.payment_state),
        "captured": found.captured_amount.amount,
        "operations": found.operations.count(),
        "events": WebhookEvent.objects.count(),
        "reactions": Reaction.objects.filter(topic="order.completed").count(),
        "mails": len(mail.outbox),
    }


ONCE = {
    "state": ("completed", "complete", "paid"),
    "captured": 48,
    "operations": 1,
    "events": 1,
    "reactions": 1,
    "mails": 1,
}


def test_sixteen_deliveries_at_once_are_one(provider: Provider):
    payment = waiting_payment(provider)

    assert at_once([notice(payment)] * CROWD) == {200: CROWD}

    assert seen(payment) == ONCE
    assert WebhookEvent.objects.get().state == "applied"


def test_sixteen_names_for_one_deed_are_one_effect(provider: Provider):
    """A provider that draws a new id for each delivery: then the ledger is the guard."""
    payment = waiting_payment(provider)

    assert at_once([notice(payment, event=f"evt_{number}") for number in range(CROWD)]) == {200: CROWD}

    assert seen(payment) == ONCE | {"events": CROWD}
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"applied"}


def test_sixteen_refunds_made_elsewhere_are_one(provider: Provider):
    payment = waiting_payment(provider)
    notice(payment)()
    refund = notice(payment, event="evt_2", kind="refund", id="ref_1", amount=1000)

    assert at_once([refund] * CROWD) == {200: CROWD}

    found = Payment.objects.get(pk=payment.pk)
    assert (found.refunded_amount.amount, found.operations.filter(kind="refund").count()) == (10, 1)


def test_notice_return_and_clock_at_once_are_one(provider: Provider):
    from payments.gateway_options import return_token
    from payments.recovery import recover_due
    from payments.waiting import returned

    payment = waiting_payment(provider)
    provider.pay(payment)

    def come_back() -> int:
        returned(return_token(payment.number))
        return 200

    def look() -> int:
        list(recover_due(at_once=True))
        return 200

    assert at_once([notice(payment), come_back, look] * 4) == {200: 12}

    assert seen(payment) == ONCE


@contextmanager
def without_the_guard() -> Iterator[None]:
    """The inbox without its constraint."""
    [guard] = [each for each in WebhookEvent._meta.constraints if each.name == "webhook_event_once"]
    with connection.schema_editor() as editor:
        editor.remove_constraint(WebhookEvent, guard)
    try:
        yield
    finally:
        WebhookEvent.operations.through._default_manager.all().delete()
        WebhookEvent.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(WebhookEvent, guard)


def test_without_the_constraint_each_delivery_is_stored_and_used(provider: Provider):
    """The twin: the check above sees the difference; that the money is right is the ledger's doing."""
    payment = waiting_payment(provider)
    with without_the_guard():
        assert at_once([notice(payment)] * CROWD) == {200: CROWD}
        assert seen(payment) != ONCE
        assert seen(payment) == ONCE | {"events": CROWD}


def test_without_the_lock_all_but_one_run_into_the_constraints(provider: Provider):
    """The other twin: facts taken in by readers who do not wait for each other, all together."""
    payment = waiting_payment(provider)
    notice(payment)()
    gate = threading.Barrier(CROWD)
    read = Payment.read_operations

    class Unguarded(Payment):
        class Meta:
            proxy = True
            app_label = "payments"

        def _lock(self, *how: Any) -> Payment:
            return Unguarded._base_manager.select_related("payment_method", "order").get(pk=self.pk)

        def read_operations(self) -> list[Operation]:
            found = read(self)
            gate.wait()
            return found

    def apply() -> int:
        from django.db import Error

        from payments.gateways.base import Fact, Outcome

        try:
            Unguarded.objects.get(pk=payment.pk).apply(
                Fact(kind="refund", outcome=Outcome.APPROVED, amount_minor=100, reference="ref_9")
            )
        except Error:
            return 500
        return 200

    assert at_once([apply] * CROWD)[500] == CROWD - 1  # The constraints: an error that is none of ours.
