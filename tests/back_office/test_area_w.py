"""Solidus's back office, case by case (area W), as far as its subjects exist here; the number is the case's.

Elsewhere: 330, 331, 332, 339 in test_order_errands and test_matrix, 337 in test_matrix, 343 in the journeys, 345 in
test_methods. Not here: 329 (a customer form), 344 (stock), 346 (store credit), 347 (returns).
"""

from __future__ import annotations

import pytest
from django.urls import reverse

from orders.models import Order
from payments.models import PaymentMethod, RefundReason
from tests.back_office.conftest import confirm, errand_page, payment_page, text_of
from tests.factories import address_recipe, card_recipe, make_method, make_order, make_payment
from tests.scripted import ScriptedGateway, declined

pytestmark = pytest.mark.django_db
RIGHTS = (
    *("view_order", "view_payment", "add_payment", "complete_order"),
    *("capture_payment", "void_payment", "refund_payment"),
)


@pytest.fixture
def clerk(staff):
    return staff(*RIGHTS)


def placed(total="40.00", **method):
    payment = make_payment(order=make_order(total), method=make_method(**method))
    payment.order.complete()
    return payment


def offered(clerk, payment):
    page = clerk.get(payment_page(payment)).content.decode()
    names = ("process", "capture", "void", "refund", "cancel")
    return {name for name in names if f'href="{errand_page(payment, name)}"' in page}


def test_329_an_order_that_is_not_there_is_told(clerk):
    answer = clerk.get(reverse("admin:orders_order_change", args=[999999]), follow=True)
    assert answer.status_code in (200, 403)
    assert "999999" in text_of(answer) or answer.status_code == 403


def test_333_a_card_that_was_used_before_is_preselected(clerk):
    payment = placed()
    payment.void_transaction()
    confirm(clerk, payment.order, "add_payment")
    assert payment.order.payments.latest("id").source == payment.source


def test_334_a_check_is_captured_and_can_be_refunded_then(clerk):
    order = placed(auto_capture=True).order
    order.add_line("Late", unit_price="10.00")
    method = PaymentMethod.objects.create(name="Check", gateway="check")
    confirm(clerk, order, "add_payment", method=str(method.pk))
    check = order.payments.latest("id")
    assert "refund" not in offered(clerk, check)
    assert "Done: capture of $10.00." in text_of(confirm(clerk, check, "capture"))
    check.refresh_from_db()
    assert check.state == "completed"
    assert "refund" in offered(clerk, check)


def test_335_payments_that_are_voided_one_by_one_make_balance_due_and_then_failed(clerk):
    first = make_payment("40.00", order=make_order("100.00"))
    order = first.order
    first.authorize()
    second = order.add_payment(first.payment_method, source=card_recipe.make())
    order.complete()
    confirm(clerk, first, "void")
    assert Order.objects.get(pk=order.pk).payment_state == "balance_due"
    confirm(clerk, second, "void")
    assert Order.objects.get(pk=order.pk).payment_state == "failed"
    page = clerk.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert errand_page(order, "add_payment") in page


def test_336_what_was_not_taken_is_not_refunded(clerk):
    order = make_order("10.00")
    check = order.add_payment(PaymentMethod.objects.create(name="Check", gateway="check"))
    assert "refund" not in offered(clerk, check)
    assert "holds nothing that could be given back" in text_of(clerk.get(errand_page(check, "refund")))


def test_338_an_amount_is_not_edited_a_part_is_captured(clerk):
    """Decided otherwise: an amount stays what was agreed with the provider; less of it can be captured."""
    payment = placed("40.00")
    page = clerk.get(payment_page(payment)).content.decode()
    assert 'name="amount"' not in page
    assert "errorlist" in confirm(clerk, payment, "capture", amount="invalid").content.decode()
    answer = confirm(clerk, payment, "capture", amount="1.00")
    assert "Capture $1.00" in text_of(answer)


def test_340_the_page_has_the_journal_the_source_and_its_address(clerk):
    card = card_recipe.make(address=address_recipe.make(city="Turin"))
    payment = make_payment(order=make_order("40.00"), source=card)
    payment.order.complete()
    payment.capture("15.00", final=False)
    payment.refund("5.00", reason="Damaged")
    said = text_of(clerk.get(payment_page(payment)))
    for words in ("Authorize $40.00", "Capture $15.00", "Refund $5.00", "Reason: Damaged", "Turin", "•••• 4242"):
        assert words in said


def test_341_a_removed_method_leaves_its_payments_in_sight(clerk):
    payment = placed()
    payment.payment_method.soft_delete()
    assert payment.number in text_of(clerk.get(reverse("admin:payments_payment_changelist")))
    assert "removed" in text_of(clerk.get(payment_page(payment)))
    assert "Done: capture of $40.00." in text_of(confirm(clerk, payment, "capture"))


def test_342_a_refund_that_is_refused_is_told_and_its_row_stays(clerk):
    """Decided otherwise: the row stays with its state, and does not keep the next refund away."""
    payment, reason = placed(auto_capture=True), RefundReason.objects.create(name="Damaged")
    ScriptedGateway.script = {"credit": declined("No.")}
    assert "The provider said no: No." in text_of(confirm(clerk, payment, "refund", reason=str(reason.pk)))
    assert [refund.state for refund in payment.refunds.all()] == ["declined"]
    ScriptedGateway.script = {}
    assert "Done: refund of $40.00." in text_of(confirm(clerk, payment, "refund", reason=str(reason.pk)))
