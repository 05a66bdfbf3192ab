"""The three hooks, called by a backend on the base class: each ends in `Payment.apply()`."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest
from django.core import mail

from orders.models import Invoice, Order
from payments.backends import RefundPaymentFailed, RegisterPaymentFailed
from payments.models import HostedSource, Operation, Payment, Reaction
from tests.backends.catalogue import case
from tests.backends.conftest import ADDRESS, paid, seen
from tests.factories import card_recipe, fact, make_method, make_order
from tests.scripted import ScriptedGateway, waiting

pytestmark = pytest.mark.django_db


def chosen(order, backend):
    """A payment for which the backend has sent its customer away."""
    return order.add_payment(backend.method, HostedSource.objects.create())


def broken_mail(**_facts):
    raise OSError("The mail server is down.")


# Success


@case(18)
def test_018_one_transaction(backend, order):
    """One debit, which carries the provider's id, on the payment that was waiting for it."""
    payment = chosen(order, backend)
    backend._do_on_payment_success(order, paid())
    operation = Operation.objects.get()
    assert (operation.payment, operation.kind, operation.state) == (payment, "purchase", "succeeded")
    assert (operation.reference, operation.amount.amount) == ("pay_1", Decimal("100.00"))
    assert order.main_invoice.transactions == [operation]


@case(19, ours="The invoice is issued when the order completes, not by its payment.")
def test_019_one_main_invoice(backend, order):
    """Exactly one main invoice, which is paid."""
    for _ in range(3):
        backend._do_on_payment_success(order, paid())
    invoice = Invoice.objects.get()
    assert (invoice.parent, invoice.total.amount, invoice.state) == (None, Decimal("100.00"), "paid")


@case(20)
@pytest.mark.parametrize("begun", [True, False])
def test_020_the_order_is_paid(backend, order, begun):
    """The order is complete and paid, also where nobody had made a payment for it."""
    if begun:
        chosen(order, backend)
    backend._do_on_payment_success(order, paid())
    assert seen(order) == ("complete", "paid", "100.00")
    assert (order.state, order.payment_state) == ("complete", "paid")
    assert Payment.objects.count() == 1


@case(21)
def test_021_one_mail(backend, django_capture_on_commit_callbacks):
    """One confirmation, to the order's address, which names what was bought."""
    order = make_order("100.00", email="sam@example.com")
    with django_capture_on_commit_callbacks(execute=True):
        backend._do_on_payment_success(order, paid())
        backend._do_on_payment_success(order, paid())
    [sent] = [each for each in mail.outbox if order.number in each.subject]
    assert sent.to == ["sam@example.com"]
    assert "Tee" in sent.body
    assert Order.objects.get().bill_address.name == "Sam Iam"


@case(24)
def test_024_the_mail_server_is_down(backend, order, django_capture_on_commit_callbacks, monkeypatch, caplog):
    """A mail server that is down undoes nothing: it is logged, and tried again."""
    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", broken_mail)
    with caplog.at_level(logging.WARNING), django_capture_on_commit_callbacks(execute=True):
        backend._do_on_payment_success(order, paid())
    assert seen(order) == ("complete", "paid", "100.00")
    assert Invoice.objects.get().state == "paid"
    assert mail.outbox == []
    assert "order_confirmed failed" in caplog.text
    assert Reaction.objects.get(topic="order.completed").delivered_at is None


@case(28)
def test_028_too_little(backend, order):
    """One euro of a hundred is recorded, the rest stays due, and nothing is delivered."""
    backend._do_on_payment_success(order, paid(amount="1.00"))
    assert seen(order) == ("cart", "", "1.00")
    order.refresh_from_db()
    assert str(order.outstanding_balance.amount) == "99.00"
    assert not Reaction.objects.exists()
    completed = make_order("50.00", currency="EUR")
    completed.add_payment(make_method(gateway="check", name="Check"))
    completed.complete()
    backend._do_on_payment_success(completed, paid("pay_2", "1.00"))
    assert seen(completed) == ("complete", "balance_due", "1.00")


@case(29)
def test_029_another_currency(backend, order):
    """Money in another currency is flagged for staff and counts for nothing."""
    payment = chosen(order, backend)
    backend._do_on_payment_success(order, paid(amount="100", currency="JPY"))
    payment.refresh_from_db()
    assert "JPY" in payment.review_reason
    assert seen(order) == ("cart", "", "0.00")


@case(30)
def test_030_too_much(backend, order):
    """What is paid beyond the total is owed."""
    backend._do_on_payment_success(order, paid(amount="120.00"))
    assert seen(order) == ("complete", "credit_owed", "120.00")


@pytest.mark.parametrize("amount", ["0", "-1.00", "1.001", "much", None, 1.5])
def test_what_is_no_amount_is_refused_and_nothing_is_written(backend, order, amount):
    with pytest.raises(RegisterPaymentFailed):
        backend._do_on_payment_success(order, paid(amount=amount))
    with pytest.raises(RegisterPaymentFailed):
        backend._do_on_payment_success(order, paid(""))
    assert not Payment.objects.exists()


def test_the_payment_is_found_by_the_providers_id_by_our_number_or_because_it_is_under_way(backend, order):
    first, second = chosen(order, backend), chosen(order, backend)
    backend._do_on_payment_success(order, paid("pay_1", "40.00", number=first.number))
    backend._do_on_payment_success(order, paid("pay_1", "40.00"))
    backend._do_on_payment_success(order, paid("pay_2", "60.00"))
    sums = [str(each.captured_amount.amount) for each in Payment.objects.order_by("id")]
    assert sums == ["40.00", "60.00"]
    second.refresh_from_db()
    assert second.response_code == "pay_2"
    assert seen(order) == ("complete", "paid", "100.00")


def test_money_for_a_canceled_order_is_recorded_owed_and_flagged(backend, order):
    backend._do_on_payment_success(order, paid())
    Payment.objects.get().refund()
    order.refresh_from_db()
    order.cancel()
    backend._do_on_payment_success(order, paid("pay_2"))
    assert seen(order) == ("canceled", "credit_owed", "100.00")
    order.refresh_from_db()
    assert order.review_reason


# Failure


@case(31, ours="The order is kept and goes back to payment, so that it can be paid another way.")
@pytest.mark.parametrize("asked", [True, False])
def test_031_failure(backend, order, asked, django_capture_on_commit_callbacks):
    """The payment fails; no invoice, no transaction, no confirmation, and the order can be paid again."""
    ScriptedGateway.script = {"authorize": waiting()}
    payment = order.add_payment(backend.method, card_recipe.make())
    if asked:
        order.complete()
    with django_capture_on_commit_callbacks(execute=True):
        backend._do_on_payment_failure(order)
    payment.refresh_from_db()
    assert payment.state == "failed"
    assert seen(order) == ("payment" if asked else "cart", "", "0.00")
    assert not Invoice.objects.exists()
    assert not [each for each in payment.operations.all() if each.state == "succeeded"]
    assert not Reaction.objects.filter(topic="order.completed").exists()
    backend._do_on_payment_success(order, paid("pay_2"))
    assert seen(order) == ("complete", "paid", "100.00")


@case(38)
def test_038_the_same_failure_three_times(backend, order, settings):
    """Said three times, a failure is told once."""
    settings.REACTIONS = {"payment.failed": ["tests.backends.test_hooks.nothing"]}
    ScriptedGateway.script = {"authorize": waiting()}
    order.add_payment(backend.method, card_recipe.make())
    order.complete()
    for _ in range(3):
        backend._do_on_payment_failure(order)
    assert Reaction.objects.filter(topic="payment.failed").count() == 1
    assert Operation.objects.count() == 1


def nothing(_reaction):
    """A receiver that has nothing to do."""


def test_a_failure_after_the_success_undoes_nothing(backend, order):
    backend._do_on_payment_success(order, paid())
    backend._do_on_payment_failure(order)
    assert seen(order) == ("complete", "paid", "100.00")


# Refund


@pytest.fixture
def invoice(backend, order):
    backend._do_on_payment_success(order, paid())
    return order.main_invoice


@case(39)
def test_039_all_of_it(backend, order, invoice):
    """Given back in full: a credit note with that reference over −100, and the order is canceled."""
    backend._do_on_refund(Decimal("100.00"), invoice, "ref_0")
    note = invoice.children.get()
    assert (note.type, note.total.amount, note.reference) == ("credit_note", Decimal("-100.00"), "ref_0")
    assert [str(each.amount.amount) for each in note.transactions] == ["100.00"]
    assert note.transactions_balance.amount == Decimal("-100.00")
    assert (invoice.state, *seen(order)) == ("refunded", "canceled", "void", "0.00")


@case(40)
def test_040_some_of_it(backend, order, invoice):
    """Given back in part, the order stays complete and the invoice paid."""
    backend._do_on_refund(Decimal("40.00"), invoice, "ref_0")
    assert seen(order) == ("complete", "balance_due", "60.00")
    assert (invoice.state, str(invoice.invoiced_balance.amount)) == ("paid", "60.00")


@case(41)
def test_041_more_than_is_left(backend, order, invoice):
    """More than is left is refused, and nothing is written."""
    backend._do_on_refund(Decimal("60.00"), invoice, "ref_0")
    with pytest.raises(RefundPaymentFailed, match="60"):
        backend._do_on_refund(Decimal("60.00"), invoice, "ref_1")
    assert Operation.objects.filter(kind="refund").count() == 1
    assert seen(order) == ("complete", "balance_due", "40.00")


@case(44)
@pytest.mark.parametrize("amount", [Decimal("-5"), 0, "0.001", None])
def test_044_nothing_or_less(backend, order, invoice, amount):
    """Nothing, or less than nothing, is not given back; nor is what has no reference."""
    with pytest.raises(RefundPaymentFailed):
        backend._do_on_refund(amount, invoice, "ref_0")
    with pytest.raises(RefundPaymentFailed):
        backend._do_on_refund("5.00", invoice, "")
    assert not Operation.objects.filter(kind="refund").exists()


@case(45)
def test_045_the_same_again(backend, order, invoice):
    """The same notification again is the same refund; under its name no other amount is believed."""
    for _ in range(3):
        backend._do_on_refund("40.00", invoice, "ref_0")
    assert invoice.children.count() == 1
    with pytest.raises(RefundPaymentFailed, match="another amount"):
        backend._do_on_refund("41.00", invoice, "ref_0")
    assert seen(order) == ("complete", "balance_due", "60.00")


@case(46)
@pytest.mark.parametrize("by_hook", [True, False])
def test_046_a_refund_before_its_payment(backend, order, by_hook):
    """A refund that is heard of before its payment is kept, and the sums are right once that comes."""
    payment = chosen(order, backend)
    if by_hook:
        backend._do_on_refund("100.00", order.issue_invoice(), "ref_0")
    else:
        payment.apply(fact("refund", amount_minor=10000, reference="ref_0"))
    assert Payment.objects.get(pk=payment.pk).review_reason
    backend._do_on_payment_success(order, paid())
    payment.refresh_from_db()
    assert (payment.captured_amount - payment.refunded_amount).amount == 0
    assert payment.review_reason == ""
    assert seen(order)[2] == "0.00"


def test_a_refund_that_we_asked_for_is_the_one_that_is_heard_of(backend, order, invoice, scripted):
    scripted.script = {"credit": waiting("", reference="")}
    payment = Payment.objects.get()
    payment.refund("25.00")
    backend._do_on_refund("25.00", invoice, "ref_0")
    assert Operation.objects.get(kind="refund").state == "succeeded"
    assert seen(order) == ("complete", "balance_due", "75.00")


def test_what_was_shipped_is_not_canceled_by_its_refund(backend, order, invoice):
    order.mark_shipped()
    backend._do_on_refund("100.00", invoice, "ref_0")
    assert seen(order) == ("complete", "balance_due", "0.00")


def test_addresses_are_taken_by_joanies_names_of_their_parts(backend):
    order = make_order("10.00")
    backend._do_on_payment_success(order, {"id": "pay_1", "amount": "10.00", "billing_address": ADDRESS})
    assert order.main_invoice.recipient.splitlines() == ["Sam Iam", "1 Rue des Œufs", "69001 Lyon", "FR"]
