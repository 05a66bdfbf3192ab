"""What we tell a provider about the order beside the amount, built for each call and never stored."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from payments.gateways.base import GatewayOptions
from payments.money import to_minor

if TYPE_CHECKING:
    from payments.actors import Actor
    from payments.models.payment import Payment
    from payments.payable import Payable


def gateway_options(
    payment: Payment, order: Payable, *, idempotency_key: str = "", by: Actor | None = None
) -> GatewayOptions:
    """The options for one call. Amounts are whole minor units of the order's currency; discount is ≤ 0.

    `order` must be as the database has it. Solidus's keys and meanings, with exact minor units in place of
    its "times 100" (reference: its `gateway_options`), and what hosted pages need.
    """
    address = getattr(payment.source, "address", None) or order.bill_address
    origin = settings.PAYMENTS.get("PUBLIC_ORIGIN", "")
    lines = SimpleLazyObject(partial(order.lines_for_gateway))  # Read only by gateways that show them.
    return GatewayOptions(
        email=order.email,
        customer=order.email,
        customer_id=order.user_id,
        ip=order.last_ip_address,
        order_id=f"{order.number}-{payment.number}",
        originator=payment,
        shipping=to_minor(order.shipment_total),
        tax=to_minor(order.additional_tax_total),
        subtotal=to_minor(order.item_total),
        discount=to_minor(order.promo_total),
        currency=str(order.currency),
        billing_address=address.gateway_hash() if address else None,
        shipping_address=order.ship_address.gateway_hash() if order.ship_address else None,
        idempotency_key=idempotency_key,
        return_url=origin + reverse("payments:return", args=[return_token(payment.number)]) if origin else "",
        notification_url=origin + reverse("payments:webhook", args=[payment.payment_method.code]) if origin else "",
        description=f"Order {order.number}",
        line_items=cast("Any", lines),
        initiator=str(by.origin) if by else "system",
    )


# Whoever comes back from a provider shows this, and needs no login. It is the same each time, for a question that is
# repeated under its idempotency key has to be the same question.
RETURN = Signer(salt="payments.return", sep=".")


def return_token(number: str) -> str:
    """What stands for the payment in the address to which its customer comes back."""
    return RETURN.sign(number)


def read_return_token(token: str) -> str:
    """The payment's number, "" for what we did not sign."""
    try:
        return RETURN.unsign(token)
    except BadSignature:
        return ""
