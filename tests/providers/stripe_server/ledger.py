"""What moves money: captures, refunds that succeed, wait or fail, disputes; each a line of the balance with its fee."""

from __future__ import annotations

from typing import Any

from tests.providers.stripe_server import shapes
from tests.providers.stripe_server.forms import whole, word
from tests.providers.stripe_server.refusals import impossible, invalid
from tests.providers.stripe_server.world import World

Params = dict[str, Any]
RATE = {"numerator": 11, "denominator": 10}  # What one unit of a charge is in the account's own currency.


def fee_of(amount: int) -> int:
    return amount * 29 // 1_000 + 30


def enter(world: World, source: dict[str, Any], amount: int, category: str, *, fee: int = 0) -> dict[str, Any]:
    currency = source["currency"]
    facts: dict[str, Any] = {"reporting_category": category}
    own = world.options.account_currency
    if own and own != currency:
        amount = amount * RATE["numerator"] // RATE["denominator"]
        fee = fee * RATE["numerator"] // RATE["denominator"]
        currency, facts["exchange_rate"] = own, RATE["numerator"] / RATE["denominator"]
    types = {"dispute": "adjustment", "dispute_reversal": "adjustment"}
    facts["type"] = types.get(category, category)
    line = shapes.balance_transaction(world, source["id"], amount, currency, fee=fee, **facts)
    return world.add("balance_transaction", line)


def take(world: World, intent: dict[str, Any], charge: dict[str, Any], amount: int) -> None:
    charge["amount_captured"] += amount
    charge["captured"] = True
    line = enter(world, charge, amount, "charge", fee=fee_of(amount))
    charge["balance_transaction"] = line["id"]
    intent["amount_received"] += amount
    intent["amount_capturable"] = max(0, intent["amount_capturable"] - amount)
    intent["status"] = "succeeded"


def create_refund(world: World, params: Params) -> dict[str, Any]:
    charge = _charge_of(world, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = whole(params, "amount", default=left)
    if charge["amount_captured"] and not left:
        raise impossible(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if not charge["captured"]:
        raise impossible("This PaymentIntent does not have a successful charge to refund.")
    if amount < 1:
        raise invalid("Invalid positive integer", code="parameter_invalid_integer", param="amount")
    if amount > left:
        said = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise impossible(said, code="amount_too_large", param="amount")
    if charge["disputed"]:
        raise impossible("This charge has been charged back.", code="charge_disputed")
    reasons = ("duplicate", "fraudulent", "requested_by_customer")
    reason = word(params, "reason", *reasons) if params.get("reason") else None
    how = world.hidden[charge["payment_method"]].refund
    facts = {"reason": reason, "metadata": dict(params.get("metadata") or {})}
    back = shapes.refund(world, charge, amount, status="pending" if how == "pending" else "succeeded", **facts)
    world.add("refund", back)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    back["balance_transaction"] = enter(world, back, -amount, "refund")["id"]
    world.tell("refund.created", back)
    world.tell("charge.refunded", charge, before={"amount_refunded": charge["amount_refunded"] - amount})
    return back


def _charge_of(world: World, params: Params) -> dict[str, Any]:
    if params.get("charge"):
        return world.get("charge", params["charge"], param="charge")
    intent = world.get("payment_intent", params.get("payment_intent", ""), param="payment_intent")
    if not intent["latest_charge"]:
        raise impossible("This PaymentIntent does not have a successful charge to refund.")
    return world.get("charge", intent["latest_charge"])


def finish_refunds(world: World) -> None:
    """What waited is given back, and what the bank does not take comes home."""
    for back in world.all("refund"):
        charge = world.get("charge", back["charge"])
        how = world.hidden[charge["payment_method"]].refund
        if back["status"] == "pending":
            back["status"] = "succeeded"
            world.tell("refund.updated", back, before={"status": "pending"})
            world.tell("charge.refund.updated", back, before={"status": "pending"})
        elif how == "fails" and back["status"] == "succeeded":
            back |= {"status": "failed", "failure_reason": "expired_or_canceled_card"}
            charge["amount_refunded"] -= back["amount"]
            charge["refunded"] = False
            back["failure_balance_transaction"] = enter(world, back, back["amount"], "refund_failure")["id"]
            world.tell("refund.failed", back, before={"status": "succeeded"})
            world.tell("charge.refund.updated", back, before={"status": "succeeded"})


def open_dispute(world: World, charge: dict[str, Any]) -> dict[str, Any]:
    found = world.add("dispute", shapes.dispute(world, charge))
    charge["disputed"] = True
    found["balance_transactions"] = [enter(world, found, -found["amount"], "dispute", fee=1_500)]
    world.tell("charge.dispute.created", found)
    return found


def close_dispute(world: World, found: dict[str, Any], *, won: bool) -> None:
    found["status"] = "won" if won else "lost"
    if won:
        found["balance_transactions"].append(enter(world, found, found["amount"], "dispute_reversal"))
    world.tell("charge.dispute.closed", found)
