"""What we say to Braintree, in its own words. No request is made here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from payments.gateways.base import GatewayOptions
from payments.money import from_minor


def order_id(options: GatewayOptions, *, final: bool = False) -> str:
    """Our order id, and behind a slash the key of the deed: by that it is looked up. `final`: nothing more is taken."""
    steps = [str(options.get("order_id") or ""), str(options.get("idempotency_key") or "")]
    return "/".join([step for step in steps if step] + (["final"] if final and all(steps) else []))


def order_and_key(said: Any) -> tuple[str, str, bool]:
    """Our order id, the key of the deed, and whether it was the last part, of what Braintree keeps as order id."""
    order, key, last = [*str(said or "").split("/"), "", ""][:3]
    return order, key, last == "final"


def major(amount_minor: int, currency: str) -> str:
    return str(from_minor(amount_minor, currency).amount)


def sale(options: GatewayOptions, token: str) -> dict[str, Any]:
    """The fields of a new transaction but its amount and its account; what we do not know is left out."""
    said: dict[str, Any] = {
        "order_id": order_id(options),
        "billing": address(options.get("billing_address")),
        "shipping": address(options.get("shipping_address")),
        "risk_data": {"customer_ip": options["ip"]} if options.get("ip") else {},
    }
    owner, kept = split(token)
    said |= {"payment_method_token": kept} if kept else {"payment_method_nonce": token}
    if kept:
        said["customer_id"] = customer_id(options) if owner else ""
        if options.get("initiator") not in (None, "", "checkout"):
            said["transaction_source"] = "unscheduled"  # Nobody is there who could answer a challenge.
    elif options.get("email"):
        said["customer"] = {"email": options["email"]}
    return {name: value for name, value in said.items() if value}


def split(token: str) -> tuple[str, str]:
    """The vault's customer and its token of a kept card, of `customer/token`; both empty for a nonce, good for once.

    `/token` is a card that was kept by somebody else, whoever its customer is.
    """
    customer, _, kept = token.rpartition("/")
    return (customer, kept) if "/" in token else ("", "")


def customer_id(options: GatewayOptions) -> str:
    """Whom kept cards belong to: the user, or a guest by the digest of the e-mail address."""
    if options.get("customer_id"):
        return f"user_{options['customer_id']}"
    return f"guest_{digest(str(options.get('customer') or options.get('email') or ''))[:24]}"


def digest(text: str) -> str:
    return hashlib.sha256(text.strip().lower().encode()).hexdigest()


def address(ours: Mapping[str, str] | None) -> dict[str, str]:
    if not ours:
        return {}
    first, _, last = str(ours.get("name") or "").strip().rpartition(" ")
    said = {
        "first_name": first,
        "last_name": last,
        "street_address": ours.get("address1"),
        "extended_address": ours.get("address2"),
        "locality": ours.get("city"),
        "region": ours.get("state"),
        "postal_code": ours.get("zip"),
        "country_code_alpha2": ours.get("country"),
    }
    return {name: value[:255] for name, value in said.items() if value}
