"""What the storefront's tests sell, set up in a line each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from orders.models import Address, Order
from shop.models import (
    Basket,
    Category,
    Product,
    ProductPrice,
    Promotion,
    PromotionTerms,
    ShippingMethod,
    ShippingRate,
    TaxRate,
)


def make_product(name: str = "Mug", stock: int | None = None, *, category: str = "kitchen", **prices: str) -> Product:
    """With a price in each currency named, in dollars if none is."""
    shelf = Category.objects.get_or_create(slug=category, defaults={"name": category.title()})[0]
    slug = name.lower().replace(" ", "-")
    product: Product = Product.objects.create(name=name, slug=slug, sku=slug.upper(), category=shelf, stock=stock)
    for currency, amount in (prices or {"USD": "10.00"}).items():
        ProductPrice.objects.create(product=product, currency=currency, amount=Decimal(amount))
    return product


def set_price(product: Product, amount: str, currency: str = "USD") -> None:
    ProductPrice.objects.filter(product=product, currency=currency).update(amount=Decimal(amount))


def make_cart(
    *goods: tuple[Product, int], currency: str = "USD", country: str = "", state: str = "", **facts: Any
) -> Any:
    """An order with a basket, the goods in it at their prices, to an address if a country is named."""
    if country:
        facts["ship_address"] = Address.objects.create(name="Ada Byron", country=country, state=state)
    order: Order = Order.objects.create(**({"email": "ada@example.com", "currency": currency} | facts))
    Basket.objects.create(order=order)
    for product, quantity in goods:
        price = product.prices.get(currency=currency).amount
        order.add_line(product.name, unit_price=price, quantity=quantity, sku=product.sku)
    return order


def make_shipping(name: str = "Post", **rates: str) -> ShippingMethod:
    """`US_USD="5.00"` for a country, `USD="9.00"` for everywhere; a slash and from when on it is free."""
    method = ShippingMethod.objects.create(name=name, code=name.lower(), position=ShippingMethod.objects.count())
    for key, price in rates.items():
        country, _, currency = key.rpartition("_")
        amount, _, free_from = price.partition("/")
        ShippingRate.objects.create(
            method=method,
            country=country,
            currency=currency,
            amount=Decimal(amount),
            free_from=Decimal(free_from or 0),
        )
    return method


def make_tax(country: str, rate: str, *, region: str = "", label: str = "", **facts: Any) -> TaxRate:
    return TaxRate.objects.create(
        country=country, region=region, rate=Decimal(rate), label=label or f"Tax {rate}", **facts
    )


def make_promotion(code: str = "TEN", percent: int | None = 10, minimum: str = "0", **amounts: str) -> Promotion:
    """A percentage, or an amount in each currency named."""
    promotion = Promotion.objects.create(code=code, label="Off", percent=None if amounts else percent)
    for currency, amount in (amounts or {"USD": "0"}).items():
        PromotionTerms.objects.create(
            promotion=promotion, currency=currency, amount=Decimal(amount), minimum=Decimal(minimum)
        )
    return promotion


def rows(order: Order) -> list[tuple[str, str]]:
    """The adjustments, as kind and amount."""
    return [(each.kind, str(each.amount.amount)) for each in order.adjustments.all()]
