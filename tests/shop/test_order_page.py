"""The order page: for staff, with every amount, every question asked and everybody who asked it."""

import re

import pytest
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import find
from django.urls import reverse
from django.utils.html import escape

from payments.actors import Actor
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.models import Payment
from tests.counting import statements
from tests.factories import card_recipe, make_order

pytestmark = pytest.mark.django_db


def page(client, order):
    response = client.get(reverse("order", args=[order.number]))
    assert response.status_code == 200
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text.replace("&nbsp;", " "))


def placed(order, method, card):
    payment = order.add_payment(method, source=card)
    order.complete(by=Actor("checkout"))
    payment.refresh_from_db()
    return payment


# Who may look


def test_a_customer_is_sent_to_the_login(client, order):
    address = reverse("order", args=[order.number])
    response = client.get(address)
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('admin:login')}?next={address}"


def test_so_is_a_signed_in_customer(client, order):
    client.force_login(User.objects.create_user("ada"))
    assert client.get(reverse("order", args=[order.number])).status_code == 302


def test_staff_need_the_permission(client, order):
    client.force_login(User.objects.create_user("new", is_staff=True))
    assert client.get(reverse("order", args=[order.number])).status_code == 403


def test_nothing_can_be_posted(clerk_client, order):
    assert clerk_client.post(reverse("order", args=[order.number])).status_code == 405


def test_it_is_kept_in_no_cache(clerk_client, order):
    response = clerk_client.get(reverse("order", args=[order.number]))
    assert "no-store" in response["Cache-Control"]


# What is on it


def test_lines_and_the_way_to_the_total(clerk_client, order):
    order.add_adjustment("included_tax", "1.50", "VAT")
    text = page(clerk_client, order)
    assert "Tee TEE-M 2 × $24.00 $48.00" in text
    sums = "Items $48.00 Express $10.00 Sales tax $5.00 SPRING -$4.00 Total $59.00 VAT (included in the prices) $1.50"
    assert sums in text
    assert "Paid captured − refunded $0.00 Outstanding $59.00" in text


def test_addresses(clerk_client, order):
    assert page(clerk_client, order).count("Ada Byron 12 Marylebone Rd NW1 5JX London GB +44 20 7946 0001") == 2


def test_a_payment_with_its_operations_and_who_asked(clerk_client, order, card_method, new_card, clerk):
    payment = placed(order, card_method, new_card())
    payment.capture(by=Actor("staff", clerk))
    payment.refund("20.00", reason="Damaged", by=Actor("staff", clerk))
    text = page(clerk_client, order)
    assert "order complete payment balance due" in text
    assert "Card · $59.00 completed visa •••• 1111" in text
    assert "authorized $59.00 captured $59.00 refunded $20.00" in text
    assert re.search(r"authorize \$59\.00 succeeded .{10,40} by checkout · Bogus Gateway", text)
    assert re.search(r"capture \$59\.00 succeeded .{10,40} by mira \(staff\)", text)
    assert f"bogus-{payment.number}-refund-3" in text
    assert "Refunds $20.00 · Damaged succeeded" in text
    assert "Paid captured − refunded $39.00 Outstanding $20.00" in text


def test_the_history_tells_it_in_order(clerk_client, order, card_method, new_card, clerk):
    payment = placed(order, card_method, new_card())
    order.cancel("Changed her mind", by=Actor("staff", clerk))
    history = page(clerk_client, order).partition("History")[2]
    steps = (
        f"Payment {payment.number}: authorize $59.00: succeeded",
        "Order: confirm → complete",
        "Order: complete → canceled “Changed her mind”",
        f"Payment {payment.number}: void $59.00: succeeded",
    )
    places = [history.index(step) for step in steps]
    assert places == sorted(places)
    assert "by mira (staff)" in history


def test_a_declined_attempt_stays_visible(clerk_client, order, card_method):
    with pytest.raises(PaymentDeclined):
        placed(order, card_method, card_recipe.make(token="BGS-declines"))
    text = page(clerk_client, order)
    assert "order payment" in text
    assert "Card · $59.00 failed" in text
    assert "Bogus Gateway: Forced failure" in text


def test_an_unknown_answer_is_shown_as_such(clerk_client, order, card_method, new_card):
    payment = placed(order, card_method, new_card())
    card_method.config = {"outage": True}
    card_method.save()
    with pytest.raises(GatewayUnavailable):
        payment.capture()
    text = page(clerk_client, order)
    assert "Card · $59.00 processing" in text
    assert "capture $59.00 unknown" in text
    assert "the answer was lost" in text


def test_what_needs_review_says_why(clerk_client, order, card_method, new_card):
    payment = placed(order, card_method, new_card())
    Payment.objects.filter(pk=payment.pk).update(review_reason="Money came late.", cvv_response_code="N")
    text = page(clerk_client, order)
    assert "Needs review: Money came late." in text
    assert "security code check: N" in text


def test_an_empty_order_says_that_it_is_empty(clerk_client):
    text = page(clerk_client, make_order("0", email=""))
    for words in (
        "no e-mail address",
        "This order has no lines.",
        "Nobody has tried to pay this order yet.",
        "none given",
        "Nothing has happened yet.",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("currency", "price", "written"),
    [("JPY", "3600", "¥3,600"), ("KWD", "1.250", "KWD 1.250"), ("ALL", "12.34", "ALL 12.34")],
)
def test_amounts_have_the_decimals_of_their_currency(clerk_client, currency, price, written):
    text = page(clerk_client, make_order(price, currency=currency)).replace("\N{NO-BREAK SPACE}", " ")
    assert f"Tee TEE-M 1 × {written} {written} How" in text
    assert f"Items {written} Total {written} Paid" in text


def test_what_customers_type_is_escaped(clerk_client, order):
    order.add_line("<script>alert(1)</script>", unit_price="1.00")
    response = clerk_client.get(reverse("order", args=[order.number]))
    assert b"<script>" not in response.content
    assert escape("<script>alert(1)</script>").encode() in response.content


def test_nothing_secret_is_on_it(clerk_client, order, card_method):
    placed(order, card_method, card_recipe.make(token="BGS-approves"))
    assert "BGS-approves" not in page(clerk_client, order)


def test_statements_do_not_grow_with_operations(clerk_client, order, card_method, new_card):
    payment = placed(order, card_method, new_card())
    with statements() as few:
        page(clerk_client, order)
    payment.capture()
    payment.refund("5.00", reason="Damaged")
    payment.refund("5.00", reason="Late")
    with statements() as many:
        page(clerk_client, order)
    assert len(many) == len(few)


# The other pages


def test_the_start_page_leads_to_the_admin(client):
    response = client.get("/")
    assert response.status_code == 200
    for name in ("orders_order", "payments_payment", "payments_paymentmethod"):
        assert reverse(f"admin:{name}_changelist").encode() in response.content


def test_it_shows_orders_to_staff_alone(client, clerk, order):
    assert order.number.encode() not in client.get("/").content
    client.force_login(clerk)
    assert reverse("order", args=[order.number]).encode() in client.get("/").content


def test_staff_of_an_empty_shop_are_told_how_to_fill_it(clerk_client):
    assert b"There are no orders yet." in clerk_client.get("/").content


def test_an_unknown_order_is_not_found_in_the_own_page(clerk_client):
    response = clerk_client.get(reverse("order", args=["R000000000"]))
    assert response.status_code == 404
    assert b"There is nothing here." in response.content


def test_no_page_asks_another_site_for_anything(clerk_client, order):
    for address in ("/", reverse("order", args=[order.number]), "/nowhere/"):
        content = clerk_client.get(address).content.decode()
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', content)
        assert 'rel="icon" href="/static/shop/favicon.svg"' in content


def test_the_admin_has_an_icon_too(client):
    """Its pages name none, so a browser asks for the usual one."""
    response = client.get("/favicon.ico")
    assert (response.status_code, response["Location"]) == (302, "/static/shop/favicon.svg")
    assert find("shop/favicon.svg")
