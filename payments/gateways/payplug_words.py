"""What PayPlug says, in our words. No request is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from payments.errors import GatewayUnavailable
from payments.gateways.base import DeclineCode, GatewayOptions, Kind, Outcome, Response, Snapshot
from payments.gateways.codes import standard_code
from payments.gateways.scrubbing import clean, keep

# Why a payment failed.
FAILURES = {
    "processing_error": DeclineCode.PROCESSING_ERROR,
    "card_declined": DeclineCode.CARD_DECLINED,
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "3ds_declined": DeclineCode.AUTHENTICATION_FAILED,
    "incorrect_number": DeclineCode.INCORRECT_NUMBER,
    "fraud_suspected": DeclineCode.SUSPECTED_FRAUD,
    "method_unsupported": DeclineCode.UNSUPPORTED_FEATURE,
    "card_scheme_mismatch": DeclineCode.INVALID_NUMBER,
    "card_expiration_date_prior_to_last_installment_date": DeclineCode.INVALID_EXPIRY_DATE,
    "aborted": DeclineCode.CANCELED_BY_CUSTOMER,
    "timeout": DeclineCode.SESSION_EXPIRED,
}
# Why a request was refused, by the parameter that was wrong, else by status.
DETAILS = {
    "amount": DeclineCode.INVALID_AMOUNT,
    "authorized_amount": DeclineCode.INVALID_AMOUNT,
    "payment_method": DeclineCode.NOT_FOUND,  # The kept card.
}
STATUSES = {
    401: DeclineCode.CONFIG_ERROR,
    403: DeclineCode.WRONG_STATE,
    404: DeclineCode.NOT_FOUND,
}
# What may be kept of an answer; nothing else of it is ever stored.
PARAMS = tuple(
    "is_live is_3ds failure.code card.brand card.last4 card.country card.exp_month card.exp_year "
    "refundable_until".split()
)


def text(said: Mapping[str, Any], name: str) -> str:
    """A text that has to be there."""
    value = said.get(name)
    if not isinstance(value, str) or not value:
        raise GatewayUnavailable(f"PayPlug's answer does not say {name}.")
    return value


def whole(said: Mapping[str, Any], name: str) -> int:
    """An amount, or a time in seconds, that has to be there."""
    value = said.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GatewayUnavailable(f"PayPlug's answer does not say {name}.")
    return value


def part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside an answer; {} for null and for one that is not there."""
    found = said.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise GatewayUnavailable(f"PayPlug's answer has a strange {name}.")
    return found or {}


def listed(said: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = said.get("data")
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise GatewayUnavailable("PayPlug's answer is no list.")
    return found


def moment(said: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromtimestamp(whole(said, name), UTC) if said.get(name) is not None else None


def is_paid(said: Mapping[str, Any]) -> bool:
    """Raises GatewayUnavailable for what is no payment, or does not say whether it is paid."""
    paid = said.get("is_paid")
    if said.get("object") != "payment" or not isinstance(paid, bool):
        raise GatewayUnavailable("PayPlug's answer is no payment that we understand.")
    return paid


def attempt_kind(said: Mapping[str, Any]) -> Kind:
    """A payment that is captured later has an authorization, any other has none."""
    return "authorize" if part(said, "authorization") else "purchase"


def was_held(said: Mapping[str, Any]) -> bool:
    return part(said, "authorization").get("authorized_at") is not None


def amount_of(said: Mapping[str, Any]) -> int:
    """What was asked for: of a payment that is captured later, what was to be held."""
    return whole(said, "amount") if attempt_kind(said) == "purchase" else held_amount(said)


def held_amount(said: Mapping[str, Any]) -> int:
    return whole(part(said, "authorization"), "authorized_amount")


def in_currency(said: Mapping[str, Any], options: GatewayOptions) -> Mapping[str, Any]:
    """Raises GatewayUnavailable for an answer in another currency than was asked."""
    currency, wanted = text(said, "currency"), options.get("currency", "").upper()
    if wanted and currency != wanted:
        raise GatewayUnavailable(f"PayPlug's answer is in {clean(currency)}; {wanted} was asked.")
    return said


def attempt(said: Mapping[str, Any]) -> Response:
    """What became of a payment as it was created: held or taken, refused, or still its customer's turn."""
    paid, failure = is_paid(said), part(said, "failure")
    if failure and not paid:
        code = standard_code(FAILURES, failure.get("code"))
        return _response(said, Outcome.DECLINED, message=clean(failure.get("message")), error_code=code)
    if paid or was_held(said):
        ends = moment(part(said, "authorization"), "expires_at")
        params = {**keep(said, *PARAMS), **({"expires_at": ends.isoformat()} if ends else {})}
        return _response(said, Outcome.APPROVED, params=params)
    if part(said, "payment_method").get("is_pending") is True:
        return _response(said, Outcome.PROCESSING)
    url = text(part(said, "hosted_payment"), "payment_url")
    return _response(said, Outcome.ACTION_REQUIRED, next_action={"type": "redirect", "url": url})


def captured(said: Mapping[str, Any]) -> Response | None:
    """The capture of what was held; None if there was none."""
    if not is_paid(said) or attempt_kind(said) != "authorize":
        return None
    return _response(said, Outcome.APPROVED, amount_minor=whole(said, "amount"))


def let_go(said: Mapping[str, Any]) -> Response | None:
    """The end of what was held, or of a page that we gave up; None where it is neither."""
    failure = part(said, "failure")
    if is_paid(said) or not failure or not (was_held(said) or failure.get("code") == "aborted"):
        return None
    return _response(said, Outcome.APPROVED)


def given_back(said: Mapping[str, Any]) -> Response:
    if said.get("object") != "refund":
        raise GatewayUnavailable("PayPlug's answer is no refund.")
    return Response(
        outcome=Outcome.APPROVED,
        authorization=text(said, "payment_id"),
        reference=text(said, "id"),
        amount_minor=whole(said, "amount"),
        params=keep(said, *PARAMS),
    )


def _response(said: Mapping[str, Any], outcome: Outcome, **more: Any) -> Response:
    named = {"amount_minor": amount_of(said), "params": keep(said, *PARAMS), **more}
    return Response(outcome=outcome, authorization=text(said, "id"), reference=text(said, "id"), **named)


def refused(status: int, said: Mapping[str, Any]) -> Response:
    """What PayPlug would not do: surely not done."""
    details = said.get("details")
    wrong = list(details) if isinstance(details, Mapping) else []
    why = ", ".join(f"{name}: {details[name]}" for name in wrong) if isinstance(details, Mapping) else ""
    code = standard_code(DETAILS, *wrong, default=STATUSES.get(status, DeclineCode.INVALID_REQUEST))
    message = clean(" ".join(each for each in (str(said.get("message") or ""), f"({why})" if why else "") if each))
    return Response(outcome=Outcome.DECLINED, message=message or f"PayPlug refused it ({status}).", error_code=code)


def snapshot(said: Mapping[str, Any], now: datetime) -> Snapshot:
    paid, ends = is_paid(said), moment(part(said, "authorization"), "expires_at")
    held = held_amount(said) if was_held(said) else 0
    return Snapshot(
        authorization=text(said, "id"),
        authorized_minor=held or (whole(said, "amount") if paid else 0),
        captured_minor=whole(said, "amount") if paid else 0,
        refunded_minor=whole(said, "amount_refunded"),
        voided=not paid and bool(part(said, "failure") or (ends and ends <= now)),
        expires_at=ends,
    )


def is_named(said: Mapping[str, Any], order_id: str, key: str) -> bool:
    """Whether it carries our order id, and the key that we look for, if we look for one."""
    written = part(said, "metadata")
    return order_id in ("", written.get("order_id")) and key in ("", written.get("idempotency_key"))


def the_one(found: Sequence[Mapping[str, Any]], order_id: str, key: str) -> Mapping[str, Any] | None:
    """The one with our key; without a key, the one of the order that nobody has put a key on, if there is just one."""
    named = [each for each in found if is_named(each, order_id, key)]
    if not key:
        named = [each for each in named if not part(each, "metadata").get("idempotency_key")]
    return named[0] if len(named) == 1 else None


def face(said: Mapping[str, Any]) -> dict[str, Any]:
    """The card of a payment, as `describe` tells of one."""
    card = part(said, "card")
    brand, last_four = clean(card.get("brand")).lower(), clean(card.get("last4"))
    return {"brand": brand, "last_four": last_four, "month": card.get("exp_month"), "year": card.get("exp_year")}
