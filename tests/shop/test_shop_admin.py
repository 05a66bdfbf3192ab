"""Staff keep the shop's goods and terms in the admin: prices in each currency, and stock while sales go on."""

from __future__ import annotations

import pytest
from django.urls import reverse

from shop import stock
from shop.models import Product, ProductPrice, Promotion, ShippingRate
from tests.shop.goods import make_cart, make_product, make_promotion, make_shipping

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def inline(name, *rows, initial=0):
    """The fields of an inline formset."""
    fields = {f"{name}-TOTAL_FORMS": len(rows), f"{name}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        fields |= {f"{name}-{number}-{key}": value for key, value in row.items()}
    return fields


def facts(product):
    return {
        "name": product.name,
        "slug": product.slug,
        "category": product.category_id,
        "description": "",
        "drawing": "",
        "stock": "" if product.stock is None else product.stock,
        "active": "on",
        "position": 0,
    }


def change(client, product, **given):
    prices = [
        {"id": each.pk, "product": product.pk, "currency": each.currency, "amount": each.amount.amount}
        for each in product.prices.all()
    ]
    address = reverse("admin:shop_product_change", args=[product.pk])
    fields = facts(product) | inline("prices", *prices, initial=len(prices)) | given
    return client.post(address, fields)


def test_a_product_is_added_with_its_prices(admin_client):
    shelf = make_product("Other").category
    new = Product(name="Mug", slug="mug", category=shelf, stock=5)
    prices = inline("prices", {"currency": "USD", "amount": "14.00"}, {"currency": "JPY", "amount": "2000"})

    answer = admin_client.post(reverse("admin:shop_product_add"), facts(new) | {"sku": "MUG"} | prices)

    assert answer.status_code == 302
    assert {str(each.currency): str(each.amount.amount) for each in Product.objects.get(sku="MUG").prices.all()} == {
        "USD": "14.00",
        "JPY": "2000",
    }
    shown = admin_client.get(reverse("admin:shop_product_changelist")).content.decode()
    assert "¥2,000" in shown and "$14.00" in shown


def test_a_price_finer_than_its_currency_is_refused(admin_client):
    product = make_product("Mug", JPY="2000")
    answer = change(admin_client, product, **{"prices-0-amount": "10.50"})
    assert answer.status_code == 200
    assert "finer than JPY allows" in answer.content.decode()
    answer = change(admin_client, product, **{"prices-0-amount": "2100"})
    assert answer.status_code == 302
    assert str(ProductPrice.objects.get().amount.amount) == "2100"


def test_a_new_stock_is_applied_to_what_was_sold_meanwhile(admin_client):
    product = make_product("Mug", stock=10)
    page = admin_client.get(reverse("admin:shop_product_change", args=[product.pk]))
    assert b'name="initial-stock" value="10"' in page.content
    stock.hold(make_cart((product, 3)))

    # Saved from the page as it was: ten were shown, twelve are wanted, three are held by now.
    answer = change(admin_client, product, stock="12", **{"initial-stock": "10"})

    assert answer.status_code == 302
    assert Product.objects.get().stock == 9


def test_what_was_ever_held_cannot_be_deleted(admin_client):
    product = make_product("Mug", stock=10)
    address = reverse("admin:shop_product_delete", args=[product.pk])
    assert admin_client.get(address).status_code == 200
    stock.hold(make_cart((product, 3)))
    assert admin_client.get(address).status_code == 403


def test_terms_are_shown_with_what_they_are(admin_client):
    method, promotion = make_shipping("Post", US_USD="5.00/50.00", EUR="9.00"), make_promotion()
    for model, row in (("shippingmethod", method), ("promotion", promotion)):
        page = admin_client.get(reverse(f"admin:shop_{model}_change", args=[row.pk]))
        assert page.status_code == 200
    assert b'value="50.00"' in admin_client.get(reverse("admin:shop_shippingmethod_change", args=[method.pk])).content


def test_a_code_is_kept_in_capitals_and_a_rate_in_its_currency(admin_client):
    terms = inline("terms", {"currency": "USD", "amount": "", "minimum": "20"})
    answer = admin_client.post(
        reverse("admin:shop_promotion_add"), {"code": "spring 5", "label": "Spring", "percent": "5"} | terms
    )
    assert answer.status_code == 302
    made = Promotion.objects.get()
    assert (made.code, str(made.terms.get().minimum.amount)) == ("SPRING5", "20.00")

    rates = inline("rates", {"country": "ZZ", "currency": "EUR", "amount": "5", "free_from": ""})
    fields = {"name": "Post", "code": "post", "position": 0, "active": "on"} | rates
    answer = admin_client.post(reverse("admin:shop_shippingmethod_add"), fields)
    assert "not an ISO 3166 country code" in answer.content.decode()
    answer = admin_client.post(reverse("admin:shop_shippingmethod_add"), fields | {"rates-0-country": "FR"})
    assert answer.status_code == 302
    assert str(ShippingRate.objects.get().amount.amount) == "5.00"
