"""M. The order: payment_state, payment_total, balance."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.models import Order
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import JOURNAL
from tests.conformance.observe import money
from tests.conformance.start import Shop, settled

AREA = "M"
Begun = list[tuple[str, str]]


def paid(shop: Shop, total: str, payments: Begun, *, state: str = "complete") -> Order:
    """An order of `total` with payments of a state and an amount each, as the database has it."""
    order = shop.order(state, total)
    for each, amount in payments:
        shop.payment(order, each, amount)
    settled(order).refresh_from_db()
    return order


@case("M", 167)
def test_m_167_only_an_invalid_payment(shop: Shop) -> None:
    """With no payment but an invalid one, and something to pay, the order's payment has failed."""
    assert paid(shop, "1.00", [("invalid", "1.00")]).payment_state == "failed"


@case("M", 168)
def test_m_168_nothing_to_pay(shop: Shop) -> None:
    """With nothing to pay the order is paid, also with an invalid payment."""
    assert paid(shop, "0.00", [("invalid", "1.00")]).payment_state == "paid"


@case("M", 170)
def test_m_170_too_little(shop: Shop) -> None:
    """1 of 2 paid leaves a balance due."""
    assert paid(shop, "2.00", [("completed", "1.00")]).payment_state == "balance_due"


@case("M", 171)
def test_m_171_all_of_it(shop: Shop) -> None:
    """30 of 30 paid is paid."""
    assert paid(shop, "30.00", [("completed", "30.00")]).payment_state == "paid"


@case("M", 172)
def test_m_172_canceled(shop: Shop) -> None:
    """A canceled order of 30 without money is void."""
    assert paid(shop, "30.00", [], state="canceled").payment_state == "void"


@case("M", 174)
def test_m_174_its_only_payment_voided(shop: Shop) -> None:
    """A live order whose only payment was voided has failed."""
    order = paid(shop, "30.00", [("pending", "30.00")])
    order.payments.get().void_transaction()
    order.refresh_from_db()
    assert order.payment_state == "failed"


@case("M", 175)
def test_m_175_held_only(shop: Shop) -> None:
    """A payment that is only held leaves the balance due."""
    assert paid(shop, "30.00", [("pending", "30.00")]).payment_state == "balance_due"


@case("M", 176, JOURNAL)
def test_m_176_a_change_is_recorded(shop: Shop) -> None:
    """A payment state that changes by a recalculation is recorded once; what a payment changes is in the journal."""
    order = shop.order("complete", "30.00")
    shop.payment(order, "completed", "30.00")
    Order.objects.filter(pk=order.pk).update(payment_state="balance_due")
    order.recalculate()
    order.recalculate()
    assert order.events.filter(name="payment_state", before="balance_due", after="paid").count() == 1


@case("M", 178)
def test_m_178_not_complete(shop: Shop) -> None:
    """An order that is not complete has no payment state."""
    assert paid(shop, "30.00", [("completed", "30.00")], state="confirm").payment_state == ""


@case("M", 179)
def test_m_179_refunds_count(shop: Shop) -> None:
    """33.25 taken and 3 given back come to 30.25."""
    order = shop.order("complete", "33.25")
    shop.payment(order, "completed", "33.25", refunded="3.00")
    assert money(settled(order).payment_total) == "30.25"


@case("M", 180)
def test_m_180_as_many_statements(shop: Shop) -> None:
    """Summing three payments with refunds takes as many statements as summing one."""

    def statements(payments: int) -> int:
        order = shop.order("complete", "100.00")
        for _ in range(payments):
            shop.payment(order, "completed", "10.00", refunded="5.00")
        settled(order)
        with CaptureQueriesContext(connection) as seen:
            order.recalculate()
        return len(seen)

    assert statements(3) == statements(1)


@case("M", 184)
@pytest.mark.parametrize(("total", "amount", "balance"), [("30.30", "20.20", "10.10"), ("8.20", "10.20", "-2.00")])
def test_m_184_the_balance(shop: Shop, total: str, amount: str, balance: str) -> None:
    """The balance is the total less what was paid."""
    assert money(paid(shop, total, [("completed", amount)]).outstanding_balance) == balance


@case("M", 187)
def test_m_187_unpaid_and_canceled(shop: Shop) -> None:
    """Unpaid, 19 are owed; once the order is canceled, nothing."""
    order = paid(shop, "19.00", [])
    assert money(order.outstanding_balance) == "19.00"
    order.cancel()
    assert money(order.outstanding_balance) == "0.00"


@case("M", 188)
def test_m_188_paid_and_given_back(shop: Shop) -> None:
    """Fully paid, nothing is owed; given back in full, 19 are owed again."""
    order = paid(shop, "19.00", [("completed", "19.00")])
    assert money(order.outstanding_balance) == "0.00"
    order.payments.get().refund()
    order.refresh_from_db()
    assert money(order.outstanding_balance) == "19.00"


@case("M", 190)
def test_m_190_a_line_less(shop: Shop) -> None:
    """A line taken off and its amount given back leaves no balance; nor does 1 off and 1 given back."""
    order = shop.order("complete", "19.00")
    line = order.line_items.create(name="Cap", unit_price="5.00", quantity=1, currency="USD")
    payment = shop.payment(order, "completed", "24.00")
    settled(order)
    line.delete()
    payment.refund(Decimal("5.00"))
    order.recalculate()
    assert money(order.outstanding_balance) == "0.00"
    order.add_adjustment("promotion", "-1.00", "Sorry")
    payment.refund(Decimal("1.00"))
    order.refresh_from_db()
    assert money(order.outstanding_balance) == "0.00"


@case("M", 192)
def test_m_192_partly_paid(shop: Shop) -> None:
    """10 paid of 19: 9 are owed, 19 once it was given back; canceled, what is still held is owed back."""

    def balance(state: str, refunded: str | None = None, *, void: bool = False) -> str:
        order = shop.order(state, "19.00")
        payment = shop.payment(order, "completed", "10.00", refunded=refunded)
        if void:
            payment.void_transaction()
        settled(order).refresh_from_db()
        return money(order.outstanding_balance)

    assert (balance("complete"), balance("complete", "10.00")) == ("9.00", "19.00")
    assert balance("canceled") == "-10.00"
    assert (balance("canceled", void=True), balance("canceled", "6.00")) == ("0.00", "-4.00")


@case("M", 194)
def test_m_194_what_was_given_back(shop: Shop) -> None:
    """What was given back is a sum over the payments: 3 and 2.5 are 5.5."""
    order = shop.order()
    shop.payment(order, "completed", "50.00", refunded="3.00")
    shop.payment(order, "completed", "50.00", refunded="2.50")
    given = sum(payment.refunded_amount.amount for payment in order.payments.all())
    assert (given, money(settled(order).payment_total)) == (Decimal("5.50"), "94.50")


@case("M", 196)
def test_m_196_whether_anything_is_to_be_paid(shop: Shop) -> None:
    """A payment is needed for anything above a total of zero."""
    assert not paid(shop, "0.00", []).payment_required
    assert paid(shop, "0.01", []).payment_required


REIMBURSEMENTS = "Reimbursements are not planned."
NOT_APPLICABLE = {
    182: (
        "A recalculation with an invalid address is refused.",
        "Recalculating writes sums and nothing else; addresses are checked by the forms that take them.",
    ),
    183: ("An order asks whether it is paid.", "There is no such question: the payment state is read."),
    186: ("A reimbursed return leaves no balance.", REIMBURSEMENTS),
    195: ("An order asks for refunds that belong to no reimbursement.", REIMBURSEMENTS),
    191: ("A unit that was cancelled and reimbursed leaves no balance.", REIMBURSEMENTS),
}
