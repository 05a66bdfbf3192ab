"""PayPlug's notices: an object as it is now, signed by nobody. What one says is a claim, and is asked for again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from payments.errors import GatewayUnavailable, UnreadableNotice
from payments.gateways import payplug_words as words
from payments.gateways.base import Fact, Kind, Outcome, Response, WebhookNotice
from payments.gateways.scrubbing import clean, keep

# The names that objects have: nothing that could lead anywhere else inside an address.
NAMES = {"payment": re.compile(r"pay_[A-Za-z0-9]{1,100}"), "refund": re.compile(r"re_[A-Za-z0-9]{1,100}")}
PAYLOAD = (
    *"object id payment_id amount amount_refunded currency is_paid is_refunded created_at".split(),
    *"metadata.order_id metadata.idempotency_key".split(),
    *words.PARAMS,
)


def notice(body: bytes) -> WebhookNotice:
    """Raises UnreadableNotice for what is no object of PayPlug's. Nobody is asked here."""
    try:
        said = json.loads(body)
        kind, id = words.text(said, "object"), words.text(said, "id")
        known = kind in NAMES
        names = {kind: id, **({"payment": words.text(said, "payment_id")} if kind == "refund" else {})}
        if known and not all(NAMES[each].fullmatch(name) for each, name in names.items()):
            raise UnreadableNotice("The notice has a name that no object of PayPlug's has.")
        facts = claims(said) if known else []
    except (ValueError, AttributeError, RecursionError, GatewayUnavailable) as error:
        raise UnreadableNotice("The notice cannot be understood.") from error
    digest = sha256(body).hexdigest()
    return WebhookNotice(
        event_id=f"{clean(id)}:{digest[:32]}", type=clean(kind), facts=facts, payload=keep(said, *PAYLOAD)
    )


def claims(said: Mapping[str, Any]) -> list[Fact]:
    """The latest thing that an object says has happened; [] of a payment to which nothing has happened yet."""
    found = latest(said)
    if found is None:
        return []
    kind, done = found
    written = words.part(said, "metadata")
    first = kind in ("authorize", "purchase", "refund")  # The key is of the request that made the object.
    return [
        Fact(
            kind=kind,
            outcome=done.outcome,
            amount_minor=done.amount_minor,
            currency=words.text(said, "currency"),
            authorization=done.authorization,
            reference=done.reference,
            idempotency_key=str(written.get("idempotency_key") or "") if first else "",
            order_id=str(written.get("order_id") or ""),
            message=done.message,
            error_code=done.error_code,
        )
    ]


def latest(said: Mapping[str, Any]) -> tuple[Kind, Response] | None:
    if said.get("object") == "refund":
        return "refund", words.given_back(said)
    if words.was_held(said):
        if taken := words.captured(said):
            return "capture", taken
        if ended := words.let_go(said):
            return "void", ended
    done = words.attempt(said)
    return (words.attempt_kind(said), done) if done.outcome in (Outcome.APPROVED, Outcome.DECLINED) else None
