"""Invoices as pages: the back office's list, each with what belongs to it, the sheet to print, the customer's own."""

from __future__ import annotations

import pytest
from django.http import Http404
from django.urls import reverse

from orders.invoices import invoice_page
from orders.models import Invoice, Order
from tests.back_office.conftest import staff, text_of  # noqa: F401 (a fixture)
from tests.factories import address_recipe, card_recipe, make_method, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def order():
    """Paid, a part given back, with its papers."""
    made = make_order("100.00", bill_address=address_recipe.make())
    made.add_adjustment("included_tax", "15.97", "VAT 19 %")
    made.add_payment(make_method(auto_capture=True), card_recipe.make())
    made.complete()
    made.payments.get().refund("40.00")
    made.issue_invoice()
    return made


def page(invoice, name="change"):
    return reverse(f"admin:orders_invoice_{name}", args=[invoice.pk])


def test_the_list_is_searched_by_number_and_order_and_narrowed(staff, order):  # noqa: F811
    client, lists = staff("view_invoice", "view_order"), reverse("admin:orders_invoice_changelist")
    make_order().issue_invoice()
    note = Invoice.objects.get(parent__isnull=False)
    assert text_of(client.get(lists)).count("Proforma invoice") == 2
    for query, found in (
        ({"q": note.number}, 1),
        ({"q": order.number}, 2),
        ({"q": order.email}, 3),
        ({"type": "credit_note"}, 1),
        ({"currency": "EUR"}, 0),
    ):
        assert len(client.get(lists, query).context["cl"].result_list) == found, query


def test_its_page_says_what_it_comes_to(staff, order):  # noqa: F811
    client = staff("view_invoice")
    said = text_of(client.get(page(order.main_invoice)))
    note = order.main_invoice.children.get()
    for words in ("$100.00", "$60.00", "paid", "Ada Byron", f"Credit note {note.number}", "refund #2 $40.00"):
        assert words in said
    assert order.main_invoice.number in text_of(client.get(page(note)))


def test_the_sheet_to_print_has_it_all(staff, order):  # noqa: F811
    client = staff("view_invoice")
    said = text_of(client.get(page(order.main_invoice, "print")))
    wanted = (
        "Proforma invoice",
        "Ada Byron",
        "Tee",
        "VAT 19 % (included in the prices) $15.97",
        "Paid back",
        "-$40.00",
    )
    for words in (*wanted, "Balance $0.00", order.number, "Everycent"):
        assert words in said
    note = order.main_invoice.children.get()
    said = text_of(client.get(page(note, "print")))
    assert f"Belongs to {order.main_invoice.number}" in said
    assert "-$40.00" in said


def test_who_may_not_see_invoices_sees_none(staff, order):  # noqa: F811
    client = staff("view_order")
    for name in ("change", "print"):
        assert client.get(page(order.main_invoice, name)).status_code == 403
    assert "Invoices" not in text_of(client.get(reverse("admin:orders_order_change", args=[order.pk])))


def test_an_order_leads_to_its_papers_and_an_old_one_to_its_first(staff, order):  # noqa: F811
    client = staff("view_order", "view_invoice")
    found = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert page(order.main_invoice) in found and page(order.main_invoice, "print") in found
    old = make_order("10.00")
    old.add_payment(make_method(code="old"), card_recipe.make())
    old.complete()
    issue = reverse("admin:orders_invoice_issue", args=[old.pk])
    assert issue not in client.get(reverse("admin:orders_order_change", args=[old.pk])).content.decode()
    assert client.post(issue).status_code == 403
    client = staff("view_order", "view_invoice", "add_invoice", name="otto")
    assert issue in client.get(reverse("admin:orders_order_change", args=[old.pk])).content.decode()
    assert client.get(issue).status_code == 405
    answer = client.post(issue, follow=True)
    assert f"{old.main_invoice} is issued" in text_of(answer)
    unfinished = make_order()
    assert client.post(reverse("admin:orders_invoice_issue", args=[unfinished.pk])).status_code == 404


def test_a_customer_sees_the_papers_of_the_orders_handed_in(rf, order):
    number = order.main_invoice.number
    response = invoice_page(rf.get("/"), number, orders=Order.objects.filter(pk=order.pk), back="/account/")
    assert number in text_of(response)
    assert 'href="/account/"' in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    with pytest.raises(Http404):
        invoice_page(rf.get("/"), number, orders=Order.objects.exclude(pk=order.pk))
    with pytest.raises(Http404):
        invoice_page(rf.get("/"), "2026-999999", orders=Order.objects.all())
