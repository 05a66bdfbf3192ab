"""Stripe's events as notices: facts where we have words for what happened, and else only what may be stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from payments.errors import GatewayUnavailable
from payments.gateways import stripe_words as words
from payments.gateways.base import Fact, Kind, Outcome, Response, WebhookNotice
from payments.gateways.scrubbing import clean, keep
from payments.gateways.stripe_amounts import from_stripe
from payments.gateways.stripe_params import CAPTURE

PAYLOAD = (
    *"id type created livemode api_version request.id request.idempotency_key".split(),
    *(
        f"data.object.{name}"
        for name in "id object amount amount_received amount_captured amount_refunded currency status payment_intent "
        "charge latest_charge reason failure_reason cancellation_reason metadata.order_id last_payment_error.code "
        "last_payment_error.decline_code is_charge_refundable".split()
    ),
)


def notice(event: Any, *, version: str, test: bool) -> WebhookNotice:
    """Raises GatewayUnavailable for what is no event, or none that says what its type promises.

    An event of another API version is shaped as that version is, and one of the other mode is no business of ours:
    both are kept, without facts.
    """
    if not isinstance(event, Mapping):
        raise GatewayUnavailable("The notice is no object.")
    event_id, type = words.text(event, "id"), words.text(event, "type")
    read = READERS.get(type)
    ours = event.get("api_version") == version and event.get("livemode") is not test
    facts: list[Fact] = []
    if read is not None and ours:
        said = words.expanded(words.expanded(event.get("data")).get("object"))
        if not said:
            raise GatewayUnavailable("The notice is about nothing.")
        facts = read(event, said)
    return WebhookNotice(event_id=event_id, type=type, facts=facts, payload=keep(event, *PAYLOAD))


def _fact(event: Mapping[str, Any], kind: Kind, response: Response, said: Mapping[str, Any], *, key: str = "") -> Fact:
    facts = {name: value for name, value in asdict(response).items() if name in Fact.__dataclass_fields__}
    return Fact(
        **{
            **facts,
            "kind": kind,
            "currency": words.text(said, "currency").upper(),
            "idempotency_key": key,
            "order_id": order_of(said),
            "occurred_at": words.moment(event.get("created")),
        }
    )


def order_of(said: Mapping[str, Any]) -> str:
    return str(words.expanded(said.get("metadata")).get("order_id") or "")


def operation_of(said: Mapping[str, Any]) -> str:
    """The idempotency key of ours that made this: we wrote it there."""
    return str(words.expanded(said.get("metadata")).get("operation") or "")


def asked_with(event: Mapping[str, Any]) -> str:
    """The idempotency key of the request that caused the event; one that is not ours finds nothing of ours."""
    return str(words.expanded(event.get("request")).get("idempotency_key") or "")


def _intent_kind(intent: Mapping[str, Any]) -> Kind:
    return "authorize" if intent.get("capture_method") == "manual" else "purchase"


def _attempt(event: Mapping[str, Any], intent: Mapping[str, Any]) -> list[Fact]:
    """An intent that holds, took or was refused. One that we did not make is none of our payments."""
    if not order_of(intent):
        return []
    kind = _intent_kind(intent)
    return [_fact(event, kind, words.attempt(intent, kind), intent, key=operation_of(intent))]


def _succeeded(event: Mapping[str, Any], intent: Mapping[str, Any]) -> list[Fact]:
    """A sale; or, of a hold, the captures that we wrote down, and what is taken beyond them."""
    if _intent_kind(intent) == "purchase" or not order_of(intent):
        return _attempt(event, intent)
    charge, handle = words.name_of(intent.get("latest_charge")), words.text(intent, "id")
    ours = words.captures_of(intent)
    before = sum(amount for _name, amount in ours)
    total = intent.get("amount_received")
    if total is None:  # A capture, and not of how much.
        return [] if ours else [_captured(event, intent, None, reference=charge, handle=handle, key="")]
    facts = []
    for name, amount in ours if before <= total else ():
        alone = charge if amount == total else ""
        key = name.removeprefix(CAPTURE)
        facts.append(_captured(event, intent, amount, reference=alone, handle=handle, key=key))
    if total > before:
        reference = words.capture_reference(charge, before, total)
        facts.append(_captured(event, intent, total - before, reference=reference, handle=handle, key=""))
    return facts


def _captured(
    event: Mapping[str, Any], said: Mapping[str, Any], amount: int | None, *, reference: str, handle: str, key: str
) -> Fact:
    minor = None if amount is None else from_stripe(amount, words.text(said, "currency"))
    done = Response(outcome=Outcome.APPROVED, authorization=handle, reference=reference, amount_minor=minor)
    return _fact(event, "capture", done, said, key=key)


def _charge(event: Mapping[str, Any], charge: Mapping[str, Any]) -> list[Fact]:
    """What this event's capture took: all of an only one, else the difference to what was taken before it.

    Where Stripe does not say the difference, the end of the intent tells: see `_succeeded`.
    """
    handle, total = words.name_of(charge.get("payment_intent")), words.whole(charge, "amount_captured")
    was = words.expanded(words.expanded(event.get("data")).get("previous_attributes"))
    if not handle or not total or not order_of(charge):
        return []
    before = was.get("amount_captured")
    if before is None and event["type"] == "charge.updated":
        return []
    one_only = words.expanded(words.card_of(charge).get("multicapture")).get("status") != "available"
    if before is None and not one_only:
        return []
    before = before or 0
    reference = words.capture_reference(words.text(charge, "id"), before, total)
    return [_captured(event, charge, total - before, reference=reference, handle=handle, key=asked_with(event))]


def _canceled(event: Mapping[str, Any], intent: Mapping[str, Any]) -> list[Fact]:
    done = words.voided(intent)
    return [_fact(event, "void", done, intent, key=asked_with(event))] if done and order_of(intent) else []


def _refund(event: Mapping[str, Any], refund: Mapping[str, Any]) -> list[Fact]:
    """Also one that somebody made in Stripe's dashboard: then its intent says whose it is."""
    if not words.name_of(refund.get("payment_intent")):
        return []
    return [_fact(event, "refund", words.refunded(refund), refund, key=operation_of(refund))]


DISPUTES = {
    **dict.fromkeys(("warning_needs_response", "warning_under_review", "needs_response", "under_review"), "open"),
    **dict.fromkeys(("warning_closed", "won", "prevented"), "won"),
    "lost": "lost",
}
OUTCOMES = {"open": Outcome.PROCESSING, "won": Outcome.DECLINED, "lost": Outcome.APPROVED}


def _dispute(event: Mapping[str, Any], dispute: Mapping[str, Any]) -> list[Fact]:
    """What a card's owner takes back, or tries to, through the bank: a refund that nobody of ours has asked for."""
    status, handle = words.text(dispute, "status"), words.name_of(dispute.get("payment_intent"))
    if status not in DISPUTES or not handle:
        return []
    why = str(dispute.get("reason") or "no reason given").replace("_", " ")
    said = Response(
        outcome=OUTCOMES[DISPUTES[status]],
        authorization=handle,
        reference=words.text(dispute, "id"),
        message=clean(f"Dispute {DISPUTES[status]}: {why}."),
        amount_minor=words.money(dispute, "amount"),
        params={"dispute": DISPUTES[status], **keep(dispute, "status", "reason")},
    )
    return [replace(_fact(event, "refund", said, dispute), disputed=True)]


READERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], list[Fact]]] = {
    "payment_intent.amount_capturable_updated": _attempt,
    "payment_intent.payment_failed": _attempt,
    "payment_intent.succeeded": _succeeded,
    "payment_intent.canceled": _canceled,
    "charge.captured": _charge,
    "charge.updated": _charge,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
}
WANTED = (*READERS, "charge.refunded")  # The last is kept without facts: its refund is told by an event of its own.
