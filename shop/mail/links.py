"""Where letters lead to. Addresses begin with the configured public origin, never with what a request said."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from orders.models import Order
from payments.models import Operation, Payment
from shop.links import order_url


def order_link(order: Order) -> str:
    """The customer's page of the order, by its secret link; "" where the site does not know its own address."""
    return f"{settings.PUBLIC_ORIGIN}{order_url(order)}" if settings.PUBLIC_ORIGIN else ""


def action_link(operation: Operation) -> str:
    """Where the customer goes on with a payment: our page of the order, else the provider's own page."""
    action = operation.next_action or {}
    return order_link(operation.payment.order) or str(action.get("url") or "")


def staff_link(payment: Payment) -> str:
    """The payment in the back office."""
    path = reverse("admin:payments_payment_change", args=[payment.pk])
    return f"{settings.PUBLIC_ORIGIN}{path}" if settings.PUBLIC_ORIGIN else ""


def renewal_link(uid: str, token: str) -> str:
    """Where a new password is chosen."""
    path = reverse("password_renew", args=[uid, token])
    return f"{settings.PUBLIC_ORIGIN}{path}" if settings.PUBLIC_ORIGIN else ""
