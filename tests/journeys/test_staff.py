"""The errands of staff, clicked through: each ends with exactly the right money."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from payments.errors import GatewayUnavailable
from payments.models import Operation, Payment, RefundReason
from tests.factories import make_method, make_order, make_payment
from tests.scripted import ScriptedGateway, ok

pytestmark = pytest.mark.django_db(transaction=True)


def placed(total="100.00", **method):
    payment = make_payment(order=make_order(total), method=make_method(**method))
    payment.order.complete()
    payment.refresh_from_db()
    return payment


def open_payment(page: Page, payment: Payment) -> None:
    page.goto(f"/admin/payments/payment/{payment.pk}/change/")


def press(page: Page, name: str) -> None:
    page.get_by_role("link", name=f"{name}…").click()


def sums(payment):
    payment.refresh_from_db()
    return payment.state, *(int(each.amount) for each in (payment.captured_amount, payment.refunded_amount))


def test_capture(signed_in, look):
    payment, page = placed(), signed_in("mira")
    open_payment(page, payment)
    look(page, "payment-pending")
    press(page, "Capture")
    look(page, "capture")
    page.get_by_role("button", name="Capture $100.00").click()
    expect(page.locator(".messagelist")).to_contain_text("Done: capture of $100.00.")
    assert sums(payment) == ("completed", 100, 0)
    look(page, "payment-completed")


def test_part_capture(signed_in, look):
    payment, page = placed(), signed_in("mira")
    open_payment(page, payment)
    press(page, "Capture")
    page.get_by_label("Amount in USD").fill("30")
    expect(page.get_by_role("button", name="Capture $100.00")).to_be_disabled()
    page.get_by_label("Keep the rest reserved").check()
    page.get_by_role("button", name="Show with this amount").click()
    expect(page.locator(".ec-words")).to_contain_text("The rest, $70.00, stays reserved")
    look(page, "capture-part")
    page.get_by_role("button", name="Capture $30.00").click()
    expect(page.locator(".messagelist")).to_contain_text("Done")
    assert sums(payment) == ("pending", 30, 0)


def test_void(signed_in, look):
    payment, page = placed(), signed_in("mira")
    open_payment(page, payment)
    press(page, "Void")
    look(page, "void")
    page.get_by_role("button", name=re.compile("^Void")).click()
    expect(page.locator(".messagelist")).to_contain_text("Done")
    assert sums(payment) == ("void", 0, 0)


def test_refund(signed_in, look):
    RefundReason.objects.create(name="Damaged in transit")
    payment, page = placed(auto_capture=True), signed_in("mira")
    open_payment(page, payment)
    press(page, "Refund")
    page.get_by_label("Amount in USD").fill("9.50")
    page.get_by_role("button", name="Show with this amount").click()
    page.get_by_label("Reason").select_option("Damaged in transit")
    look(page, "refund")
    page.get_by_role("button", name="Refund $9.50").click()
    expect(page.locator(".messagelist")).to_contain_text("Done: refund of $9.50.")
    payment.refresh_from_db()
    assert str(payment.refunded_amount.amount) == "9.50"
    look(page, "payment-refunded")


def test_two_browsers_press_the_same_button(signed_in, look):
    """The first is still being answered when the second arrives: the provider is asked once."""
    payment = placed()
    mira, noor = signed_in("mira"), signed_in("noor")
    for page in (mira, noor):
        open_payment(page, payment)
        press(page, "Capture")

    def slowly(options):
        time.sleep(2)
        return ok("GW-CAPTURE")

    ScriptedGateway.script = {"capture": slowly}
    mira.get_by_role("button", name="Capture $100.00").click(no_wait_after=True)
    while not Operation.objects.filter(payment=payment, kind="capture").exists():
        time.sleep(0.05)
    noor.get_by_role("button", name="Capture $100.00").click()
    expect(noor.locator(".messagelist")).to_contain_text("already begun by mira (staff)")
    look(noor, "operation-open")
    expect(noor.locator(".ec-head")).to_contain_text("succeeded", timeout=15_000)
    expect(mira.locator(".messagelist")).to_contain_text("Done: capture of $100.00.")
    assert len([call for call in ScriptedGateway.calls if call[0] == "capture"]) == 1
    assert sums(payment) == ("completed", 100, 0)


def test_a_double_click_asks_once(signed_in):
    payment, page = placed(), signed_in("mira")
    open_payment(page, payment)
    press(page, "Capture")
    page.get_by_role("button", name="Capture $100.00").dblclick()
    expect(page.locator("h1").first).to_be_visible()
    page.wait_for_load_state()
    assert len([call for call in ScriptedGateway.calls if call[0] == "capture"]) == 1
    assert sums(payment) == ("completed", 100, 0)


def test_add_a_payment_and_charge_it(signed_in, look):
    payment = placed()
    payment.void_transaction()
    make_method(gateway="bogus", name="Test card", position=5)
    page = signed_in("mira")
    page.goto(f"/admin/orders/order/{payment.order_id}/change/")
    look(page, "order-failed")
    press(page, "Add a payment")
    page.get_by_label("Method").select_option("Test card")
    page.get_by_label("Paid with").select_option("Another card")
    page.get_by_label("Card number").fill("4111 1111 1111 1111")
    page.get_by_label("Expiry month").fill("12")
    page.get_by_label("Expiry year").fill("2030")
    page.get_by_label("Name on the card").fill("Ada Byron")
    look(page, "add-payment")
    page.get_by_role("button", name="Add a payment").click()
    expect(page.locator(".messagelist")).to_contain_text("was added")
    page.get_by_role("link", name=payment.order.payments.latest("id").number).click()
    press(page, "Charge")
    page.get_by_role("button", name="Charge $100.00").click()
    expect(page.locator(".messagelist")).to_contain_text("Done: authorize of $100.00.")
    assert sums(payment.order.payments.latest("id")) == ("pending", 0, 0)


def test_recover(signed_in, look):
    payment, page = placed(), signed_in("mira")
    ScriptedGateway.script = {"capture": GatewayUnavailable("The line went dead.")}
    open_payment(page, payment)
    press(page, "Capture")
    page.get_by_role("button", name="Capture $100.00").click()
    expect(page.locator(".messagelist")).to_contain_text("nobody knows yet")
    look(page, "payment-unknown")
    ScriptedGateway.books = {f"{payment.number}-capture-2": ok("GW-CAPTURE")}
    press(page, "Recover now")
    look(page, "recover")
    page.get_by_role("button", name="Recover now").click()
    expect(page.locator(".messagelist")).to_contain_text("It is settled")
    assert sums(payment) == ("completed", 100, 0)


def test_cancel_an_order(signed_in, look):
    payment, page = placed(auto_capture=True), signed_in("mira")
    page.goto(f"/admin/orders/order/{payment.order_id}/change/")
    look(page, "order-paid")
    press(page, "Cancel order")
    page.get_by_label("Why is it canceled?").fill("Out of stock")
    look(page, "order-cancel")
    page.get_by_role("button", name="Cancel order").click()
    expect(page.locator(".messagelist")).to_contain_text("The order is canceled.")
    payment.refresh_from_db()
    assert payment.order.__class__.objects.get(pk=payment.order_id).payment_state == "void"


@pytest.mark.parametrize("size", [{"width": 390, "height": 844}], ids=["phone"])
def test_capture_by_keyboard_on_a_phone(signed_in, size):
    payment, page = placed(), signed_in("mira", size=size)
    open_payment(page, payment)
    page.get_by_role("link", name="Capture…").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Capture $100.00").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("Done")
    assert sums(payment) == ("completed", 100, 0)


def test_bulk_capture(signed_in, look):
    method = make_method()
    payments = [make_payment(order=make_order(total), method=method) for total in ("10.00", "20.00", "30.00")]
    for payment in payments:
        payment.order.complete()
    payments[2].void_transaction()
    page = signed_in("mira")
    page.goto("/admin/payments/payment/")
    look(page, "payments", part="#content")
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Capture selected…").click()
    expect(page.locator(".ec-page")).to_contain_text("$30.00")
    look(page, "bulk-capture")
    page.get_by_role("button", name="Capture 2 payments").click()
    expect(page.get_by_role("status")).to_be_visible()
    look(page, "bulk-result")
    assert [sums(payment)[:2] for payment in payments] == [("completed", 10), ("completed", 20), ("void", 0)]


SCREENS = {
    "home": "/admin/",
    "orders": "/admin/orders/order/",
    "methods": "/admin/payments/paymentmethod/",
    "method": "/admin/payments/paymentmethod/{method}/change/",
    "reactions": "/admin/payments/reaction/",
    "cards": "/admin/payments/creditcard/",
    "events": "/admin/payments/webhookevent/",
}


def test_other_screens(signed_in, look):
    payment, page = placed(auto_capture=True), signed_in("mira")
    for name, address in SCREENS.items():
        page.goto(address.format(method=payment.payment_method_id))
        look(page, name, part="#content")
