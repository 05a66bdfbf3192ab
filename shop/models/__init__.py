"""The front's records: what is on offer and on what terms, and what a customer has chosen so far."""

from shop.models.address_book import SavedAddress
from shop.models.basket import Basket
from shop.models.category import Category
from shop.models.payment_attempt import PaymentAttempt
from shop.models.preferences import Preferences
from shop.models.product import Product, ProductPrice
from shop.models.promotion import Promotion, PromotionTerms
from shop.models.shipping import ShippingMethod, ShippingRate
from shop.models.stock_hold import StockHold
from shop.models.tax_rate import TaxRate

__all__ = [
    "Basket",
    "Category",
    "PaymentAttempt",
    "Preferences",
    "Product",
    "ProductPrice",
    "Promotion",
    "PromotionTerms",
    "SavedAddress",
    "ShippingMethod",
    "ShippingRate",
    "StockHold",
    "TaxRate",
]
