"""The counter's records. Start at `order` (what it is), then `paying` (its payments) and `completing`."""

from orders.models.address import Address
from orders.models.adjustment import Adjustment
from orders.models.event import OrderEvent
from orders.models.invoice import Invoice, InvoiceLine, InvoiceSeries
from orders.models.line_item import LineItem
from orders.models.order import Order

__all__ = [
    "Address",
    "Adjustment",
    "Invoice",
    "InvoiceLine",
    "InvoiceSeries",
    "LineItem",
    "Order",
    "OrderEvent",
]
