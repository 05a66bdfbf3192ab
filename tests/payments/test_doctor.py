"""Each check of the doctor finds its planted violation, that row and no other; a healthy shop has no finding."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments.errors import GatewayUnavailable
from payments.models import Operation, Payment, Reaction, Refund
from tests.factories import authorized, make_method, make_order, make_payment, purchased
from tests.keeping import kept
from tests.payments.doctor_shop import CHECKS, findings, found, healthy_shop, payment_of, say, sold
from tests.scripted import waiting

pytestmark = pytest.mark.django_db


def later(**delta):
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def plant(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        assert cursor.rowcount == 1


@contextmanager
def without_check(name):
    """Meanwhile the database does not refuse what this check constraint of payments forbids."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # A table with work left to do cannot be altered.
            cursor.execute(f"ALTER TABLE payments_payment DROP CONSTRAINT {name}")
        yield
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def found_of(*payments):
    """What is found of these: the healthy neighbours grow old as well."""
    return [row for row in found() if row[2] in [each.number for each in payments]]


@pytest.fixture(autouse=True)
def _no_receivers(settings):
    """Nothing is committed in these tests, so nothing would be delivered."""
    settings.REACTIONS = {}


@pytest.fixture(scope="module")
def shop(django_db_setup, django_db_blocker):
    """Healthy neighbours, which must not be found."""
    with kept(django_db_blocker, healthy_shop):
        yield


def test_a_healthy_shop_has_no_finding(shop):
    assert findings() == []


def test_the_number_of_statements_does_not_grow_with_healthy_rows():
    def statements():
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert findings() == []
        return len(captured)

    healthy_shop()
    few = statements()
    healthy_shop()
    assert statements() == few


def test_every_check_says_what_holds_and_what_to_do():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.law.endswith(".") and check.remedy for check in CHECKS)


@pytest.mark.parametrize("column", ["authorized_amount", "captured_amount", "refunded_amount"])
def test_a_sum_that_its_operations_do_not_come_to(shop, column):
    payment = purchased()
    Payment.objects.filter(pk=payment.pk).update(authorized_amount="300", captured_amount="100", refunded_amount="0")
    amount = {"authorized_amount": "300.01", "captured_amount": "100.01", "refunded_amount": "0.01"}[column]
    plant(f"UPDATE payments_payment SET {column} = %s WHERE id = %s", amount, payment.pk)
    payment.order.recalculate()

    assert found() == [("payment_sums", payment.order.number, payment.number, None)]
    says = findings()[0].says
    assert amount in says or column == "authorized_amount"


def test_a_cent_in_a_million():
    payment = make_payment(order=make_order("9999999.99"))
    payment.purchase()
    assert found() == []
    Payment.objects.filter(pk=payment.pk).update(captured_amount="9999999.98")
    payment.order.recalculate()

    assert findings()[0].says == ("captured is 9999999.98 USD, its operations come to 9999999.99 USD")


def test_an_amount_that_a_final_capture_did_not_shrink(shop):
    payment = authorized()
    payment.capture("40")
    Payment.objects.filter(pk=payment.pk).update(amount="100")

    assert found() == [("payment_sums", payment.order.number, payment.number, None)]
    assert findings()[0].says == "amount is 100.00 USD, its operations come to 40.00 USD"


@pytest.mark.parametrize("state", ["checkout", "processing", "completed", "failed", "void", "invalid"])
def test_a_state_that_its_operations_do_not_make(shop, state):
    payment = authorized()
    Payment.objects.filter(pk=payment.pk).update(state=state)

    assert found() == [("payment_state", payment.order.number, payment.number, None)]
    assert findings()[0].says == f"it is {state}, its operations make it pending"


def test_a_state_and_a_sum_without_any_operation(shop):
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(state="pending", authorized_amount=1)

    row = (payment.order.number, payment.number, None)
    assert found() == [("payment_sums", *row), ("payment_state", *row)]


def test_a_story_that_only_the_ledger_can_tell(shop):
    """Two attempts: the first was refunded in part, the second taken too."""
    payment = purchased()
    payment.refund("10")
    payment.process()
    payment.purchase()
    assert found() == []
    Payment.objects.filter(pk=payment.pk).update(refunded_amount="11")
    payment.order.recalculate()

    assert found() == [("payment_sums", payment.order.number, payment.number, None)]


def test_sums_in_the_wrong_order_and_no_reason_for_a_review(shop):
    """The database refuses it; where it does not, the doctor finds it, beside the sum that it breaks."""
    payment = purchased()
    with without_check("payment_sums_explained"):
        Payment.objects.filter(pk=payment.pk).update(refunded_amount="100.01")
    payment.order.recalculate()

    row = (payment.order.number, payment.number, None)
    assert found() == [("payment_sums", *row), ("sums_in_order", *row)]
    Payment.objects.filter(pk=payment.pk).update(review_reason="Somebody looks at it.")
    assert found() == [("payment_sums", *row)]


def test_a_sum_below_zero(shop):
    payment = make_payment()
    with without_check("payment_sums_not_negative"):
        Payment.objects.filter(pk=payment.pk).update(refunded_amount="-0.01")
    payment.order.recalculate()

    row = (payment.order.number, payment.number, None)
    assert found() == [("payment_sums", *row), ("sums_in_order", *row)]


def test_a_refund_operation_without_its_refund(shop):
    payment = purchased()
    Refund.objects.filter(pk=payment.refund("10").pk).delete()

    assert found() == [("refund_rows", payment.order.number, payment.number, 2)]


def test_a_refund_that_is_read_from_another_payment(shop):
    """Its own operation is alone then, too."""
    one, other = purchased(), purchased()
    refund = one.refund("10")
    Refund.objects.filter(pk=refund.pk).update(payment=other)

    assert found() == [("refund_rows", other.order.number, other.number, 2)]


def test_a_refund_that_is_read_from_a_purchase(shop):
    payment = purchased()
    refund = payment.refund("10")
    Refund.objects.filter(pk=refund.pk).update(operation=payment.operations.get(sequence=1))

    row = (payment.order.number, payment.number)
    assert found() == [("refund_rows", *row, 1), ("refund_rows", *row, 2)]


def test_an_operation_in_another_currency(shop):
    payment = purchased()
    plant("UPDATE payments_operation SET currency = 'EUR' WHERE payment_id = %s", payment.pk)

    assert found() == [("operation_currency", payment.order.number, payment.number, 1)]


def test_two_operations_without_an_answer(shop):
    """The database refuses it; where it does not, the doctor finds it."""
    payment = authorized()
    say(capture=GatewayUnavailable)
    with pytest.raises(GatewayUnavailable):
        payment.capture()
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX operation_one_open_per_payment")
    plant("UPDATE payments_operation SET state = 'unknown' WHERE payment_id = %s AND sequence = 1", payment.pk)
    Payment.objects.filter(pk=payment.pk).update(authorized_amount=0)

    assert found() == [("one_unanswered", payment.order.number, payment.number, None)]


def test_a_key_that_is_not_its_operations_own(shop):
    payment = purchased()
    plant("UPDATE payments_operation SET idempotency_key = 'P-purchase-1' WHERE payment_id = %s", payment.pk)

    assert found() == [("idempotency_keys", payment.order.number, payment.number, 1)]


# What is left undone


def lost(**answers):
    payment = authorized()
    say(**answers)
    with pytest.raises(GatewayUnavailable):
        payment.capture()
    say()
    return payment


def test_an_open_operation_whose_asker_is_long_gone(shop):
    payment = authorized()
    capture = Operation.objects.filter(pk=lost(capture=GatewayUnavailable).operations.get(kind="capture").pk)
    capture.update(state="open", answered_at=None)
    payment = capture.get().payment

    assert found() == []
    with later(hours=2):
        assert found() == [("not_recovered", payment.order.number, payment.number, 2)]


def test_an_unknown_one_that_nobody_tried_to_recover_for_a_day():
    payment = lost(capture=GatewayUnavailable)
    row = ("not_recovered", payment.order.number, payment.number, 2)

    with later(hours=23):
        assert found_of(payment) == []
    with later(hours=25):
        assert found_of(payment) == [row]
        payment.operations.filter(sequence=2).update(next_try_at=timezone.now() + timedelta(hours=1), tries=1)
        assert found_of(payment) == []
    with later(hours=51):
        assert found_of(payment) == [row]


def test_what_is_left_for_staff(shop):
    payment = lost(capture=GatewayUnavailable)
    payment.operations.filter(sequence=2).update(reason="The provider can neither be looked up nor asked again.")

    assert found() == [("left_for_staff", payment.order.number, payment.number, 2)]
    assert "neither be looked up" in findings()[0].says


def test_a_hold_past_its_time(shop):
    payment = authorized()
    Payment.objects.filter(pk=payment.pk).update(capture_by=timezone.now() - timedelta(minutes=1))

    assert found() == [("hold_overdue", payment.order.number, payment.number, None)]


def test_what_waits_for_more_than_a_day():
    say(authorize=waiting())
    payment = make_payment()
    payment.authorize()
    given_up = make_payment()
    given_up.authorize()
    say()
    given_up.cancel()

    assert found_of(payment, given_up) == []
    with later(hours=25):
        assert found_of(payment, given_up) == [("waiting_long", payment.order.number, payment.number, 1)]


def test_a_reaction_that_nobody_delivers(shop):
    Reaction.objects.all().delete()
    Reaction.objects.create(topic="order.completed", key="R1")

    assert found() == []
    with later(hours=2):
        assert found() == [("reactions_overdue", "R1", "", None)]


def test_a_reaction_that_fails_again_and_again(shop):
    Reaction.objects.all().delete()
    facts = {"attempts": 5, "last_error": "shop.mail.x: SMTPError", "next_attempt_at": timezone.now() + timedelta(1)}
    Reaction.objects.create(topic="order.completed", key="R1", **facts)

    assert found() == [("reactions_overdue", "R1", "", None)]
    assert "failed 5 times (shop.mail.x: SMTPError)" in findings()[0].says


def test_a_method_whose_gateway_is_gone_is_still_looked_at(settings):
    method = make_method()
    order = sold(method, total="10.00")
    payment_of(order).capture()
    method.gateway = "gone"
    method.save()

    assert findings() == []
