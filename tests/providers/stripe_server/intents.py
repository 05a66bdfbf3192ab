"""PaymentIntents: opened and confirmed, challenged, captured once or several times, canceled, expired."""

from __future__ import annotations

from typing import Any

from tests.providers.stripe_server import ledger, shapes
from tests.providers.stripe_server.cards import MESSAGES, Card
from tests.providers.stripe_server.forms import truth, whole, word
from tests.providers.stripe_server.people import demand_chargeable, method_for
from tests.providers.stripe_server.refusals import Refusal, declined, impossible, invalid
from tests.providers.stripe_server.world import World

Params = dict[str, Any]
LARGEST = 99_999_999
SMALLEST = 50
CURRENCIES = frozenset(
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp "
    "cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr "
    "isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn "
    "myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle "
    "sos srd szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw".split()
)
WHOLE = ("isk", "ugx")  # Two decimals on the wire, which must be 00.
TENS = ("bhd", "jod", "kwd", "omr", "tnd")  # Three, the last of which must be 0.


def demand_amount(amount: int, currency: str, *, param: str = "amount") -> None:
    if currency not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", param="currency")
    if amount < 1:
        raise invalid("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=param)
    if currency in WHOLE and amount % 100:
        raise invalid("Amounts must be evenly divisible by 100.", code="invalid_charge_amount_no_decimal_compatible")
    if currency in TENS and amount % 10:
        raise invalid("The last digit of the amount must be 0.", code="invalid_charge_amount", param=param)
    if amount > LARGEST:
        raise invalid("Amount must be no more than $999,999.99", code="amount_too_large", param=param)


def create(world: World, params: Params) -> dict[str, Any]:
    amount, currency = whole(params, "amount"), word(params, "currency").lower()
    demand_amount(amount, currency)
    if currency in ("usd", "eur") and amount < SMALLEST:
        raise invalid("Amount must be at least 50 cents.", code="amount_too_small", param="amount")
    customer = params.get("customer")
    if customer:
        world.get("customer", customer, param="customer")
    wanted = params.get("payment_method_options", {}).get("card", {})
    if wanted.get("request_multicapture") and not world.options.multicapture:
        raise invalid("This account is not eligible for multicapture.", param="payment_method_options[card]")
    method, _card = method_for(world, params)
    demand_chargeable(world, method, customer or "")
    intent = shapes.payment_intent(
        world,
        amount=amount,
        currency=currency,
        customer=customer,
        capture_method=word(params, "capture_method", "automatic", "automatic_async", "manual", default="automatic"),
        description=params.get("description"),
        metadata=dict(params.get("metadata") or {}),
        payment_method=method["id"],
        setup_future_usage=params.get("setup_future_usage"),
        shipping=params.get("shipping"),
        statement_descriptor_suffix=params.get("statement_descriptor_suffix"),
        status="requires_confirmation",
    )
    intent["payment_method_options"]["card"].update(wanted)
    world.add("payment_intent", intent)
    world.tell("payment_intent.created", intent)
    return confirm_with(world, intent, params) if truth(params, "confirm") else intent


def confirm(world: World, name: str, params: Params) -> dict[str, Any]:
    intent = world.get("payment_intent", name)
    if intent["status"] not in ("requires_confirmation", "requires_payment_method", "requires_action"):
        raise unexpected(intent, f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}")
    if params.get("payment_method"):
        intent["payment_method"] = method_for(world, params)[0]["id"]
    return confirm_with(world, intent, params)


def confirm_with(world: World, intent: dict[str, Any], params: Params) -> dict[str, Any]:
    card: Card = world.hidden[intent["payment_method"]]
    kept = bool(world.get("payment_method", intent["payment_method"])["customer"])
    challenged = card.authentication == "required" or (card.authentication == "unless_set_up" and not kept)
    if not challenged:
        return settle(world, intent)
    if params.get("off_session") not in (None, "false"):
        return refuse(world, intent, "card_declined", "authentication_required", MESSAGES["authentication_required"])
    intent["status"] = "requires_action"
    world.hidden[f"return {intent['id']}"] = params.get("return_url", "")
    if params.get("return_url") and not truth(params, "use_stripe_sdk"):
        url = f"{world.options.public_url}/3d_secure_2/hosted?intent={intent['id']}"
        redirect = {"return_url": params["return_url"], "url": url}
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": redirect}
    else:
        source = {"type": "three_d_secure_redirect", "stripe_js": f"{world.options.public_url}/3ds.js"}
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": source}
    world.tell("payment_intent.requires_action", intent)
    return intent


def settle(world: World, intent: dict[str, Any]) -> dict[str, Any]:
    """The bank is asked."""
    method = world.get("payment_method", intent["payment_method"])
    card: Card = world.hidden[method["id"]]
    intent["next_action"] = None
    if card.code:
        message = MESSAGES.get(card.decline_code) or MESSAGES.get(card.code) or MESSAGES["card_declined"]
        return refuse(world, intent, card.code, card.decline_code, message)
    charge = world.add("charge", shapes.charge(world, intent, method, card))
    intent |= {"latest_charge": charge["id"], "last_payment_error": None}
    if intent["setup_future_usage"] and intent["customer"]:
        method["customer"] = intent["customer"]
    elif not method["customer"]:
        world.hidden[f"spent {method['id']}"] = True
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        world.tell("charge.succeeded", charge)
        world.tell("payment_intent.amount_capturable_updated", intent)
        return intent
    ledger.take(world, intent, charge, intent["amount"])
    world.tell("charge.succeeded", charge)
    world.tell("payment_intent.succeeded", intent)
    if card.disputed:
        ledger.open_dispute(world, charge)
    return intent


def refuse(world: World, intent: dict[str, Any], code: str, decline_code: str, message: str) -> dict[str, Any]:
    method = world.get("payment_method", intent["payment_method"])
    card: Card = world.hidden[method["id"]]
    facts = {"paid": False, "status": "failed", "failure_code": code, "failure_message": message}
    charge = world.add("charge", shapes.charge(world, intent, method, card, **facts))
    error = {"charge": charge["id"], "code": code, "decline_code": decline_code or None, "message": message}
    intent |= {
        "status": "requires_payment_method",
        "latest_charge": charge["id"],
        "payment_method": None,
        "next_action": None,
        "last_payment_error": {**error, "payment_method": method, "type": "card_error"},
    }
    world.tell("charge.failed", charge)
    world.tell("payment_intent.payment_failed", intent)
    raise declined(message, code=code, decline_code=decline_code, charge=charge["id"], payment_intent=intent)


def authenticate(world: World, name: str, *, passed: bool) -> str:
    """The customer at the bank's page. Returns the address to go back to."""
    intent = world.get("payment_intent", name)
    if intent["status"] == "requires_action":
        try:
            if passed:
                settle(world, intent)
            else:
                code = "payment_intent_authentication_failure"
                refuse(world, intent, code, "", "The provided PaymentMethod has failed authentication.")
        except Refusal:
            pass  # It is on the intent, and was told.
    return str(world.hidden.get(f"return {name}", ""))


def capture(world: World, name: str, params: Params) -> dict[str, Any]:
    intent = world.get("payment_intent", name)
    if intent["status"] != "requires_capture":
        said = "This PaymentIntent could not be captured because it has a status of"
        raise unexpected(intent, f"{said} {intent['status']}.")
    left = intent["amount_capturable"]
    amount = whole(params, "amount_to_capture", default=left)
    demand_amount(amount, intent["currency"], param="amount_to_capture")
    if amount > left:
        said = f"The requested capture amount is greater than the remaining amount you can capture, {left}."
        raise invalid(said, code="amount_too_large", param="amount_to_capture")
    charge = world.get("charge", intent["latest_charge"])
    several = charge["payment_method_details"]["card"]["multicapture"]["status"] == "available"
    final = truth(params, "final_capture", default=True)
    if not final and not several:
        raise invalid("Multicapture is not available for this PaymentIntent.", param="final_capture")
    intent["metadata"].update(params.get("metadata") or {})
    before = charge["amount_captured"]
    ledger.take(world, intent, charge, amount)
    ended = final or amount == left
    intent["amount_capturable"] = 0 if ended else left - amount
    intent["status"] = "succeeded" if ended else "requires_capture"
    world.tell("charge.captured" if ended else "charge.updated", charge, before={"amount_captured": before})
    world.tell("payment_intent.succeeded" if ended else "payment_intent.amount_capturable_updated", intent)
    if ended and world.hidden[charge["payment_method"]].disputed:
        ledger.open_dispute(world, charge)
    return intent


def cancel(world: World, name: str, params: Params) -> dict[str, Any]:
    intent = world.get("payment_intent", name)
    reasons = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
    reason = word(params, "cancellation_reason", *reasons) if params.get("cancellation_reason") else None
    if intent["status"] in ("succeeded", "canceled", "processing"):
        said = "You cannot cancel this PaymentIntent because it has a status of"
        raise unexpected(intent, f"{said} {intent['status']}.")
    return let_go(world, intent, reason)


def let_go(world: World, intent: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """What was captured before stays captured: then the intent has succeeded, with less."""
    some = intent["amount_received"] > 0
    intent |= {"amount_capturable": 0, "next_action": None}
    if some:
        intent["status"] = "succeeded"
        world.tell("payment_intent.succeeded", intent)
        return intent
    intent |= {"status": "canceled", "canceled_at": world.now(), "cancellation_reason": reason}
    world.tell("payment_intent.canceled", intent)
    return intent


def expire(world: World) -> None:
    """Holds whose time is over end by themselves."""
    for intent in world.all("payment_intent"):
        if intent["status"] == "requires_capture":
            charge = world.get("charge", intent["latest_charge"])
            if charge["payment_method_details"]["card"]["capture_before"] <= world.now():
                let_go(world, intent, "expired")


def unexpected(intent: dict[str, Any], message: str) -> Exception:
    return impossible(message, code="payment_intent_unexpected_state", payment_intent=intent)
