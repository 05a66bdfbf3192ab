"""What the demo shop sells, and on what terms: a dozen products in three currencies, shipping, taxes, a promotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shop.models import (
    Category,
    Product,
    ProductPrice,
    Promotion,
    PromotionTerms,
    ShippingMethod,
    ShippingRate,
    TaxRate,
)

CATEGORIES = {"wear": "To wear and carry", "kitchen": "Kitchen", "desk": "Desk"}


@dataclass(frozen=True)
class Goods:
    """One product; prices as written on its label, a stock of None has no end."""

    name: str
    category: str
    usd: str
    eur: str
    jpy: str
    stock: int | None
    description: str

    @property
    def slug(self) -> str:
        return self.name.lower().replace(" ", "-")

    @property
    def prices(self) -> Mapping[str, str]:
        return {"USD": self.usd, "EUR": self.eur, "JPY": self.jpy}


GOODS = (
    Goods(
        "Enamel mug",
        "kitchen",
        "14.00",
        "13.00",
        "2000",
        120,
        "Steel under two coats of enamel, with a rim that never chips twice in the same place. Holds 35 cl of coffee, "
        "soup or pencils, and may stand on a camp fire.",
    ),
    Goods(
        "Cotton tee",
        "wear",
        "24.00",
        "22.00",
        "3600",
        80,
        "Heavy cotton, washed once so that it has shrunk already. A straight cut, a collar that keeps its shape, and "
        "our cent on the chest.",
    ),
    Goods(
        "Notebook",
        "desk",
        "9.50",
        "8.90",
        "1400",
        None,
        "192 numbered pages of dotted paper that ink does not go through, sewn so that it lies flat. Two ribbons, "
        "because there is always a second thought.",
    ),
    Goods(
        "Desk lamp",
        "desk",
        "89.00",
        "82.00",
        "12800",
        4,
        "A steel arm that stays where you leave it and a shade that throws warm light on the page and none in your "
        "eyes. LED, three steps, two metres of cable.",
    ),
    Goods(
        "Tote bag",
        "wear",
        "19.00",
        "17.50",
        "2800",
        60,
        "Undyed canvas with handles long enough for a shoulder in a winter coat. Carries twelve kilos, folds into its "
        "own pocket.",
    ),
    Goods(
        "Tea tin",
        "kitchen",
        "18.00",
        "16.80",
        "2600",
        40,
        "A hundred grams of green tea from the second flush, in a tin with a double lid that is worth keeping when "
        "the tea is gone.",
    ),
    Goods(
        "Hoodie",
        "wear",
        "65.00",
        "59.00",
        "9800",
        25,
        "Brushed on the inside, plain on the outside, ribbed at the cuffs. The pocket has a seam in the middle, so "
        "that a telephone stays on its side of it.",
    ),
    Goods(
        "Water bottle",
        "kitchen",
        "29.00",
        "27.00",
        "4200",
        70,
        "Half a litre between two walls of steel: cold for a day, hot for a night. The lid closes with half a turn and "
        "hangs on a loop.",
    ),
    Goods(
        "Pencil set",
        "desk",
        "7.25",
        "6.90",
        "1100",
        200,
        "Four pencils of cedar, 2B to 2H, in a box that stands up. They sharpen to a point that lasts a page.",
    ),
    Goods(
        "Poster",
        "desk",
        "22.00",
        "18.00",
        "3000",
        None,
        "Hills in the evening, printed in five colours on paper that has a grain. 50 by 70 cm, rolled, not folded.",
    ),
    Goods(
        "Cap",
        "wear",
        "27.00",
        "25.00",
        "2800",
        45,
        "Six panels of cotton twill, a brim that may be bent, and a strap that fits every head from ten years on.",
    ),
    Goods(
        "Linen towel",
        "kitchen",
        "12.00",
        "11.00",
        "1800",
        0,
        "Half linen, half cotton: dries glasses without a trace from the first day, and gets better with every wash.",
    ),
)

# Code → name, how long it takes, position, and country, currency, price, free from.
SHIPPING: Mapping[str, tuple[str, str, tuple[tuple[str, str, str, str], ...]]] = {
    "standard": (
        "Standard delivery",
        "3 to 6 working days",
        (
            ("US", "USD", "5.00", "75.00"),
            ("", "USD", "14.00", "0"),
            ("DE", "EUR", "4.90", "60.00"),
            ("FR", "EUR", "5.90", "60.00"),
            ("", "EUR", "12.50", "0"),
            ("JP", "JPY", "600", "8000"),
            ("", "JPY", "2200", "0"),
        ),
    ),
    "express": (
        "Express delivery",
        "the next working day, or the one after",
        (
            ("US", "USD", "18.00", "0"),
            ("DE", "EUR", "12.90", "0"),
            ("FR", "EUR", "14.90", "0"),
            ("JP", "JPY", "1500", "0"),
        ),
    ),
}

# Country, region, rate, included, label.
TAXES = (
    ("US", "CO", "0.029", False, "Colorado sales tax (2.9 %)"),
    ("US", "CA", "0.0725", False, "California sales tax (7.25 %)"),
    ("US", "NY", "0.04", False, "New York sales tax (4 %)"),
    ("DE", "", "0.19", True, "VAT (19 %)"),
    ("FR", "", "0.20", True, "VAT (20 %)"),
    ("GB", "", "0.20", True, "VAT (20 %)"),
    ("JP", "", "0.10", True, "Consumption tax (10 %)"),
)

CODE = "WELCOME10"
MINIMUM = {"USD": "20.00", "EUR": "20.00", "JPY": "3000"}


def load_goods() -> None:
    """Load what is missing, and leave alone what is there."""
    load_products()
    load_shipping()
    for country, region, rate, included, label in TAXES:
        facts = {"rate": Decimal(rate), "included": included, "on_shipping": included}
        TaxRate.objects.get_or_create(country=country, region=region, label=label, category=None, defaults=facts)
    code, made = Promotion.objects.get_or_create(code=CODE, defaults={"label": "Welcome: 10 % off", "percent": 10})
    if made:
        for currency, minimum in MINIMUM.items():
            PromotionTerms.objects.create(promotion=code, currency=currency, minimum=Decimal(minimum))


def load_products() -> None:
    shelves = {
        slug: Category.objects.get_or_create(slug=slug, defaults={"name": name, "position": position})[0]
        for position, (slug, name) in enumerate(CATEGORIES.items())
    }
    for position, goods in enumerate(GOODS):
        facts = {
            "name": goods.name,
            "sku": goods.slug.upper(),
            "category": shelves[goods.category],
            "description": goods.description,
            "drawing": f"shop/products/{goods.slug}.svg",
            "stock": goods.stock,
            "position": position,
        }
        product, made = Product.objects.get_or_create(slug=goods.slug, defaults=facts)
        if made:
            for currency, amount in goods.prices.items():
                ProductPrice.objects.create(product=product, currency=currency, amount=Decimal(amount))


def load_shipping() -> None:
    for position, (code, (name, takes, rates)) in enumerate(SHIPPING.items()):
        facts = {"name": name, "description": takes, "position": position}
        method, made = ShippingMethod.objects.get_or_create(code=code, defaults=facts)
        if made:
            for country, currency, amount, free_from in rates:
                ShippingRate.objects.create(
                    method=method,
                    country=country,
                    currency=currency,
                    amount=Decimal(amount),
                    free_from=Decimal(free_from),
                )
