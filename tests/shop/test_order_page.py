"""The order's own page, for whoever has its secret link: what was bought, what is paid, and nothing else."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles.finders import find
from django.utils.html import escape

from payments.actors import Actor
from shop.links import order_url
from tests.counting import statements
from tests.factories import card_recipe, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def page(client, order):
    response = client.get(order_url(order))
    assert response.status_code == 200
    text = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", text.replace("&nbsp;", " "))


def placed(order, method, card):
    payment = order.add_payment(method, source=card)
    order.complete(by=Actor("checkout"))
    payment.refresh_from_db()
    return payment


def test_it_is_kept_in_no_cache(client, order):
    assert "no-store" in client.get(order_url(order))["Cache-Control"]


def test_lines_addresses_and_the_way_to_the_total(client, order, card_method, new_card):
    placed(order, card_method, new_card())
    text = page(client, order)
    for words in ("2 × Tee $48.00", "Express $10.00", "SPRING $-4.00", "Total $59.00", "Ada Byron", "12 Marylebone Rd"):
        assert words.replace("$-", "-$") in text or words in text
    assert "United Kingdom" in text


def test_what_is_reserved_paid_and_given_back(client, order, card_method, new_card):
    payment = placed(order, card_method, new_card())
    assert "$59.00 reserved, charged when it is sent" in page(client, order)
    payment.capture()
    assert "$59.00 paid" in page(client, order)
    payment.refund("9.00")
    assert "$9.00 given back" in page(client, order)
    order.mark_shipped(tracking="1Z999")
    assert "1Z999" in page(client, order)


@pytest.mark.parametrize(
    ("currency", "price", "written"),
    [("JPY", "3600", "¥3,600"), ("KWD", "1.250", "KWD 1.250"), ("ALL", "12.34", "ALL 12.34")],
)
def test_amounts_have_the_decimals_of_their_currency(client, currency, price, written):
    text = page(client, make_order(price, currency=currency)).replace("\N{NO-BREAK SPACE}", " ")
    assert f"1 × Tee {written}" in text
    assert f"Total {written}" in text


def test_what_customers_type_is_escaped(client, order):
    order.add_line("<script>alert(1)</script>", unit_price="1.00")
    content = client.get(order_url(order)).content
    assert b"<script>alert" not in content
    assert escape("<script>alert(1)</script>").encode() in content


def test_nothing_secret_is_on_it(client, order, card_method):
    placed(order, card_method, card_recipe.make(token="BGS-approves"))
    text = client.get(order_url(order)).content.decode()
    assert "BGS-approves" not in text
    assert "203.0.113.9" not in text


def test_statements_do_not_grow_with_what_is_on_it(client, order, card_method, new_card):
    payment = placed(order, card_method, new_card())
    with statements() as few:
        page(client, order)
    payment.capture("20.00", final=False)
    payment.refund("5.00")
    order.add_line("Cap", unit_price="1.00")
    order.add_payment(card_method, source=new_card())
    with statements() as many:
        page(client, order)
    assert len(many) == len(few) <= 12


def test_an_unknown_page_is_not_found_in_our_own_words(client):
    response = client.get("/order/R000000000/")
    assert response.status_code == 404
    assert b"There is nothing here." in response.content


def test_no_page_asks_another_site_for_anything_or_has_a_script_of_its_own(client, order):
    for address in ("/", order_url(order), "/nowhere/"):
        content = client.get(address).content.decode()
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', content)
        assert 'rel="icon" href="/static/shop/favicon.svg"' in content
        assert not re.findall(r"<script(?![^>]*(?:src=|application/json))|<style|\sstyle=|\son[a-z]+=", content)


def test_the_admin_has_an_icon_too(client):
    """Its pages name none, so a browser asks for the usual one."""
    response = client.get("/favicon.ico")
    assert (response.status_code, response["Location"]) == (302, "/static/shop/favicon.svg")
    assert find("shop/favicon.svg")
