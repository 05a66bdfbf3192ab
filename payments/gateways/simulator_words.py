"""What the simulator says, in our words, and what we say, in its own. No request is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from payments.errors import GatewayUnavailable
from payments.gateways.base import (
    DeclineCode,
    Fact,
    GatewayOptions,
    Kind,
    Outcome,
    Record,
    RecordKind,
    Response,
    Snapshot,
    WebhookNotice,
)
from payments.gateways.codes import standard_code
from payments.gateways.scrubbing import clean, keep

KINDS: tuple[Kind, ...] = ("authorize", "purchase", "capture", "void", "refund")
RECORD_KINDS: tuple[RecordKind, ...] = get_args(RecordKind)
OUTCOMES = {
    "succeeded": Outcome.APPROVED,
    "declined": Outcome.DECLINED,
    "canceled": Outcome.DECLINED,  # What waited was given up.
    "failed": Outcome.DECLINED,  # A refund that came back.
    "requires_action": Outcome.ACTION_REQUIRED,
    "processing": Outcome.PROCESSING,
}
DISPUTES = {"opened": Outcome.PROCESSING, "lost": Outcome.APPROVED, "won": Outcome.DECLINED}
CODES = {
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "expired_card": DeclineCode.EXPIRED_CARD,
    "incorrect_number": DeclineCode.INCORRECT_NUMBER,
    "incorrect_cvc": DeclineCode.INCORRECT_CVC,
    "lost_card": DeclineCode.PICKUP_CARD,
    "stolen_card": DeclineCode.PICKUP_CARD,
    "do_not_honor": DeclineCode.CALL_ISSUER,
    "fraudulent": DeclineCode.SUSPECTED_FRAUD,
    "card_velocity_exceeded": DeclineCode.VELOCITY_EXCEEDED,
    "processing_error": DeclineCode.PROCESSING_ERROR,
    "test_mode_live_card": DeclineCode.TEST_MODE_LIVE_CARD,
    "authentication_failed": DeclineCode.AUTHENTICATION_FAILED,
    "canceled_by_customer": DeclineCode.CANCELED_BY_CUSTOMER,
    "session_expired": DeclineCode.SESSION_EXPIRED,
    "capture_declined": DeclineCode.CAPTURE_DECLINED,
    "void_declined": DeclineCode.VOID_DECLINED,
    "refund_declined": DeclineCode.REFUND_DECLINED,
    "refund_failed": DeclineCode.REFUND_DECLINED,
    "resource_missing": DeclineCode.NOT_FOUND,
    "amount_too_large": DeclineCode.INVALID_AMOUNT,
    "authorization_expired": DeclineCode.AUTHORIZATION_EXPIRED,
    "payment_already_captured": DeclineCode.ALREADY_CAPTURED,
    "payment_nothing_to_refund": DeclineCode.ALREADY_REFUNDED,
    "payment_refunded": DeclineCode.ALREADY_REFUNDED,
    "payment_settled": DeclineCode.ALREADY_SETTLED,
    "payment_unexpected_state": DeclineCode.WRONG_STATE,
    "payment_nothing_to_void": DeclineCode.WRONG_STATE,
    "card_of_another_customer": DeclineCode.NOT_FOUND,
    "api_key_invalid": DeclineCode.CONFIG_ERROR,
}
AVS_CODES = {"Y": "Y", "N": "N", "A": "A", "Z": "Z", "U": "U"}
CVV_CODES = {"M": "M", "N": "N", "P": "P"}
# What may be kept of an action and of its payment; nothing else of an answer is ever stored.
PARAMS = tuple(
    "action.status action.code action.decline_code action.reason action.origin action.created "
    "payment.status payment.card.brand payment.card.last4 payment.livemode".split()
)
PAYLOAD = (
    *"id type created livemode data.action.id data.action.kind data.action.amount".split(),
    *"data.action.currency data.action.payment data.action.order_id".split(),
    *(f"data.{name}" for name in PARAMS),
)


# What we say


def payment(amount_minor: int, options: GatewayOptions) -> dict[str, Any]:
    """The fields that every new payment has; what we do not know is left out."""
    texts = ("order_id", "email", "ip", "initiator", "description", "return_url", "notification_url")
    given: dict[str, Any] = {name: options.get(name) for name in (*texts, "billing_address", "shipping_address")}
    named = {"amount": amount_minor, "currency": options.get("currency", ""), "customer": customer(options)}
    return {name: value for name, value in {**named, **given}.items() if value}


def customer(options: GatewayOptions) -> str:
    """Whom a saved card belongs to: the user, or the e-mail address of a guest."""
    return str(options.get("customer_id") or options.get("customer") or "")


def lines(options: GatewayOptions) -> dict[str, Any]:
    """What is bought, for the page."""
    bought = options.get("line_items", ())
    return {"line_items": [{**keep(line, "name", "quantity"), "amount": line.get("total")} for line in bought]}


# What it says


def part(data: Any, name: str) -> Mapping[str, Any]:
    """An object inside an answer. Raises GatewayUnavailable if it is not there."""
    found = data.get(name) if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping):
        raise GatewayUnavailable(f"The answer has no {name}.")
    return found


def lines_of(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = data.get("data")
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise GatewayUnavailable("The answer is no list.")
    return found


def text(data: Mapping[str, Any], name: str) -> str:
    """A text that has to be there."""
    value = data.get(name)
    if not isinstance(value, str):
        raise GatewayUnavailable(f"The answer does not say {name}.")
    return value


def whole(data: Mapping[str, Any], name: str) -> int:
    """An amount that has to be there, in whole minor units."""
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GatewayUnavailable(f"The answer does not say {name}.")
    return value


def moment(data: Mapping[str, Any], name: str) -> datetime:
    try:
        return datetime.fromisoformat(text(data, name))
    except ValueError as error:
        raise GatewayUnavailable(f"The answer does not say {name}.") from error


def code_of(said: Mapping[str, Any], status: int = 402) -> DeclineCode:
    default = DeclineCode.CARD_DECLINED if status == 402 else DeclineCode.INVALID_REQUEST
    return standard_code(CODES, said.get("decline_code"), said.get("code"), default=default)


def told(both: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer, a look-up and a notice say of an action, as a Response and a Fact have it.

    Raises GatewayUnavailable for a status that nobody has told us of.
    """
    action = part(both, "action")
    outcome = OUTCOMES.get(text(action, "status"))
    if outcome is None:
        raise GatewayUnavailable(f"The answer has a status that we do not know: {clean(action['status'])}.")
    refused = outcome is Outcome.DECLINED
    return {
        "outcome": outcome,
        "authorization": text(action, "payment"),
        "reference": text(action, "id"),
        "message": clean(action.get("message")),
        "error_code": code_of(action) if refused else "",
        "avs_code": AVS_CODES.get(action.get("avs") or "", ""),
        "cvv_code": CVV_CODES.get(action.get("cvc") or "", ""),
        "amount_minor": whole(action, "amount"),
        "next_action": _next(action) if outcome is Outcome.ACTION_REQUIRED else None,
        "params": keep(both, *PARAMS),
        "occurred_at": moment(action, "changed"),
    }


def _next(action: Mapping[str, Any]) -> dict[str, str]:
    found = part(action, "next_action")
    return {"type": text(found, "type"), "url": text(found, "url")}


def response(both: Mapping[str, Any], *, currency: str = "") -> Response:
    """Raises GatewayUnavailable also for an answer in another currency than was asked."""
    said = text(part(both, "action"), "currency")
    if currency and said != currency.upper():
        raise GatewayUnavailable(f"The answer is in {clean(said)}; {currency.upper()} was asked.")
    return Response(**told(both))


def is_ours_without_key(both: Mapping[str, Any]) -> bool:
    action = part(both, "action")
    return not action.get("idempotency_key") and action.get("origin") in ("api", "page")


def snapshot(said: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        authorization=text(said, "id"),
        authorized_minor=whole(said, "authorized"),
        captured_minor=whole(said, "captured"),
        refunded_minor=whole(said, "refunded"),
        voided=said.get("voided") is True,
        expires_at=moment(said, "expires_at") if said.get("expires_at") else None,
    )


def face(said: Mapping[str, Any]) -> dict[str, Any]:
    """A card as `describe` tells of it."""
    names = {"brand": "brand", "last_four": "last4", "month": "exp_month", "year": "exp_year", "name": "name"}
    return {name: clean(value) if isinstance(value := said.get(its), str) else value for name, its in names.items()}


def record(said: Mapping[str, Any]) -> Record:
    kind = next((each for each in RECORD_KINDS if each == said.get("kind")), None)
    if kind is None:
        raise GatewayUnavailable("The answer has a record of a kind that we do not know.")
    return Record(
        kind=kind,
        reference=text(said, "id"),
        amount_minor=whole(said, "amount"),
        fee_minor=int(said.get("fee") or 0),
        currency=text(said, "currency"),
        authorization=text(said, "payment"),
        order_id=text(said, "order_id"),
        occurred_at=moment(said, "occurred_at"),
    )


def notice(event: Any) -> WebhookNotice:
    """An event: one fact about a deed that we have a word for, none about anything else."""
    if not isinstance(event, Mapping):
        raise GatewayUnavailable("The notice is no object.")
    event_id, type = text(event, "id"), text(event, "type")
    facts, about = [], type.partition(".")[0]
    if about in KINDS and part(part(event, "data"), "action").get("status") in OUTCOMES:
        facts = [fact(part(event, "data"))]
    elif about == "dispute" and part(part(event, "data"), "action").get("status") in DISPUTES:
        facts = [dispute(part(event, "data"))]
    return WebhookNotice(event_id=event_id, type=type, facts=facts, payload=keep(event, *PAYLOAD))


def dispute(both: Mapping[str, Any]) -> Fact:
    """What a card's owner takes back, or tries to, through the bank: a refund that nobody of ours has asked for."""
    action = part(both, "action")
    return Fact(
        kind="refund",
        disputed=True,
        outcome=DISPUTES[text(action, "status")],
        amount_minor=whole(action, "amount"),
        currency=text(action, "currency"),
        authorization=text(action, "payment"),
        reference=text(action, "id"),
        order_id=str(action.get("order_id") or ""),
        message=clean(f"Dispute {action['status']}: {action.get('reason') or 'no reason given'}."),
        params={"dispute": action["status"], **keep(both, *PARAMS)},
        occurred_at=moment(action, "changed"),
    )


def fact(both: Mapping[str, Any]) -> Fact:
    action = part(both, "action")
    kind = next((each for each in KINDS if each == action.get("kind")), None)
    if kind is None:
        raise GatewayUnavailable("The notice is about a deed that we do not know.")
    return Fact(
        kind=kind,
        currency=text(action, "currency"),
        idempotency_key=str(action.get("idempotency_key") or ""),
        order_id=str(action.get("order_id") or ""),
        **told(both),
    )
