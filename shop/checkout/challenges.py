"""A bank's question that is answered within our own page: the gateway's fragment for it, and what that is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from payments.errors import GatewayError
from payments.models import Operation, Payment
from shop.checkout.fragments import exists, order_info


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What `template` is rendered with. `client_secret` confirms this one payment, for whoever has the order's link."""

    template: str
    client: Mapping[str, Any]
    client_secret: str
    csp_sources: Mapping[str, tuple[str, ...]]


def challenge_of(payment: Payment) -> Challenge | None:
    """None where nothing is asked, or it is asked at the provider's own address."""
    for operation in payment.operations.all():
        action = operation.next_action or {}
        waits = operation.is_attempt and operation.state == Operation.State.WAITING
        template = f"gateways/{payment.payment_method.gateway}_challenge.html"
        if waits and action.get("type") == "client_secret" and exists(template):
            try:
                adapter = payment.payment_method.build_gateway()
            except GatewayError:
                return None
            return Challenge(
                template=template,
                client=adapter.client_config(order_info(payment.order)),
                client_secret=str(action.get("client_secret", "")),
                csp_sources=adapter.csp_sources,
            )
    return None
