"""Cards that Stripe keeps for a customer, what is told of a card, and what the browser loads to enter one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from payments.errors import PaymentDeclined
from payments.gateways import stripe_words as words
from payments.gateways.base import DeclineCode, GatewayOptions
from payments.gateways.scrubbing import clean
from payments.gateways.stripe_params import charging, split

# docs.stripe.com/security/guide#content-security-policy, for Stripe.js with Elements.
STRIPES = "https://js.stripe.com"
HOSTS = {
    "script-src": (STRIPES, "https://*.js.stripe.com"),
    "frame-src": (STRIPES, "https://*.js.stripe.com", "https://hooks.stripe.com"),
    "connect-src": ("https://api.stripe.com",),
}


def hosts(script_url: str) -> dict[str, tuple[str, ...]]:
    """What the page may load: exactly Stripe's hosts, or the one that stands in for them."""
    if script_url.startswith(f"{STRIPES}/"):
        return dict(HOSTS)
    parts = urlsplit(script_url)
    return dict.fromkeys(HOSTS, (f"{parts.scheme}://{parts.netloc}",))


def card(said: Mapping[str, Any]) -> dict[str, Any]:
    """What a payment method, or an old token, says of its card."""
    found, billing = words.expanded(said.get("card")), words.expanded(said.get("billing_details"))
    told = {
        "brand": clean(found.get("brand")).lower().replace(" ", "_"),
        "last_four": clean(found.get("last4")),
        "month": found.get("exp_month"),
        "year": found.get("exp_year"),
        "name": clean(billing.get("name") or found.get("name")),
    }
    return {name: value for name, value in told.items() if value}


class Keeping:
    """Stores a card under its customer. `told` raises Refused and GatewayUnavailable."""

    def __init__(
        self, v1: Any, told: Callable[..., Mapping[str, Any]], adjusted: Callable[[str, Mapping[str, Any]], Any]
    ) -> None:
        self.v1, self.told, self.adjusted = v1, told, adjusted

    def store(self, token: str, options: GatewayOptions) -> str:
        kept, method = split(token)
        customer = kept or self.customer(options)
        known = self.told(self.v1.payment_methods.retrieve, method)
        if words.name_of(known.get("customer")) == customer:  # By the payment that was made with it.
            return f"{customer}/{method}"
        asked = {
            **{name: value for name, value in charging(token).items() if name != "customer"},
            "customer": customer,
            "allowed_payment_method_types": ["card"],
            "confirm": True,
            "usage": "off_session",
        }
        asked = self.adjusted("setup", asked)
        said = self.told(self.v1.setup_intents.create, asked, key=options.get("idempotency_key", ""))
        if said.get("status") != "succeeded":
            self.told(self.v1.setup_intents.cancel, words.text(said, "id"), {})
            raise PaymentDeclined(
                "The bank wants to see the customer before this card is kept. Pay with it first.",
                DeclineCode.AUTHENTICATION_FAILED,
            )
        return f"{customer}/{words.name_of(said.get('payment_method'))}"

    def customer(self, options: GatewayOptions) -> str:
        """Stripe's customer for ours: the one that carries our id, made where there is none."""
        email, ours = options.get("email", ""), str(options.get("customer_id") or options.get("customer") or "")
        listed = self.told(self.v1.customers.list, {"email": email, "limit": 100})
        for each in listed.get("data") or ():
            if words.expanded(each.get("metadata")).get("customer_id") == ours:
                return words.text(each, "id")
        asked = self.adjusted("customer", {"email": email, "metadata": {"customer_id": ours}})
        key = sha256(f"{ours}\n{email}".encode()).hexdigest()[:40]
        return words.text(self.told(self.v1.customers.create, asked, key=f"customer-{key}"), "id")
