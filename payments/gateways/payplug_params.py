"""What we say to PayPlug. No request is made here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.gateways.base import GatewayOptions

UNATTENDED = ("staff", "batch", "system")  # Who charges a kept card while its owner is not there.


def payment(options: GatewayOptions) -> dict[str, Any]:
    """The fields that every new payment has beside its amount; what we do not know is left out."""
    said: dict[str, Any] = {
        "currency": options.get("currency", ""),
        "billing": person(options, options.get("billing_address")),
        "shipping": shipping(options),
        "metadata": metadata(options),
        "description": options.get("description"),
        "notification_url": options.get("notification_url"),
    }
    if back := options.get("return_url"):
        said["hosted_payment"] = {"return_url": back, "cancel_url": back}
    return {name: value for name, value in said.items() if value}


def metadata(options: GatewayOptions) -> dict[str, str]:
    """By what we find it again: PayPlug has no idempotency keys, and keeps what we write on an object."""
    named = {"order_id": options.get("order_id", ""), "idempotency_key": options.get("idempotency_key", "")}
    return {name: value for name, value in named.items() if value}


def person(options: GatewayOptions, address: Mapping[str, str] | None) -> dict[str, str]:
    found = address or {}
    first, _, last = str(found.get("name") or "").rpartition(" ")
    said = {
        "first_name": first or last,
        "last_name": last,
        "email": options.get("email", ""),
        "address1": found.get("address1", ""),
        "address2": found.get("address2", ""),
        "postcode": found.get("zip", ""),
        "city": found.get("city", ""),
        "state": found.get("state", ""),
        "country": found.get("country", ""),
    }
    return {name: value for name, value in said.items() if value}


def shipping(options: GatewayOptions) -> dict[str, str]:
    """Where it goes: nowhere, to where it is billed, or elsewhere. PayPlug wants to know which."""
    address = options.get("shipping_address")
    if not address:
        return {"delivery_type": "DIGITAL_GOODS"}
    same = address == options.get("billing_address")
    return {**person(options, address), "delivery_type": "BILLING" if same else "NEW"}


def initiator(options: GatewayOptions) -> str:
    return "MERCHANT" if options.get("initiator") in UNATTENDED else "PAYER"
