"""Customers, their payment methods, and the SetupIntents that keep a card."""

from __future__ import annotations

from typing import Any

from tests.providers.stripe_server import shapes
from tests.providers.stripe_server.cards import BY_NAME, MESSAGES, Card
from tests.providers.stripe_server.forms import truth, word
from tests.providers.stripe_server.refusals import declined, impossible
from tests.providers.stripe_server.world import World

Params = dict[str, Any]


def method_for(world: World, params: Params) -> tuple[dict[str, Any], Card]:
    """The payment method of a request: one that is there, or a new one of a test name."""
    name = params.get("payment_method", "")
    card = BY_NAME.get(name)
    if card is not None:
        made = world.add("payment_method", shapes.payment_method(world, card))
        world.hidden[made["id"]] = card
        return made, card
    found = world.get("payment_method", name, param="payment_method")
    return found, world.hidden[found["id"]]


def demand_chargeable(world: World, method: dict[str, Any], customer: str) -> None:
    """One that was let go is spent; one that is kept is charged for its customer only."""
    if world.hidden.get(f"spent {method['id']}"):
        said = "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared"
        raise impossible(f"{said} … or was detached from a Customer. It may not be used again.")
    if method["customer"] and method["customer"] != customer:
        raise impossible(
            "The provided PaymentMethod cannot be used with this customer.", code="resource_missing", param="customer"
        )


def create_customer(world: World, params: Params) -> dict[str, Any]:
    return world.add(
        "customer",
        {
            "id": world.new_id("cus"),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": world.now(),
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": params.get("description"),
            "discount": None,
            "email": params.get("email"),
            "invoice_prefix": None,
            "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
            "livemode": False,
            "metadata": dict(params.get("metadata") or {}),
            "name": params.get("name"),
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
    )


def retrieve_payment_method(world: World, name: str, _params: Params) -> dict[str, Any]:
    if name in BY_NAME:  # Stripe shows a new one of the test names, too.
        return method_for(world, {"payment_method": name})[0]
    return world.get("payment_method", name, param="payment_method")


def detach(world: World, name: str, _params: Params) -> dict[str, Any]:
    method = world.get("payment_method", name, param="payment_method")
    if not method["customer"]:
        raise impossible("The payment method you provided is not attached to a customer so detachment is impossible.")
    method["customer"] = None
    world.hidden[f"spent {name}"] = True
    world.tell("payment_method.detached", method)
    return method


def create_setup(world: World, params: Params) -> dict[str, Any]:
    customer = world.get("customer", params.get("customer", ""), param="customer")["id"]
    method, card = method_for(world, params)
    demand_chargeable(world, method, customer)
    metadata = dict(params.get("metadata") or {})
    setup = shapes.setup_intent(world, customer=customer, payment_method=method["id"], metadata=metadata)
    setup["usage"] = word(params, "usage", "off_session", "on_session", default="off_session")
    world.add("setup_intent", setup)
    if not truth(params, "confirm"):
        setup["status"] = "requires_confirmation"
        return setup
    if card.code:
        error = {"type": "card_error", "code": card.code, "decline_code": card.decline_code, "message": ""}
        setup["last_setup_error"] = {**error, "message": MESSAGES.get(card.code, MESSAGES["card_declined"])}
        said = setup["last_setup_error"]
        raise declined(said["message"], code=card.code, decline_code=card.decline_code, setup_intent=setup)
    if card.authentication:
        setup["status"] = "requires_action"
        setup["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        return setup
    setup["status"] = "succeeded"
    method["customer"] = customer
    world.tell("setup_intent.succeeded", setup)
    world.tell("payment_method.attached", method)
    return setup


def cancel_setup(world: World, name: str, _params: Params) -> dict[str, Any]:
    setup = world.get("setup_intent", name)
    if setup["status"] in ("succeeded", "canceled"):
        raise impossible("You cannot cancel this SetupIntent.", code="setup_intent_unexpected_state")
    setup |= {"status": "canceled", "next_action": None}
    return setup
