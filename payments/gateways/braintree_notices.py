"""Braintree's webhooks: verified and read by the SDK, and put into our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from payments.errors import GatewayUnavailable, InvalidSignature, UnreadableNotice
from payments.gateways import braintree_params as params
from payments.gateways import braintree_words as words
from payments.gateways.base import DeclineCode, Fact, Kind, Outcome, WebhookNotice
from payments.gateways.braintree_wire import sdk
from payments.gateways.scrubbing import clean, keep

# The public key, a bar, and a digest in hex; several are joined by &.
SEAL = re.compile(r"[A-Za-z0-9_-]+\|[0-9a-fA-F]{40}(&[A-Za-z0-9_-]+\|[0-9a-fA-F]{40})*")
DONE = ("transaction_settled", "transaction_disbursed")
UNDONE = ("transaction_settlement_declined", "refund_failed")
DISPUTES = {
    **dict.fromkeys(("open", "disputed", "under_review"), Outcome.PROCESSING),
    **dict.fromkeys(("lost", "accepted", "auto_accepted", "expired"), Outcome.APPROVED),
    "won": Outcome.DECLINED,
}
PAYLOAD = (
    *"kind timestamp transaction.id transaction.status transaction.type transaction.order_id".split(),
    *"transaction.currency_iso_code transaction.amount transaction.refunded_transaction_id".split(),
    *"transaction.authorized_transaction_id dispute.id dispute.status dispute.kind dispute.reason".split(),
    *"dispute.amount dispute.currency_iso_code dispute.reply_by_date dispute.transaction".split(),
)


def verified(client: Any, body: bytes) -> Any:
    """The notification of a form that Braintree signed. Raises InvalidSignature, and UnreadableNotice once it is
    known to be theirs."""
    try:
        form = parse_qs(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=10)
    except ValueError as error:
        raise InvalidSignature("The notice is not signed.") from error
    seal, payload = ("".join(form.get(name, ())) for name in ("bt_signature", "bt_payload"))
    if not SEAL.fullmatch(seal) or not payload.isascii():
        raise InvalidSignature("The notice is not signed.")
    try:
        return client.webhook_notification.parse(seal, payload)
    except sdk().exceptions.InvalidSignatureError as error:
        raise InvalidSignature("The notice was not signed by Braintree.") from error
    except Exception as error:
        raise UnreadableNotice("The notice is signed, and cannot be understood.") from error


def notice(said: Any) -> WebhookNotice:
    """Facts about a settlement, a refund or a dispute; none about anything else."""
    try:
        kind, at = words.text(said, "kind"), words.aware(said.timestamp)
        payload = keep(_plain(said, kind, at.isoformat()), *PAYLOAD)
        about = payload.get("transaction") or payload.get("dispute") or {}
        return WebhookNotice(
            event_id=f"{kind}:{about.get('id', '')}:{at:%Y%m%dT%H%M%S}",
            type=kind,
            facts=[*_facts(kind, said, at)],
            payload=payload,
        )
    except (AttributeError, TypeError, GatewayUnavailable) as error:
        raise UnreadableNotice("The notice is signed, and cannot be understood.") from error


def _facts(kind: str, said: Any, at: datetime) -> Iterator[Fact]:
    dispute, transaction = words.get(said, "dispute"), words.get(said, "transaction")
    if dispute is not None and words.get(dispute, "kind") != "retrieval":  # A question, and no money.
        yield from _dispute(dispute, at)
    elif transaction is not None and kind in (*DONE, *UNDONE):
        is_refund = kind == "refund_failed" or words.get(transaction, "type") == "credit"
        if is_refund or words.get(transaction, "type"):
            yield _settlement(transaction, "refund" if is_refund else "capture", at, done=kind in DONE)


def _settlement(transaction: Any, deed: Kind, at: datetime, *, done: bool) -> Fact:
    """Named by its transaction only: what is in the order id may be the key of another deed."""
    of = words.get(transaction, "refunded_transaction_id" if deed == "refund" else "authorized_transaction_id")
    currency = str(words.get(transaction, "currency_iso_code") or "")
    refused = DeclineCode.REFUND_DECLINED if deed == "refund" else DeclineCode.CAPTURE_DECLINED
    return Fact(
        kind=deed,
        outcome=Outcome.APPROVED if done else Outcome.DECLINED,
        amount_minor=words.amount_of(transaction) if currency else None,
        currency=currency,
        authorization=str(of or ("" if deed == "refund" else transaction.id)),
        reference=words.text(transaction, "id"),
        order_id=params.order_and_key(words.get(transaction, "order_id"))[0],
        message="" if done else clean(words.why(transaction)),
        error_code="" if done else refused,
        params=words.kept(transaction),
        occurred_at=at,
    )


def _dispute(dispute: Any, at: datetime) -> Iterator[Fact]:
    """A refund that the card's owner takes: see docs/decisions/0021."""
    outcome, transaction = DISPUTES.get(words.text(dispute, "status")), _disputed(dispute)
    if outcome is None or transaction is None:
        return
    currency = words.text(dispute, "currency_iso_code")
    amount = words.get(dispute, "amount_disputed") or words.get(dispute, "amount")
    reason = str(words.get(dispute, "reason") or "no reason given").replace("_", " ")
    state = {Outcome.PROCESSING: "open", Outcome.APPROVED: "lost", Outcome.DECLINED: "won"}[outcome]
    yield Fact(
        kind="refund",
        outcome=outcome,
        amount_minor=words.minor(amount, currency),
        currency=currency,
        authorization=words.text(transaction, "id"),
        reference=words.text(dispute, "id"),
        order_id=params.order_and_key(words.get(transaction, "order_id"))[0],
        message=clean(f"Disputed: {reason}."),
        error_code=DeclineCode.REFUND_DECLINED if outcome is Outcome.DECLINED else "",
        params={"dispute": state, "status": dispute.status, "reason": clean(reason)},
        occurred_at=at,
        disputed=True,
    )


def _disputed(dispute: Any) -> Any:
    return words.get(dispute, "transaction_details") or words.get(dispute, "transaction")


def _plain(said: Any, kind: str, at: str) -> dict[str, Any]:
    """What may be stored, as texts."""

    def named(thing: Any, name: str) -> dict[str, str]:
        fields = [field.split(".")[1] for field in PAYLOAD if field.startswith(f"{name}.")]
        values = {field: words.get(thing, field) for field in fields}
        return {field: str(value) for field, value in values.items() if value not in (None, "")}

    plain: dict[str, Any] = {"kind": kind, "timestamp": at}
    if (transaction := words.get(said, "transaction")) is not None:
        plain["transaction"] = named(transaction, "transaction")
    if (dispute := words.get(said, "dispute")) is not None:
        about = words.get(_disputed(dispute), "id")
        plain["dispute"] = {**named(dispute, "dispute"), "transaction": str(about or "")}
    return plain
