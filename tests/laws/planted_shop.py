"""The storefront's constraints with the statements that break them, as in `planted`, and the rows they speak of."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from orders.models import Address
from shop.models import (
    Basket,
    Category,
    PaymentAttempt,
    Preferences,
    Product,
    ProductPrice,
    Promotion,
    PromotionTerms,
    SavedAddress,
    ShippingMethod,
    ShippingRate,
    StockHold,
    TaxRate,
)

PRICE = "UPDATE shop_productprice SET {}"
RATE = "UPDATE shop_shippingrate SET {}"
TAX = "UPDATE shop_taxrate SET {}"
PERCENT = "UPDATE shop_promotion SET percent = {}"
TERMS = "UPDATE shop_promotionterms SET {}"
HOLD = "UPDATE shop_stockhold SET {}"

PLANTED: dict[str, list[str]] = {
    "product_price_once": [PRICE.format("currency = 'USD'")],
    "product_price_not_negative": [PRICE.format("amount = -0.01")],
    "shipping_rate_once": [RATE.format("country = 'DE'")],
    "shipping_rate_not_negative": [RATE.format("amount = -0.01"), RATE.format("free_from = -0.01")],
    "tax_rate_is_a_share": [TAX.format("rate = 1"), TAX.format("rate = -0.01")],
    "tax_rate_once": [TAX.format("label = 'same'") + " WHERE category_id IS NULL"],
    "tax_rate_once_for_a_category": [
        TAX.format("category_id = (SELECT MIN(id) FROM shop_category)") + " WHERE category_id IS NOT NULL"
    ],
    "promotion_percent_is_a_share": [PERCENT.format("0"), PERCENT.format("100.01")],
    "promotion_terms_once": [TERMS.format("currency = 'USD'")],
    "promotion_terms_not_negative": [TERMS.format("amount = -0.01"), TERMS.format("minimum = -0.01")],
    "stock_hold_once": [HOLD.format("product_id = (SELECT MIN(id) FROM shop_product)")],
    "stock_hold_quantity_positive": [HOLD.format("quantity = 0")],
    "stock_hold_state_known": [HOLD.format("state = 'kept'"), HOLD.format("state = ''")],
    "payment_attempt_limit_known": ["UPDATE shop_paymentattempt SET stopped_by = 'moon'"],
}

UNIQUE: dict[str, str] = {
    "shop_category.slug": "UPDATE shop_category SET slug = 'same'",
    "shop_product.slug": "UPDATE shop_product SET slug = 'same'",
    "shop_product.sku": "UPDATE shop_product SET sku = 'SAME'",
    "shop_shippingmethod.code": "UPDATE shop_shippingmethod SET code = 'same'",
    "shop_promotion.code": "UPDATE shop_promotion SET code = 'SAME'",
    "shop_basket.order_id": "UPDATE shop_basket SET order_id = %(order)s",
    "shop_savedaddress.address_id": "UPDATE shop_savedaddress SET address_id = (SELECT MIN(id) FROM orders_address)",
    "shop_paymentattempt.payment_id": "UPDATE shop_paymentattempt SET payment_id = %(payment)s",
    "shop_preferences.user_id": "UPDATE shop_preferences SET user_id = (SELECT MIN(user_id) FROM shop_preferences)",
    "shop_preferences.ship_to_id": "UPDATE shop_preferences SET ship_to_id = (SELECT MIN(id) FROM shop_savedaddress)",
    "shop_preferences.bill_to_id": "UPDATE shop_preferences SET bill_to_id = (SELECT MIN(id) FROM shop_savedaddress)",
}

NEIGHBOURS: list[str] = [
    PRICE.format("amount = 0"),
    RATE.format("amount = 0, free_from = 0"),
    TAX.format("rate = 0"),
    TAX.format("rate = 0.999999"),
    PERCENT.format("100"),
    PERCENT.format("NULL"),
    TERMS.format("amount = 0, minimum = 0"),
    HOLD.format("quantity = 1, state = 'short'"),
    "UPDATE shop_product SET stock = NULL",
    "UPDATE shop_product SET stock = 0",
]


def two_of_everything(payments: list[Any]) -> None:
    """Of the storefront, for two payments and their orders."""
    shelves = [Category.objects.create(name=name, slug=name) for name in ("cups", "caps")]
    user = User.objects.create_user("eve")
    for shelf, payment in zip(shelves, payments, strict=True):
        product = Product.objects.create(name=shelf.name, slug=shelf.name, sku=shelf.name, category=shelf, stock=5)
        method = ShippingMethod.objects.create(name=shelf.name, code=shelf.name)
        promotion = Promotion.objects.create(code=shelf.name, label="Off", percent=10)
        for currency in ("USD", "EUR"):
            ProductPrice.objects.create(product=product, currency=currency, amount=Decimal(5))
            PromotionTerms.objects.create(promotion=promotion, currency=currency)
        for country in ("DE", ""):
            ShippingRate.objects.create(method=method, country=country, currency="EUR", amount=Decimal(5))
        TaxRate.objects.create(country="DE", rate=Decimal("0.19"), label=shelf.name)
        TaxRate.objects.create(country="DE", rate=Decimal("0.07"), label="VAT", category=shelf)
        Basket.objects.create(order=payment.order)
        until = timezone.now() + timedelta(hours=1)
        StockHold.objects.create(order=payments[0].order, product=product, quantity=2, expires_at=until)
        kept = SavedAddress.objects.create(user=user, address=Address.objects.create(name="Eve"))
        owner = User.objects.create_user(f"owner of {shelf.name}")
        Preferences.objects.create(user=owner, ship_to=kept, bill_to=kept)
        PaymentAttempt.objects.create(payment=payment, order=payment.order)
