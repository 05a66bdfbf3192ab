"""Staff's door to the front: one module per model."""

from shop.admin import (
    basket,
    category,
    payment_attempt,
    product,
    promotion,
    shipping,
    sign_in_attempt,
    stock_hold,
    tax_rate,
)

__all__ = [
    "basket",
    "category",
    "payment_attempt",
    "product",
    "promotion",
    "shipping",
    "sign_in_attempt",
    "stock_hold",
    "tax_rate",
]
