"""A card's owner asks the bank for the money back: staff see it at once, and it counts when it is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from payments.doctor.comparing import Comparison
from payments.errors import GatewayUnavailable, InvalidAmount
from payments.models import Payment, WebhookEvent
from payments.money import to_minor
from tests.back_office.conftest import staff, text_of  # noqa: F401 (a fixture)
from tests.factories import make_order
from tests.payments.inbox_shop import Provider, card, wired_method

pytestmark = pytest.mark.django_db
OPENED, LOST = "The card's owner disputes $48.00.", "The dispute about $48.00 is lost."


@pytest.fixture
def provider(settings):
    made = Provider(settings)
    yield made
    made.engine.close()


@pytest.fixture
def sold(provider):
    order = make_order("48.00")
    payment = order.add_payment(wired_method(), source=card())
    order.complete()
    payment.refresh_from_db()
    provider.deliver_due()
    return payment


def happens(provider, payment, *deeds):
    for deed in deeds:
        provider.deed(payment, deed)
    for _ in range(4):
        provider.deliver_due()
        provider.advance(3)
    assert {event.state for event in WebhookEvent.objects.all()} == {"applied"}


def seen(payment):
    payment = Payment.objects.select_related("order").get(pk=payment.pk)
    sums = [to_minor(getattr(payment, name)) for name in ("captured_amount", "refunded_amount", "credit_allowed")]
    return payment.state, payment.order.payment_state, sums, payment.review_reason


def dispute_of(payment):
    [operation] = payment.operations.filter(kind="refund")
    assert (operation.asked, operation.amount, operation.refund.payment_id) == (False, payment.amount, payment.pk)
    return operation.state


def test_an_open_dispute_is_seen_and_counts_nothing_yet(provider, sold):
    happens(provider, sold, "open_dispute")
    assert seen(sold) == ("completed", "paid", [4800, 0, 0], OPENED)
    assert dispute_of(sold) == "waiting"
    with pytest.raises(InvalidAmount):
        sold.refund("1.00", reason="It is disputed")  # The bank has the money.


def test_what_is_lost_is_gone(provider, sold):
    happens(provider, sold, "open_dispute", "lose_dispute")
    assert seen(sold) == ("completed", "balance_due", [4800, 4800, 0], LOST)
    assert dispute_of(sold) == "succeeded"


def test_what_is_won_is_ours_again(provider, sold):
    happens(provider, sold, "open_dispute", "win_dispute")
    assert seen(sold) == ("completed", "paid", [4800, 0, 4800], "")
    assert dispute_of(sold) == "declined"


@pytest.mark.parametrize("end", ["lose_dispute", "win_dispute"])
@pytest.mark.parametrize("fault", ["webhook_reordered", "webhook_duplicate", "webhook_early"])
def test_the_end_is_the_same_in_whatever_order_it_is_told(provider, sold, fault, end):
    provider.fault({"fault": fault, "event": "dispute.opened"})
    happens(provider, sold, "open_dispute", end)
    lost = end == "lose_dispute"
    assert seen(sold)[2:] == (([4800, 4800, 0], LOST) if lost else ([4800, 0, 4800], ""))


def test_what_staff_were_to_look_at_before_stays(provider, sold):
    Payment.objects.filter(pk=sold.pk).update(review_reason="Ask Ada.")
    happens(provider, sold, "open_dispute", "win_dispute")
    assert seen(sold)[3] == "Ask Ada."


def test_a_dispute_is_never_taken_for_a_refund_of_ours(provider, sold):
    provider.fault({"fault": "lost_request", "kind": "refund"})
    with pytest.raises(GatewayUnavailable):
        sold.refund(reason="Damaged")
    happens(provider, sold, "open_dispute")
    refunds = sold.operations.filter(kind="refund").order_by("sequence")
    assert [(each.asked, each.state) for each in refunds] == [(True, "unknown"), (False, "waiting")]


def test_the_doctor_does_not_ask_for_what_was_lost(provider, sold):
    happens(provider, sold, "open_dispute", "lose_dispute")
    now = timezone.now()
    books = Comparison(sold.payment_method, now - timedelta(hours=1), now + timedelta(hours=1))
    assert list(books.run()) == []


def test_staff_find_it(provider, sold, staff):  # noqa: F811
    happens(provider, sold, "open_dispute")
    client = staff("view_payment", "view_order")
    assert sold.number in text_of(client.get("/admin/payments/payment/?review=yes"))
    assert OPENED in text_of(client.get(f"/admin/payments/payment/{sold.pk}/change/")).replace("&#x27;", "'")
