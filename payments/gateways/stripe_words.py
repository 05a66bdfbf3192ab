"""What Stripe says of intents, charges and refunds, in our words. No request is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from payments.errors import GatewayUnavailable
from payments.gateways.base import DeclineCode, GatewayOptions, Kind, Outcome, Response, Snapshot
from payments.gateways.codes import standard_code
from payments.gateways.scrubbing import clean, keep
from payments.gateways.stripe_amounts import from_stripe
from payments.gateways.stripe_codes import AVS, CANCELED, CODES, CVC
from payments.gateways.stripe_params import CAPTURE, capture_name

# What may be kept of an answer; nothing else is ever stored.
PARAMS = tuple(
    "status latest_charge.id latest_charge.outcome.risk_level latest_charge.outcome.network_status "
    "latest_charge.payment_method_details.card.brand latest_charge.payment_method_details.card.last4 "
    "latest_charge.payment_method_details.card.three_d_secure.result livemode cancellation_reason "
    "last_payment_error.code last_payment_error.decline_code reason failure_reason".split()
)
REFUSED = tuple(
    "type code decline_code param charge advice_code network_decline_code payment_intent.id "
    "payment_intent.status".split()
)


def text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise GatewayUnavailable(f"Stripe's answer does not say {name}.")
    return value


def whole(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GatewayUnavailable(f"Stripe's answer does not say {name}.")
    return value


def moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds > 0 else None


def name_of(found: Any) -> str:
    """The id of what is there as an id or, expanded, as an object."""
    value = found.get("id") if isinstance(found, Mapping) else found
    return value if isinstance(value, str) else ""


def expanded(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def money(data: Mapping[str, Any], name: str) -> int:
    """An amount in our minor units."""
    return from_stripe(whole(data, name), text(data, "currency"))


def card_of(charge: Mapping[str, Any]) -> Mapping[str, Any]:
    return expanded(expanded(charge.get("payment_method_details")).get("card"))


def expires_at(intent: Mapping[str, Any]) -> datetime | None:
    """Until when the hold can be captured, as its charge says."""
    return moment(card_of(expanded(intent.get("latest_charge"))).get("capture_before"))


def demand_currency(said: Mapping[str, Any], currency: str) -> None:
    """Raises GatewayUnavailable for an answer in another currency than was asked."""
    if currency and text(said, "currency").upper() != currency.upper():
        raise GatewayUnavailable(f"Stripe answered in {clean(said['currency'])}; {currency.upper()} was asked.")


def code_of(error: Mapping[str, Any], status: int = 402, *, kind: Kind | None = None) -> DeclineCode:
    if status in (401, 403):
        return DeclineCode.CONFIG_ERROR
    intent = expanded(error.get("payment_intent"))
    if error.get("code") == "payment_intent_unexpected_state" and intent:
        return _wrong_state(intent, kind)
    default = DeclineCode.CARD_DECLINED if status == 402 else DeclineCode.INVALID_REQUEST
    return standard_code(CODES, error.get("decline_code"), error.get("code"), default=default)


def _wrong_state(intent: Mapping[str, Any], kind: Kind | None) -> DeclineCode:
    if intent.get("status") == "succeeded":
        return DeclineCode.ALREADY_SETTLED if kind == "void" else DeclineCode.ALREADY_CAPTURED
    ended = intent.get("status") == "canceled" and intent.get("cancellation_reason") in ("automatic", "expired")
    return DeclineCode.AUTHORIZATION_EXPIRED if ended else DeclineCode.WRONG_STATE


def refusal(status: int, error: Mapping[str, Any], kind: Kind | None = None) -> Response:
    return Response(
        outcome=Outcome.DECLINED,
        authorization=name_of(error.get("payment_intent")) or name_of(error.get("setup_intent")),
        reference=name_of(error.get("charge")),
        message=clean(error.get("message")) or "Stripe said no.",
        error_code=code_of(error, status, kind=kind),
        params=keep(error, *REFUSED),
    )


def attempt(intent: Mapping[str, Any], kind: Kind, *, currency: str = "") -> Response:
    """What became of an authorize or a purchase. Raises GatewayUnavailable for a status that nobody told us of."""
    demand_currency(intent, currency)
    status, charge = text(intent, "status"), expanded(intent.get("latest_charge"))
    held = status == "requires_capture" and kind == "authorize"
    if status == "canceled":
        was_held = kind == "authorize" and charge.get("status") == "succeeded"
        return _held(intent, kind) if was_held else _canceled(intent)
    if held or status == "succeeded":
        return _held(intent, kind)
    handle: dict[str, Any] = {"authorization": text(intent, "id"), "params": keep(intent, *PARAMS)}
    if status == "processing":
        return Response(outcome=Outcome.PROCESSING, amount_minor=money(intent, "amount"), **handle)
    if status == "requires_action":
        return Response(
            outcome=Outcome.ACTION_REQUIRED,
            amount_minor=money(intent, "amount"),
            next_action=next_action(intent),
            **handle,
        )
    if status == "requires_payment_method":
        error = expanded(intent.get("last_payment_error"))
        reference = name_of(error.get("charge")) or name_of(intent.get("latest_charge"))
        message = clean(error.get("message")) or "The card was declined."
        return Response(
            outcome=Outcome.DECLINED, reference=reference, message=message, error_code=code_of(error), **handle
        )
    raise GatewayUnavailable(f"Stripe's intent has a status that we do not know: {clean(status)}.")


def _held(intent: Mapping[str, Any], kind: Kind) -> Response:
    charge = expanded(intent.get("latest_charge"))
    checks = expanded(card_of(charge).get("checks"))
    ends = expires_at(intent) if kind == "authorize" else None
    received = intent.get("amount_received") is not None and kind == "purchase"
    params = keep(intent, *PARAMS)
    cvv_code, cvv_message = CVC.get(str(checks.get("cvc_check")), ("", ""))
    return Response(
        outcome=Outcome.APPROVED,
        authorization=text(intent, "id"),
        reference=name_of(intent.get("latest_charge")),
        message="Succeeded",
        amount_minor=money(intent, "amount_received" if received else "amount"),
        avs_code=avs_of(checks),
        cvv_code=cvv_code,
        cvv_message=cvv_message,
        params={**params, "expires_at": ends.isoformat()} if ends else params,
    )


def _canceled(intent: Mapping[str, Any]) -> Response:
    code = standard_code(CANCELED, intent.get("cancellation_reason"), default=DeclineCode.WRONG_STATE)
    message, handle = "The payment was canceled before it was confirmed.", text(intent, "id")
    return Response(
        outcome=Outcome.DECLINED,
        authorization=handle,
        message=message,
        error_code=code,
        params=keep(intent, *PARAMS),
    )


def avs_of(checks: Mapping[str, Any]) -> str:
    street, postal = (checks.get(name) for name in ("address_line1_check", "address_postal_code_check"))
    if street is None and postal is None:
        return ""
    return AVS.get((str(street or "unchecked"), str(postal or "unchecked")), "")


def next_action(intent: Mapping[str, Any]) -> dict[str, str]:
    """Where the customer has to go: to an address, or to Stripe's script with the intent's client secret."""
    action = expanded(intent.get("next_action"))
    address = expanded(action.get("redirect_to_url")).get("url")
    if isinstance(address, str) and address.startswith(("https://", "http://")):
        return {"type": "redirect", "url": address}
    return {"type": "client_secret", "client_secret": text(intent, "client_secret")}


def captured(intent: Mapping[str, Any], options: GatewayOptions) -> Response:
    """What became of a capture, of which an intent may have several."""
    demand_currency(intent, options.get("currency", ""))
    if intent.get("status") == "processing":
        return Response(outcome=Outcome.PROCESSING, authorization=text(intent, "id"), params=keep(intent, *PARAMS))
    if intent.get("status") not in ("succeeded", "requires_capture"):
        raise GatewayUnavailable(f"Stripe's intent has a status that we do not know: {clean(intent.get('status'))}.")
    others = sum(
        amount for name, amount in captures_of(intent) if name != capture_name(options.get("idempotency_key", ""))
    )
    return capture(intent, intent.get("amount_received"), others)


def capture(intent: Mapping[str, Any], total: Any, earlier: int) -> Response:
    """One capture, after which `total` is taken and before which `earlier` was, in Stripe's units."""
    amount = whole({"amount_received": total}, "amount_received") - earlier if total is not None else None
    return Response(
        outcome=Outcome.APPROVED,
        authorization=text(intent, "id"),
        reference=capture_reference(name_of(intent.get("latest_charge")), earlier, total),
        message="Captured",
        amount_minor=None if amount is None or amount < 0 else from_stripe(amount, text(intent, "currency")),
        params=keep(intent, *PARAMS),
    )


def without_reference(response: Response) -> Response:
    """One of several captures, whose place among them is not known."""
    return replace(response, reference="")


def capture_reference(charge: str, earlier: int, total: Any) -> str:
    """A charge's first capture is named as the charge; a later one also says what is taken in all after it."""
    return f"{charge}:{total}" if charge and earlier else charge


def captures_of(intent: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Our captures, as the metadata has them: name and amount in Stripe's units."""
    kept = expanded(intent.get("metadata")).items()
    return [(name, int(amount)) for name, amount in kept if name.startswith(CAPTURE) and str(amount).isdecimal()]


def voided(intent: Mapping[str, Any]) -> Response | None:
    """The void of an intent that holds nothing any more; None of one that still does, or was taken whole."""
    rest_is_let_go = (
        intent.get("status") == "succeeded"
        and 0 < int(intent.get("amount_received") or 0) < whole(intent, "amount")
        and not intent.get("amount_capturable")
    )
    if intent.get("status") != "canceled" and not rest_is_let_go:
        return None
    handle = text(intent, "id")
    return Response(
        outcome=Outcome.APPROVED,
        authorization=handle,
        reference=handle,
        message="Canceled",
        params=keep(intent, *PARAMS),
    )


REFUND_OUTCOMES = {
    "succeeded": Outcome.APPROVED,
    "pending": Outcome.PROCESSING,
    "requires_action": Outcome.PROCESSING,  # Of the customer, by e-mail: nothing that a page of ours could show.
    "failed": Outcome.DECLINED,
    "canceled": Outcome.DECLINED,
}


def refunded(refund: Mapping[str, Any], *, currency: str = "") -> Response:
    demand_currency(refund, currency)
    outcome = REFUND_OUTCOMES.get(text(refund, "status"))
    if outcome is None:
        raise GatewayUnavailable(f"Stripe's refund has a status that we do not know: {clean(refund['status'])}.")
    refused = outcome is Outcome.DECLINED
    failure = clean(refund.get("failure_reason"))
    return Response(
        outcome=outcome,
        authorization=name_of(refund.get("payment_intent")),
        reference=text(refund, "id"),
        message=f"The refund failed: {failure or refund['status']}." if refused else "Refunded",
        error_code=DeclineCode.REFUND_DECLINED if refused else "",
        amount_minor=money(refund, "amount"),
        params=keep(refund, *PARAMS),
    )


def snapshot(intent: Mapping[str, Any], refunds: list[Mapping[str, Any]]) -> Snapshot:
    held = text(intent, "status") in ("requires_capture", "succeeded")
    was_held = expanded(intent.get("latest_charge")).get("status") == "succeeded"
    back = [each for each in refunds if each.get("status") in ("succeeded", "pending", "requires_action")]
    return Snapshot(
        authorization=text(intent, "id"),
        authorized_minor=money(intent, "amount") if held or was_held else 0,
        captured_minor=money(intent, "amount_received"),
        refunded_minor=sum(money(each, "amount") for each in back),
        voided=intent.get("status") == "canceled",
        expires_at=expires_at(intent),
    )
