"""The catalogue's pages: what is on offer, found, priced and shown, and at what cost in statements."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from shop import cart
from shop.models import Category, Product, ProductPrice, Promotion
from shop.pricing import choose_shipping, shipping_choices
from tests.counting import statements
from tests.shop.goods import make_cart, make_product

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_everything_on_offer_is_shown_with_its_price(client):
    make_product("Mug", stock=3)
    make_product("Tee", stock=0, USD="24.00")
    make_product("Hat", EUR="9.00")
    Product.objects.filter(pk=make_product("Ghost").pk).update(active=False)

    shown = page(client, "/")

    assert "Mug" in shown and "$10.00" in shown and "few left" in shown
    assert "$24.00" in shown and "sold out" in shown
    assert "Hat" not in shown and "Ghost" not in shown


def test_prices_are_shown_in_the_currency_that_was_chosen(client):
    make_product("Mug", USD="10.00", EUR="9.00", JPY="1500")
    client.post("/currency", {"currency": "JPY"})
    assert "¥1,500" in page(client, "/")
    client.post("/currency", {"currency": "EUR"})
    assert "€9.00" in page(client, "/p/mug/")
    client.post("/currency", {"currency": "XXX"})
    assert "€9.00" in page(client, "/")


def test_a_category_has_a_page(client):
    make_product("Mug", category="kitchen")
    make_product("Lamp", category="desk")
    shown = page(client, "/c/kitchen/")
    assert "Mug" in shown and "Lamp" not in shown
    assert client.get("/c/none/").status_code == 404
    Category.objects.create(name="Empty", slug="empty")
    assert "nothing on this shelf" in page(client, "/c/empty/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mug", ["Mug"]),
        ("KITCHEN", ["Mug", "Kettle"]),
        ("kitchen mug", ["Mug"]),
        ("DESK-LAMP", ["Desk lamp"]),
        ("steam", ["Kettle"]),
        ("%", []),
        ("_", []),
        ("'; --", []),
        ("x\0y", []),
        ("   ", ["Mug", "Kettle", "Desk lamp"]),
    ],
)
def test_a_search_finds_what_has_every_word(client, query, found):
    make_product("Mug")
    Product.objects.filter(pk=make_product("Kettle").pk).update(description="Full of steam.")
    make_product("Desk lamp", category="desk")

    answer = client.get("/", {"q": query})

    names = [product.name for product in answer.context["page"]]
    assert names == found
    assert ("We found nothing like that." in answer.content.decode()) == (not found)


def test_what_was_searched_for_is_shown_as_text(client):
    shown = client.get("/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in shown


def test_a_page_holds_twelve_and_keeps_the_search(client):
    for number in range(14):
        make_product(f"Mug {number:02}")

    shown = client.get("/", {"q": "mug"}).content.decode()
    assert "Page 1 of 2" in shown and "?q=mug&amp;page=2" in shown
    second = client.get("/", {"q": "mug", "page": 2})
    assert [product.name for product in second.context["page"]] == ["Mug 12", "Mug 13"]
    for odd in ("0", "-3", "99", "x", "1e9"):
        assert client.get("/", {"page": odd}).status_code == 200


def test_a_product_has_a_page(client):
    mug = make_product("Mug", stock=3)
    make_product("Kettle")
    shown = page(client, mug.get_absolute_url())
    assert "Only 3 are left." in shown and "More from Kitchen" in shown and 'max="3"' in shown
    Product.objects.filter(pk=mug.pk).update(stock=0)
    shown = page(client, "/p/mug/")
    assert "sold out" in shown and "Add to cart" not in shown
    Product.objects.filter(pk=mug.pk).update(active=False)
    assert client.get("/p/mug/").status_code == 404


def test_a_product_without_a_price_in_the_currency_says_so(client):
    make_product("Hat", EUR="9.00")
    shown = page(client, "/p/hat/")
    assert "no price in USD" in shown and "Add to cart" not in shown


def test_the_number_of_statements_is_at_most_twelve_and_does_not_grow():
    ada = User.objects.create_user("ada")
    client = Client()
    client.force_login(ada)
    order = make_cart(user=ada)
    counts: dict[str, set[int]] = {"/": set(), "/?q=mug&page=1": set(), "/c/kitchen/": set(), "/p/mug-0/": set()}
    for number in range(12):
        product = make_product(f"Mug {number}", stock=9)
        make_product(f"Lamp {number}", category=f"desk-{number}")
        cart.add(order, product)
        if number in (1, 11):
            for path, seen in counts.items():
                client.get(path)
                with statements() as ran:
                    assert client.get(path).status_code == 200
                seen.add(len(ran))
    assert {path: len(seen) for path, seen in counts.items()} == dict.fromkeys(counts, 1), counts
    assert max(max(seen) for seen in counts.values()) <= 12


def test_a_newcomer_costs_three_statements_and_gets_no_session(client):
    make_product()
    with statements() as ran:
        answer = client.get("/")
    assert len(ran) == 3  # The categories, how many products, the products.
    assert "sessionid" not in answer.cookies


@pytest.mark.once
def test_the_demo_shop_has_a_dozen_products_with_a_picture_and_a_price_in_each_currency(settings, finders):
    settings.DEBUG = True
    for _time in range(2):
        call_command("load_demo_shop", stdout=StringIO())

    products = list(Product.objects.all())
    assert len(products) == 12
    assert all(finders(product.drawing) for product in products)
    assert ProductPrice.objects.count() == 12 * len(settings.SHOP["CURRENCIES"])
    assert Promotion.objects.get().is_valid()
    for country, currency in (("US", "USD"), ("DE", "EUR"), ("JP", "JPY"), ("BR", "USD")):
        order = make_cart((products[0], 1), currency=currency, country=country)
        quotes = shipping_choices(order)
        assert quotes
        choose_shipping(order, quotes[0].method)
        assert order.total > order.item_total


@pytest.fixture
def finders():
    from django.contrib.staticfiles import finders

    return finders.find
