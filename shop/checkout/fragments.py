"""What a gateway puts on the payment page: its fragment, what its script is told, and where that script comes from."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import reverse
from django.utils.translation import get_language

from orders.models import Order
from payments.errors import GatewayError
from payments.gateways.base import Gateway
from payments.models import PaymentMethod
from payments.money import to_minor
from shop.links import order_token

logger = logging.getLogger(__name__)

HOSTED, PLAIN = "gateways/hosted.html", "gateways/plain.html"


def template_of(method: PaymentMethod) -> str:
    """The gateway's own fragment, or the one that fits its kind; "" if customers have no way to pay with it."""
    own = f"gateways/{method.gateway}.html"
    if exists(own):
        return own
    if method.capabilities.hosted_page:
        return HOSTED
    return "" if method.source_required else PLAIN


def takes(method: PaymentMethod, order: Order) -> bool:
    """Whether it can be paid in the order's currency."""
    currencies = method.capabilities.currencies
    return currencies is None or str(order.currency) in currencies


def exists(name: str) -> bool:
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return False
    return True


def client_config(order: Order, adapter: Gateway) -> dict[str, Any]:
    """What the fragment's script is told of this order, as JSON: nothing in it is secret."""
    return adapter.client_config(order_info(order))


def order_info(order: Order) -> Mapping[str, Any]:
    """What a gateway may know of the order to draw its fields. The amount is in whole minor units."""
    address = order.bill_address
    origin = settings.PAYMENTS.get("PUBLIC_ORIGIN", "")
    return {
        "amount_minor": to_minor(order.total),
        "currency": str(order.currency),
        "email": order.email,
        "country": address.country if address else "",
        "return_url": origin + reverse("order", args=[order_token(order)]),
        "language": get_language() or "en",
    }


def csp_for(order: Order) -> dict[str, tuple[str, ...]]:
    """By CSP directive, the sources that the payment page of this order loads from beside our own."""
    needed = []
    for method in PaymentMethod.objects.available_to_users():
        try:
            sources = method.build_gateway().csp_sources if takes(method, order) else {}
        except GatewayError as error:
            logger.warning("Payment method %s cannot be offered: %s", method.code, error)
            continue
        needed.append(sources)
    return csp_together(needed)


def csp_together(needed: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Several gateways' `csp_sources` as one, nothing twice."""
    found: dict[str, dict[str, None]] = {}
    for sources in needed:
        for directive, values in sources.items():
            found.setdefault(directive, {}).update(dict.fromkeys(values))
    return {directive: tuple(values) for directive, values in found.items()}
