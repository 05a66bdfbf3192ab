"""What the tests of the lists read off a page, and the two lists they read most."""

from __future__ import annotations

import re
from datetime import timedelta

from django.utils import timezone

from payments.models import Operation
from tests.factories import address_recipe, card_recipe

PAYMENTS, ORDERS = "/admin/payments/payment/", "/admin/orders/order/"


def numbers(response):
    """The numbers of the rows, in their order."""
    return re.findall(r'<th class="field-number"><a [^>]*>([^<]+)</a>', response.content.decode())


def answered(payment, kind, *, days):
    when = timezone.now() - timedelta(days=days)
    assert Operation.objects.filter(payment=payment, kind=kind).update(answered_at=when) == 1


def day(days):
    return (timezone.localdate() - timedelta(days=days)).isoformat()


def placed(order, method, *, take):
    order.bill_address = order.ship_address = address_recipe.make()
    order.save(update_fields=["bill_address", "ship_address"])
    payment = order.add_payment(method, source=card_recipe.make())
    order.complete()
    if take:
        payment.refresh_from_db()
        payment.capture()
    order.refresh_from_db()
    return order
