"""Invoices and credit notes: written after the fact, numbered without a gap, and never changed."""

from __future__ import annotations

from decimal import Decimal

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from orders.invoices import credit, issue
from orders.models import Invoice, InvoiceSeries, Order
from payments.models import Reaction
from payments.money import Money
from tests.factories import address_recipe, fact, make_method, make_order, make_payment

pytestmark = pytest.mark.django_db


def paid(total="100.00", **facts):
    """A complete order that is paid by card, with its invoice."""
    order = make_order(total, **facts)
    order.add_payment(make_method(auto_capture=True), source=card())
    order.complete()
    return order, order.issue_invoice()


def card():
    from tests.factories import card_recipe

    return card_recipe.make()


def figures(invoice):
    """(invoiced, moved, balance, state), as the rows have them."""
    found = Invoice.objects.get(pk=invoice.pk)
    sums = (found.invoiced_balance, found.transactions_balance, found.balance)
    return (*(str(each.amount) for each in sums), found.state)


def refund(order, amount=None):
    payment = order.payments.get()
    given = payment.refund(amount)
    order.refresh_from_db()
    order.issue_invoice()
    return given


# Issuing


def test_an_order_has_one_proforma_invoice_with_what_was_bought():
    order = make_order("48.00", bill_address=address_recipe.make())
    order.add_adjustment("shipping", "5.00", "Post")
    order.add_adjustment("included_tax", "7.66", "VAT 19 %")
    invoice = order.issue_invoice()
    assert invoice == order.issue_invoice() == order.main_invoice
    assert (invoice.total, invoice.type, str(invoice.title)) == (Money("53.00", "USD"), "invoice", "Proforma invoice")
    lines = [(line.text, line.quantity, line.total.amount, line.counts) for line in invoice.lines.all()]
    assert lines == [
        ("Tee", 1, Decimal("48.00"), True),
        ("Post", None, Decimal("5.00"), True),
        ("VAT 19 %", None, Decimal("7.66"), False),
    ]
    assert sum(line.total for line in invoice.lines.all() if line.counts) == invoice.total
    assert invoice.recipient.splitlines() == ["Ada Byron", "12 Marylebone Rd", "NW1 5JX London", "GB"]


def test_what_it_says_does_not_change_with_the_order(settings):
    address = address_recipe.make()
    order, invoice = paid(bill_address=address)
    order.line_items.update(name="Renamed")
    type(address).objects.update(name="Somebody Else")
    settings.INVOICES = {"ISSUER": "Another Ltd"}
    invoice = Invoice.objects.get(pk=invoice.pk)
    assert "Ada Byron" in invoice.recipient
    assert invoice.issuer == "Everycent"
    assert invoice.lines.get().text == "Tee"


def test_an_order_without_lines_has_nothing_to_invoice():
    with pytest.raises(ValueError, match="nothing to invoice"):
        make_order("0").issue_invoice()
    assert not InvoiceSeries.objects.exists()


def test_it_is_issued_when_the_order_completes_and_credited_when_money_goes_back(django_capture_on_commit_callbacks):
    order = make_order()
    payment = order.add_payment(make_method(auto_capture=True), source=card())
    with django_capture_on_commit_callbacks(execute=True):
        order.complete()
    invoice = order.main_invoice
    assert invoice is not None
    with django_capture_on_commit_callbacks(execute=True):
        payment.refund("40.00", reason="Damaged")
    [note] = invoice.children.all()
    assert (note.type, note.total, note.operation.kind) == ("credit_note", Money("-40.00", "USD"), "refund")
    assert note.number != invoice.number
    assert figures(invoice) == ("60.00", "60.00", "0.00", "paid")
    for reaction in Reaction.objects.exclude(topic="order.confirmation_requested"):
        (credit if reaction.topic == "payment.refunded" else issue)(reaction)
    assert Invoice.objects.count() == 2


def test_a_refund_before_the_invoice_is_credited_with_it():
    order = make_order()
    order.add_payment(make_method(auto_capture=True), source=card())
    order.complete()
    given = order.payments.get().refund("10.00")
    credit(Reaction(topic="payment.refunded", key=f"{given.payment.number}-{given.operation_id}"))
    assert not Invoice.objects.exists()
    invoice = order.issue_invoice()
    assert [str(child.total.amount) for child in invoice.children.all()] == ["-10.00"]


def test_yen_have_no_cents():
    order, invoice = paid("5000", currency="JPY")
    refund(order, "1200")
    assert figures(invoice) == ("3800", "3800", "0", "paid")


# Balances and states


def test_the_states_of_an_invoice():
    order = make_order()
    order.add_payment(make_method(), source=card())
    order.complete()
    invoice = order.issue_invoice()
    assert figures(invoice) == ("100.00", "0.00", "-100.00", "unpaid")
    payment = order.payments.get()
    payment.capture("30.00", final=False)
    assert figures(invoice) == ("100.00", "30.00", "-70.00", "partly_paid")
    payment.capture()
    assert figures(invoice) == ("100.00", "100.00", "0.00", "paid")
    refund(order, "25.00")
    assert figures(invoice) == ("75.00", "75.00", "0.00", "paid")
    refund(order)
    assert figures(invoice) == ("0.00", "0.00", "0.00", "refunded")


def test_an_order_for_nothing_is_paid():
    order = make_order("10.00")
    order.add_adjustment("promotion", "-10.00", "Gift")
    order.complete()
    assert figures(order.issue_invoice()) == ("0.00", "0.00", "0.00", "paid")


def test_what_was_paid_twice_is_given_back_without_a_credit_note():
    order, invoice = paid()
    again = make_payment("100.00", order=order)
    again.purchase()
    assert figures(invoice) == ("100.00", "200.00", "100.00", "paid")
    again.refund()
    order.issue_invoice()
    assert figures(invoice) == ("100.00", "100.00", "0.00", "paid")
    assert not invoice.children.exists()


def test_a_refund_of_more_than_was_invoiced_is_credited_as_far_as_that():
    order, invoice = paid()
    make_payment("20.00", order=order).purchase()
    for payment in order.payments.all():
        payment.refund()
    order.issue_invoice()
    assert figures(invoice) == ("0.00", "0.00", "0.00", "refunded")


def test_a_voided_sale_is_no_money_moved():
    order, invoice = paid()
    order.payments.get().void_transaction()
    assert invoice.transactions == []
    assert figures(invoice)[3] == "unpaid"


def test_a_canceled_order_is_credited_whole():
    order = make_order()
    order.add_payment(make_method(gateway="narrow"), source=card())
    order.complete()
    invoice = order.issue_invoice()
    order.payments.get().capture()
    order.cancel()
    order.issue_invoice()
    order.issue_invoice()
    assert [child.operation is not None for child in invoice.children.all()] == [True]
    assert figures(invoice)[:3] == ("0.00", "0.00", "0.00")


def test_what_will_never_be_paid_of_a_canceled_order_is_credited():
    order = make_order()
    order.add_payment(make_method(), source=card())
    order.complete()
    invoice = order.issue_invoice()
    order.cancel()
    order.issue_invoice()
    [note] = invoice.children.all()
    assert (str(note.total.amount), note.operation) == ("-100.00", None)
    assert figures(invoice) == ("0.00", "0.00", "0.00", "refunded")


def test_a_total_that_changed_is_followed():
    order, invoice = paid()
    order.add_line("Mug", unit_price="12.00")
    order.issue_invoice()
    order.add_adjustment("promotion", "-30.00", "Sorry")
    order.issue_invoice()
    papers = [(str(child.total.amount), child.type) for child in invoice.children.order_by("id")]
    assert papers == [("12.00", "invoice"), ("-30.00", "credit_note")]
    assert figures(invoice)[:3] == ("82.00", "100.00", "18.00")


def test_a_refund_that_was_taken_for_another_is_credited_once():
    order, invoice = paid()
    payment = order.payments.get()
    payment.apply(fact("refund", amount_minor=4000, reference="re_1"))
    payment.apply(fact("refund", amount_minor=4000, reference="re_1"))
    order.issue_invoice()
    order.issue_invoice()
    assert figures(invoice) == ("60.00", "60.00", "0.00", "paid")
    assert invoice.children.get().reference == "re_1"


# Numbers


def test_numbers_have_no_gap_and_begin_anew_each_year():
    orders = [make_order() for _ in range(4)]
    with time_machine.travel("2026-12-31 23:59:00+00:00", tick=False):
        numbers = [orders[0].issue_invoice().number, orders[1].issue_invoice().number]
    with time_machine.travel("2027-01-01 00:00:00+00:00", tick=False):
        numbers += [orders[2].issue_invoice().number, orders[3].issue_invoice().number]
    assert numbers == ["2026-000001", "2026-000002", "2027-000001", "2027-000002"]


def test_the_year_is_the_shops_own(settings):
    settings.TIME_ZONE = "Pacific/Auckland"
    with timezone.override("Pacific/Auckland"), time_machine.travel("2026-12-31 12:00:00+00:00", tick=False):
        assert make_order().issue_invoice().number == "2027-000001"


def test_a_credit_note_takes_the_next_number_of_the_same_series():
    order, _invoice = paid()
    refund(order, "1.00")
    year = timezone.localdate().year
    assert [paper.number for paper in Invoice.objects.order_by("id")] == [f"{year}-000001", f"{year}-000002"]


def test_what_fails_takes_its_number_with_it():
    order, first = paid()
    with transaction.atomic():
        make_order().issue_invoice()
        transaction.set_rollback(True)  # Somebody pulls the plug.
    with pytest.raises(ValidationError):
        Invoice.objects.create(order=order, parent=first, total=Money("-100.01", "USD"))
    second = make_order().issue_invoice()
    assert int(second.number[5:]) == int(first.number[5:]) + 1
    assert InvoiceSeries.objects.get().last == Invoice.objects.count()


# Refused


def test_a_paper_is_not_deleted():
    _order, invoice = paid()
    with pytest.raises(ProtectedError):
        invoice.delete()
    with pytest.raises(ProtectedError):
        Invoice.objects.all().delete()


def test_an_order_with_papers_is_not_deleted():
    order = make_order()
    order.issue_invoice()
    with pytest.raises(ProtectedError):
        Order.objects.filter(pk=order.pk).delete()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"total": Money("-1.00", "USD")}, "stands under"),
        ({"total": Money("1.00", "EUR")}, "currency of its order"),
        ({"under": "main", "total": Money("-100.01", "USD")}, "100.00 is left"),
        ({"under": "child", "total": Money("-1.00", "USD")}, "nothing under itself"),
        ({"under": "another", "total": Money("-1.00", "USD")}, "another order"),
    ],
)
def test_what_makes_no_sense_is_refused(facts, words):
    order = make_order()
    main = order.issue_invoice()
    parents = {
        "main": main,
        "child": Invoice.objects.create(order=order, parent=main, total=Money("20.00", "USD")),
        "another": make_order().issue_invoice(),
    }
    if "100.01" in str(facts["total"]):
        Invoice.objects.create(order=order, parent=main, total=Money("-20.00", "USD"))
    drawn = InvoiceSeries.objects.get().last
    with pytest.raises(ValidationError, match=words):
        Invoice.objects.create(order=order, parent=parents.get(facts.get("under")), total=facts["total"])
    assert InvoiceSeries.objects.get().last == drawn


def test_a_second_main_invoice_is_refused_by_the_database():
    order = make_order()
    order.issue_invoice()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.create(order=order, total=order.total)


def test_less_than_nothing_is_left_of_no_invoice():
    order, invoice = paid()
    refund(order, "80.00")
    order.add_adjustment("promotion", "-30.00", "Sorry")
    order.issue_invoice()
    order.issue_invoice()
    assert [str(child.total.amount) for child in invoice.children.order_by("id")] == ["-80.00", "-20.00"]


def test_an_order_that_is_taken_up_again_is_invoiced_again():
    order = make_order()
    order.add_payment(make_method(), source=card())
    order.complete()
    invoice = order.issue_invoice()
    order.cancel()
    order.issue_invoice()
    order.resume()
    order.issue_invoice()
    assert [str(child.total.amount) for child in invoice.children.order_by("id")] == ["-100.00", "100.00"]
    assert figures(invoice)[3] == "unpaid"
