"""What each letter says: its subject, and what its templates are given. Called in the reader's language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from orders.models import Order
from payments.models import Operation, Payment
from payments.models.states import State as Paid
from shop.checkout.declines import words_for
from shop.mail.links import action_link, order_link, staff_link
from shop.mail.sending import Letter
from shop.mail.wording import balance_in_words, given_back_in_words, paid_with, payments_in_words, undone_in_words


def confirmation(order: Order) -> Letter:
    return Letter(
        "order_confirmed",
        _("Your order %(number)s") % {"number": order.number},
        {**_about(order), **_bought(order), "payments": payments_in_words(order), "balance": balance_in_words(order)},
    )


def cancellation(order: Order) -> Letter:
    return Letter(
        "order_canceled",
        _("Your order %(number)s is canceled") % {"number": order.number},
        {
            **_about(order),
            **_bought(order),
            "money": undone_in_words(order),
            "reserved": order.payments.filter(state__in=(Paid.PENDING, Paid.PROCESSING, Paid.VOID)).exists(),
        },
    )


def failure(operation: Operation) -> Letter:
    """Of a payment that was declined. What to do depends on whether the order is placed already."""
    payment = operation.payment
    what, to_do = words_for(operation.error_code)
    return Letter(
        "payment_failed",
        _("The payment of your order %(number)s did not go through") % {"number": payment.order.number},
        {**_about(payment.order), **_of(payment, operation), "what": what, "to_do": to_do},
    )


def confirmation_by_customer(operation: Operation) -> Letter:
    """Of a payment that goes on once its customer has acted."""
    payment = operation.payment
    lifetime = timedelta(minutes=settings.PAYMENTS.get("PAGE_LIFETIME_MINUTES", 60))
    return Letter(
        "action_needed",
        _("Please confirm the payment of your order %(number)s") % {"number": payment.order.number},
        {
            **_about(payment.order),
            **_of(payment, operation),
            "link": action_link(operation),
            "until": operation.created_at + lifetime,
        },
    )


def refund(operation: Operation) -> Letter:
    order = operation.payment.order
    return Letter(
        "refunded",
        _("We gave you money back for your order %(number)s") % {"number": order.number},
        {**_about(order), **_of(operation.payment, operation), "so_far": given_back_in_words(order)},
    )


def expiry(operation: Operation) -> Letter:
    """To staff, of a hold that ends soon."""
    payment = operation.payment
    return Letter(
        "hold_expiring",
        _("Order %(number)s: a reserved amount is about to be lost") % {"number": payment.order.number},
        {
            "order": payment.order,
            **_of(payment, operation),
            "amount": payment.uncaptured_amount,
            "link": staff_link(payment),
        },
    )


def _about(order: Order) -> dict[str, Any]:
    address = order.bill_address or order.ship_address
    return {"order": order, "name": address.name if address else "", "link": order_link(order)}


def _bought(order: Order) -> dict[str, Any]:
    return {"lines": order.line_items.all(), "adjustments": order.adjustments.exclude(kind="included_tax")}


def _of(payment: Payment, operation: Operation) -> dict[str, Any]:
    return {
        "payment": payment,
        "operation": operation,
        "amount": operation.amount,
        "paid_with": paid_with(payment),
    }
