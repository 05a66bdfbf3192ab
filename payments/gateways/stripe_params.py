"""What we say to Stripe: the parameters of each request, of what the core tells us of an order. No request is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.gateways.base import GatewayOptions
from payments.gateways.stripe_amounts import to_stripe
from payments.gateways.stripe_codes import REASONS

LONGEST_METADATA_KEY = 40
CAPTURE = "capture "  # Before each capture's own key, among an intent's metadata.


def split(token: str) -> tuple[str, str]:
    """The customer, "" without one, and the payment method of a token: `cus_…/pm_…` is one that is kept."""
    customer, slash, method = token.partition("/")
    return (customer, method) if slash else ("", customer)


def charging(token: str) -> dict[str, Any]:
    """Whom and what to charge."""
    customer, method = split(token)
    return {"payment_method": method, **({"customer": customer} if customer else {})}


def opening(amount_minor: int, token: str, options: GatewayOptions, *, capture: bool) -> dict[str, Any]:
    """The parameters of a new PaymentIntent that is confirmed at once; what we do not know is left out."""
    currency = options.get("currency", "")
    params: dict[str, Any] = {
        "amount": to_stripe(amount_minor, currency),
        "currency": currency.lower(),
        "capture_method": "automatic" if capture else "manual",
        "confirm": True,
        **charging(token),
        "allowed_payment_method_types": ["card"],
        "metadata": {
            name: value
            for name, value in (
                ("order_id", options.get("order_id", "")),
                ("operation", options.get("idempotency_key", "")),
            )
            if value
        },
        "expand": ["latest_charge"],
    }
    if options.get("description"):
        params["description"] = options["description"]
    if shipping := _shipping(options.get("shipping_address")):
        params["shipping"] = shipping
    if not is_attended(options):
        params["off_session"] = True
    elif options.get("return_url"):
        params["return_url"] = options["return_url"]
    return params


def is_attended(options: GatewayOptions) -> bool:
    """Whether the customer is there, to answer the bank."""
    return options.get("initiator") == "checkout"


def keeping(asked: Mapping[str, Any], customer: str) -> dict[str, Any]:
    """The same for a card that is kept by being paid with: Stripe keeps none that was paid with before."""
    return {**asked, "customer": customer, "setup_future_usage": "off_session"}


def _shipping(address: Mapping[str, str] | None) -> dict[str, Any]:
    if not address or not address.get("name") or not address.get("address1"):
        return {}
    names = {
        "line1": "address1",
        "line2": "address2",
        "city": "city",
        "state": "state",
        "postal_code": "zip",
        "country": "country",
    }
    lines = {theirs: address[ours] for theirs, ours in names.items() if address.get(ours)}
    phone = {"phone": address["phone"]} if address.get("phone") else {}
    return {"name": address["name"], "address": lines, **phone}


def capturing(amount_minor: int, options: GatewayOptions) -> dict[str, Any]:
    """The capture's own key is written into the intent's metadata, so that a look-up can find it there."""
    amount = to_stripe(amount_minor, options.get("currency", ""))
    params: dict[str, Any] = {"amount_to_capture": amount, "expand": ["latest_charge"]}
    if key := options.get("idempotency_key", ""):
        params["metadata"] = {capture_name(key): str(amount)}
    if not options.get("final", True):
        params["final_capture"] = False
    return params


def capture_name(key: str) -> str:
    """The metadata key of a capture: Stripe takes forty characters, and no brackets."""
    plain = "".join("_" if each in "[]" else each for each in key)
    return CAPTURE + plain[-(LONGEST_METADATA_KEY - len(CAPTURE)) :]


def refunding(amount_minor: int, authorization: str, options: GatewayOptions) -> dict[str, Any]:
    said = str(getattr(options.get("originator"), "reason", None) or "")
    reason = next((theirs for word, theirs in REASONS.items() if word in said.lower()), "")
    named = {
        "order_id": options.get("order_id", ""),
        "operation": options.get("idempotency_key", ""),
        "reason": said[:100],
    }
    params: dict[str, Any] = {
        "payment_intent": authorization,
        "amount": to_stripe(amount_minor, options.get("currency", "")),
        "metadata": {name: value for name, value in named.items() if value},
    }
    return {**params, "reason": reason} if reason else params


def adjusted(params: Mapping[str, Any], extra: Any) -> dict[str, Any]:
    """Our parameters with those of the settings laid over them; one that is null there is left out."""
    if not isinstance(extra, Mapping):
        return dict(params)
    merged = dict(params)
    for name, value in extra.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = adjusted(merged[name], value)
        else:
            merged[name] = value
    return merged
