"""Invoices and transactions: Joanie's cases, on ours."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, InterfaceError, OperationalError, connection, connections, transaction
from django.db.models import ProtectedError
from django.utils.translation import override

from orders.models import Invoice, InvoiceSeries, Order
from payments.money import Money
from tests.backends.catalogue import case
from tests.factories import card_recipe, make_method, make_order

pytestmark = pytest.mark.django_db


def eur(amount):
    return Money(Decimal(amount), "EUR")


def under(invoice, amount):
    return Invoice.objects.create(order=invoice.order, parent=invoice, total=eur(amount))


@pytest.fixture
def main(order):
    return order.issue_invoice()


@case(159)
def test_159_type_and_text(main):
    """From nothing upwards it is an invoice, below a credit note."""
    zero, note = under(main, "0"), under(main, "-1.00")
    assert (main.type, zero.type, note.type) == ("invoice", "invoice", "credit_note")
    assert str(main) == f"Proforma invoice {main.number}"
    assert str(note) == f"Credit note {note.number}"


@case(160)
def test_160_more_than_is_invoiced(main):
    """No more than is invoiced can be credited."""
    under(main, "20.00")
    under(main, "-10.00")
    with pytest.raises(ValidationError, match="110"):
        under(main, "-111.00")
    under(main, "-110.00")
    assert main.invoiced_balance == eur("0.00")


@case(161, ours="A readable number without gaps: the year, a dash, and the place in that year.")
def test_161_its_number(main):
    """A number says its year and its place in it."""
    year = main.issued_at.year
    assert main.number == f"{year}-000001"
    assert under(main, "1.00").number == f"{year}-000002"


@case(163)
def test_163_deleting(main):
    """An invoice is not deleted, with a transaction or without."""
    with pytest.raises(ProtectedError):
        main.delete()
    make_order().issue_invoice()
    assert Invoice.objects.count() == 2


@case(164)
def test_164_the_balance():
    """−500 when placed, 0 when paid, +100 when credited, 0 when paid back."""
    order = make_order("500.00", currency="EUR")
    method = make_method(auto_capture=True)
    seen = []
    invoice = order.issue_invoice()
    seen.append(str(invoice.balance.amount))
    payment = order.add_payment(method, card_recipe.make())
    order.complete()
    seen.append(str(invoice.balance.amount))
    under(invoice, "-100.00")
    seen.append(str(invoice.balance.amount))
    payment.refund("100.00")
    seen.append(str(invoice.balance.amount))
    assert seen == ["-500.00", "0.00", "100.00", "0.00"]
    order.issue_invoice()
    assert invoice.children.count() == 1  # What was credited before is not credited again.


@case(165)
def test_165_paid_in_two_parts(order):
    """Paid in two parts it is paid."""
    states = []
    method = make_method(auto_capture=True)
    for _ in range(2):
        order.add_payment(method, card_recipe.make(), "50.00").purchase()
        states.append(order.issue_invoice().state)
    assert states == ["partly_paid", "paid"]


@case(166)
def test_166_refunded(order):
    """Paid, then credited and paid back, it is refunded."""
    payment = order.add_payment(make_method(auto_capture=True), card_recipe.make())
    order.complete()
    payment.refund()
    assert order.issue_invoice().state == "refunded"


@case(168)
def test_168_a_child_as_parent(main):
    """What stands under an invoice has nothing under itself."""
    with pytest.raises(ValidationError, match="nothing under itself"):
        under(under(main, "20.00"), "-1.00")


@case(169)
def test_169_a_negative_main_invoice(order):
    """A main invoice is not negative, nor when the checks are passed by."""
    with pytest.raises(ValidationError):
        Invoice.objects.create(order=order, total=eur("-1.00"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice(order=order, number="1", total=eur("-1.00")).save()


@case(170)
def test_170_a_second_main_invoice(order, main):
    """A second main invoice is refused by the database."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.create(order=order, total=order.total)


@case(171, ours="Goods are called what they were called when they were bought; the paper is in the shop's language.")
def test_171_languages(order):
    """A paper reads the same whoever asks for it and whenever."""
    with override("fr"):
        invoice = order.issue_invoice()
    order.line_items.update(name="Maillot")
    assert [line.text for line in invoice.lines.all()] == ["Tee"]


@case(173, ours="A transaction is an operation of the journal, and says what it is.")
def test_173_the_text_of_a_transaction(order):
    """A transaction says whether it took or gave back, and how much."""
    payment = order.add_payment(make_method(auto_capture=True), card_recipe.make())
    order.complete()
    payment.refund("10.00")
    assert [str(each) for each in order.issue_invoice().transactions] == [
        "purchase #1 €100.00 succeeded",
        "refund #2 €10.00 succeeded",
    ]


@case(174)
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_174_twenty_at_once():
    """Twenty papers at once have twenty numbers, and one order that is issued by all at once has one."""
    alone, crowd = [make_order() for _ in range(10)], make_order()
    orders = [*alone, *[crowd] * 10]
    gate, failed = threading.Barrier(len(orders)), []

    def run(order):
        try:
            mine = Order.objects.get(pk=order.pk)
            gate.wait()
            mine.issue_invoice()
        except Exception as error:  # noqa: BLE001 (told by the test)
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Invoice.objects.filter(order=crowd).count() == 1
    places = sorted(int(number[5:]) for number in Invoice.objects.values_list("number", flat=True))
    assert places == list(range(1, 12))
    assert InvoiceSeries.objects.get().last == 11


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_who_is_killed_with_a_number_in_hand_leaves_no_gap():
    """Its paper was not committed, so the next one has the number; meanwhile nobody is given another."""
    mine, killed = make_order(), make_order()
    drawn, ended, failed, backend_pid = threading.Event(), threading.Event(), [], []

    def issue_and_hang():
        try:
            with transaction.atomic():
                Order.objects.get(pk=killed.pk).issue_invoice()
                backend_pid.append(connection.connection.info.backend_pid)
                drawn.set()
                ended.wait(20)
        except (OperationalError, InterfaceError) as error:
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=issue_and_hang)
    thread.start()
    assert drawn.wait(20)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", backend_pid)
    invoice = mine.issue_invoice()
    ended.set()
    thread.join()
    assert failed
    assert invoice.number.endswith("-000001")
    assert killed.main_invoice is None
    assert killed.issue_invoice().number.endswith("-000002")
