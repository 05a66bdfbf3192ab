"""What the customer has seen on the last page, signed: only that is charged, and only while it still holds."""

from __future__ import annotations

import hashlib
import json

from django.core import signing

from orders.models import Order
from payments.models import Payment
from shop.models.address_book import PARTS

SALT = "shop.checkout.agreement"


def agreement(order: Order, payment: Payment | None) -> str:
    """Stands for everything that the page shows: goods, prices, adjustments, addresses, total, and the way to pay."""
    return signing.dumps({"order": order.number, "seen": _seen(order, payment)}, salt=SALT)


def still_holds(agreed: str, order: Order, payment: Payment | None) -> bool:
    """Whether the order is still what was agreed to. Never for what we did not sign."""
    try:
        said = signing.loads(agreed, salt=SALT)
    except signing.BadSignature:
        return False
    return bool(said == {"order": order.number, "seen": _seen(order, payment)})


def _seen(order: Order, payment: Payment | None) -> str:
    lines = [[line.sku, line.name, line.quantity, str(line.unit_price.amount)] for line in order.line_items.all()]
    adjustments = [[each.kind, each.label, str(each.amount.amount)] for each in order.adjustments.all()]
    addresses = [
        [getattr(each, name) for name in PARTS] if each else [] for each in (order.ship_address, order.bill_address)
    ]
    paying = [payment.payment_method_id, payment.source_type, payment.source_id] if payment else []
    seen = [order.email, str(order.currency), str(order.total.amount), lines, adjustments, addresses, paying]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()
