"""What an order costs now, worked out from the rows of the shop: nothing is written, and no amount is the customer's.

All arithmetic is exact, in whole minor units and fractions of them; each amount that is charged is rounded once,
half up: a tax once for each rate, not for each line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from django.db.models import Q

from orders.models import Adjustment, LineItem, Order
from payments.money import Money, from_minor, to_minor
from shop.models import Basket, Product, Promotion, PromotionTerms, ShippingMethod, ShippingRate, TaxRate

Kind = Adjustment.Kind


@dataclass(frozen=True)
class Extra:
    """What is added to the goods, in minor units: an adjustment to be."""

    kind: str
    label: str
    amount_minor: int


@dataclass
class Offer:
    """What the shop says of one order."""

    prices: dict[int, int] = field(default_factory=dict)  # A line's key → its price in minor units.
    gone: list[LineItem] = field(default_factory=list)
    products: dict[str, Product] = field(default_factory=dict)
    goods_minor: int = 0
    extras: list[Extra] = field(default_factory=list)
    promotion_ended: bool = False
    shipping_gone: bool = False


def offer_for(order: Order, basket: Basket, lines: Sequence[LineItem]) -> Offer:
    """At most five statements, whatever the order holds."""
    currency = str(order.currency)
    offer = Offer()
    skus = {line.sku for line in lines}
    offer.products = {each.sku: each for each in Product.objects.priced(currency).filter(sku__in=skus)} if skus else {}
    kept = []
    for line in lines:
        product = offer.products.get(line.sku)
        if product is None:
            offer.gone.append(line)
            continue
        offer.prices[line.pk] = to_minor(product.price)
        kept.append((product, to_minor(product.price) * line.quantity))
    offer.goods_minor = sum(total for _product, total in kept)
    discount = _promotion(offer, basket.promotion, currency)
    shipping = _shipping(offer, basket.shipping_method, order)
    if kept:
        offer.extras += taxes(rates_for(order), kept, discount, shipping)
    return offer


def country_of(order: Order) -> tuple[str, str]:
    """Where the goods go, as country and region; empty before it is known."""
    address = order.ship_address or order.bill_address
    return (address.country, address.state.strip()) if address else ("", "")


# Promotions


def _promotion(offer: Offer, promotion: Promotion | None, currency: str) -> int:
    if promotion is None:
        return 0
    if not promotion.is_valid():
        offer.promotion_ended = True
        return 0
    off = discount_minor(promotion, promotion.terms.filter(currency=currency).first(), offer.goods_minor)
    if off:
        offer.extras.append(Extra(Kind.PROMOTION, f"{promotion.label} ({promotion.code})", -off))
    return off


def discount_minor(promotion: Promotion, terms: PromotionTerms | None, goods_minor: int) -> int:
    """What it takes off goods of that value, never more than they cost; 0 below its minimum."""
    if terms and goods_minor < to_minor(terms.minimum):
        return 0
    if promotion.percent is not None:
        return half_up(Fraction(promotion.percent) * goods_minor / 100)
    return min(to_minor(terms.amount), goods_minor) if terms else 0


# Shipping


def _shipping(offer: Offer, method: ShippingMethod | None, order: Order) -> int:
    if method is None or not offer.prices:
        return 0
    rates = rates_of_shipping(order).filter(method=method, method__active=True)
    price = price_of(rates, offer.goods_minor)
    if price is None:
        offer.shipping_gone = True
        return 0
    offer.extras.append(Extra(Kind.SHIPPING, method.name, price))
    return price


def rates_of_shipping(order: Order) -> Any:
    country, _region = country_of(order)
    return ShippingRate.objects.filter(currency=str(order.currency), country__in={country, ""})


def price_of(rates: Iterable[ShippingRate], goods_minor: int) -> int | None:
    """The country's own rate before the one for everywhere; None where the method does not go."""
    found = sorted(rates, key=lambda rate: rate.country, reverse=True)
    if not found:
        return None
    free_from = to_minor(found[0].free_from)
    return 0 if free_from and goods_minor >= free_from else to_minor(found[0].amount)


# Taxes


def rates_for(order: Order) -> list[TaxRate]:
    country, region = country_of(order)
    if not country:
        return []
    return list(TaxRate.objects.filter(Q(region="") | Q(region__iexact=region), country=country))


def taxes(rates: Sequence[TaxRate], goods: Sequence[tuple[Product, int]], discount: int, shipping: int) -> list[Extra]:
    """One for each rate, of what it covers after the promotion; where nothing is due there is none.

    `goods` are products with what they come to; the discount lies on them in proportion.
    """
    total = sum(amount for _product, amount in goods)
    left = Fraction(total - discount, total) if total else Fraction(0)
    due: dict[int, Fraction] = {}
    for product, amount in goods:
        _add(due, [rate for rate in rates if _covers(rate, product, rates)], amount * left)
    _add(due, [rate for rate in rates if rate.on_shipping and rate.category_id is None], Fraction(shipping))
    found = ((rate, half_up(due.get(rate.pk, Fraction(0)))) for rate in rates)
    return [
        Extra(Kind.INCLUDED_TAX if rate.included else Kind.TAX, rate.label, minor) for rate, minor in found if minor
    ]


def _add(due: dict[int, Fraction], rates: Sequence[TaxRate], amount: Fraction) -> None:
    """The included ones are a part of the amount, all of them together; the others come on top of what remains."""
    included = sum((Fraction(rate.rate) for rate in rates if rate.included), Fraction(0))
    net = amount / (1 + included)
    for rate in rates:
        due[rate.pk] = due.get(rate.pk, Fraction(0)) + net * Fraction(rate.rate)


def _covers(rate: TaxRate, product: Product, rates: Sequence[TaxRate]) -> bool:
    """A category's own rate takes the place of the general one of the same area."""
    if rate.category_id is not None:
        return rate.category_id == product.category_id
    area = (rate.country, rate.region)
    return not any(
        other.category_id == product.category_id and (other.country, other.region) == area for other in rates
    )


def half_up(amount: Fraction) -> int:
    """The nearest whole one of an amount that is not negative; a half goes up."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def money(minor: int, order: Order) -> Money:
    return from_minor(minor, str(order.currency))
