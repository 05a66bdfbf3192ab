"""What Braintree says, in our words. No request is made here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from payments.errors import GatewayUnavailable, InvalidAmount
from payments.gateways.base import DeclineCode, GatewayOptions, Kind, Outcome, Response, Snapshot
from payments.gateways.braintree_codes import AVS, CVV, KEY_WAS_USED, PROCESSOR, REJECTION, VALIDATION
from payments.gateways.braintree_params import order_and_key
from payments.gateways.codes import standard_code
from payments.gateways.scrubbing import clean, keep
from payments.money import as_money, to_minor

TAKEN = ("submitted_for_settlement", "settling", "settled", "settlement_confirmed")
REFUSED = ("processor_declined", "gateway_rejected", "failed")
ENDED = ("voided", "authorization_expired")
NOT_SETTLED = ("settlement_declined", "settlement_failed")
OUTCOMES: dict[str, dict[str, Outcome]] = {
    "authorize": {
        **dict.fromkeys(("authorized", "settlement_pending", *TAKEN, *NOT_SETTLED), Outcome.APPROVED),
        **dict.fromkeys((*REFUSED, *ENDED), Outcome.DECLINED),
        "authorizing": Outcome.PROCESSING,
    },
    "purchase": {
        **dict.fromkeys(TAKEN, Outcome.APPROVED),
        **dict.fromkeys((*REFUSED, *ENDED, *NOT_SETTLED), Outcome.DECLINED),
        **dict.fromkeys(("authorizing", "authorized", "settlement_pending"), Outcome.PROCESSING),
    },
    "void": {"voided": Outcome.APPROVED},
}
OUTCOMES["capture"] = OUTCOMES["refund"] = {
    name: outcome for name, outcome in OUTCOMES["purchase"].items() if name != "authorized"
}
ENDED_CODES = {
    "authorization_expired": DeclineCode.AUTHORIZATION_EXPIRED,
    "voided": DeclineCode.WRONG_STATE,
    "settlement_declined": DeclineCode.CAPTURE_DECLINED,
    "settlement_failed": DeclineCode.CAPTURE_DECLINED,
}
# What may be kept of a transaction; nothing else of an answer is ever stored.
PARAMS = tuple(
    """
    transaction.status transaction.type transaction.merchant_account_id transaction.payment_instrument_type
    transaction.processor_response_code transaction.processor_response_type transaction.network_response_code
    transaction.gateway_rejection_reason transaction.card.brand transaction.card.last4 errors
    """.split()
)


# What it says


def get(said: Any, name: str) -> Any:
    """An attribute that may be missing: the SDK has only those that the answer had."""
    return getattr(said, name, None)


def text(said: Any, name: str) -> str:
    """A text that has to be there."""
    value = get(said, name)
    if not isinstance(value, str) or not value:
        raise GatewayUnavailable(f"The answer does not say {name.replace('_', ' ')}.")
    return value


def minor(amount: Any, currency: str) -> int:
    """Whole minor units. Raises GatewayUnavailable for what is no amount of that currency."""
    try:
        return to_minor(as_money(amount if isinstance(amount, Decimal) else str(amount or ""), currency))
    except InvalidAmount as error:
        raise GatewayUnavailable("The answer states an amount that its currency does not have.") from error


def amount_of(transaction: Any) -> int:
    return minor(get(transaction, "amount"), text(transaction, "currency_iso_code"))


def authorized_of(transaction: Any) -> int:
    """What was authorized at first: a smaller settlement changes the amount, and leaves the history."""
    events = get(transaction, "status_history") or []
    first = next((get(event, "amount") for event in events if get(event, "status") == "authorized"), None)
    return amount_of(transaction) if first is None else minor(first, text(transaction, "currency_iso_code"))


def response(
    transaction: Any, kind: Kind, *, currency: str = "", authorization: str = "", amount_minor: int | None = None
) -> Response:
    """A transaction as the answer to `kind`. Raises GatewayUnavailable for a status that nobody has told us of, and
    for another currency than was asked."""
    said = text(transaction, "currency_iso_code")
    if currency and said.upper() != currency.upper():
        raise GatewayUnavailable(f"The answer is in {clean(said)}; {currency.upper()} was asked.")
    status, id = text(transaction, "status"), text(transaction, "id")
    outcome = OUTCOMES[kind].get(status)
    if outcome is None:
        raise GatewayUnavailable(f"The answer has a status that we do not know here: {clean(status)}.")
    refused, by_void = outcome is Outcome.DECLINED, status == "voided" and kind == "void"
    if amount_minor is None and kind != "void":
        moved_on = kind == "authorize" and status not in ("authorized", *REFUSED)
        amount_minor = authorized_of(transaction) if moved_on else amount_of(transaction)
    return Response(
        outcome=outcome,
        authorization=authorization or id,
        reference=f"void-{id}" if by_void else id,
        message=clean(why(transaction)) if refused else "",
        error_code=_code(transaction, kind) if refused else "",
        amount_minor=amount_minor,
        params=kept(transaction),
        **checks(transaction),
    )


def checks(transaction: Any) -> dict[str, Any]:
    street, postal = (
        get(transaction, "avs_street_address_response_code"),
        get(transaction, "avs_postal_code_response_code"),
    )
    return {
        "avs_code": AVS.get((street or "", postal or ""), ""),
        "cvv_code": CVV.get(get(transaction, "cvv_response_code") or "", ""),
    }


def kept(transaction: Any, errors: Sequence[str] = ()) -> dict[str, Any]:
    card = get(transaction, "credit_card_details")
    names = [name.split(".")[1] for name in PARAMS if name.count(".") == 1]
    named: dict[str, Any] = {name: get(transaction, name) for name in names}
    named["card"] = {"brand": get(card, "card_type"), "last4": get(card, "last_4")}
    return keep({"transaction": named, "errors": list(errors) or None}, *PARAMS)


def refusal(result: Any, kind: Kind) -> Response:
    """A result that is no success: the processor's or the gateway's no, with a transaction, or a validation error."""
    codes = [str(error.code) for error in result.errors.deep_errors]
    if KEY_WAS_USED.intersection(codes):
        raise GatewayUnavailable("This request was sent before, and its first answer is not known.")
    transaction = get(result, "transaction")
    if not codes and transaction is not None:
        return response(transaction, kind)
    verification = get(result, "credit_card_verification")
    said = clean(get(result, "message")) or "Braintree refused, and did not say why."
    if not codes and verification is not None:
        return declined(_code(verification, kind), said, kept(None))
    return declined(_first(codes), said, kept(None, codes))


def declined(code: DeclineCode, message: str, params: Mapping[str, Any] | None = None) -> Response:
    return Response(outcome=Outcome.DECLINED, message=message, error_code=code, params=params or {})


def _first(codes: Iterable[str]) -> DeclineCode:
    return standard_code(VALIDATION, *codes, default=DeclineCode.INVALID_REQUEST)


def why(transaction: Any) -> str:
    rejection = get(transaction, "gateway_rejection_reason")
    if rejection:
        return f"Gateway rejected: {rejection}"
    status = str(get(transaction, "status") or "").replace("_", " ")
    settling = get(transaction, "processor_settlement_response_text")
    return str(
        settling or (get(transaction, "processor_response_text") if status.endswith("declined") else "") or status
    )


def _code(said: Any, kind: Kind) -> DeclineCode:
    status = str(get(said, "status") or "")
    if status in ENDED_CODES:
        return DeclineCode.REFUND_DECLINED if kind == "refund" else ENDED_CODES[status]
    if rejection := get(said, "gateway_rejection_reason"):
        return standard_code(REJECTION, rejection)
    if kind == "refund":
        return DeclineCode.REFUND_DECLINED
    return standard_code(PROCESSOR, get(said, "processor_response_code"))


def snapshot(authorization: str, found: Any, parts: Sequence[Any], refunds: Sequence[Any]) -> Snapshot:
    """What one authorization came to: its parts (itself where there are none), and what was given back of them.

    A part is voided to give it back, and by nothing else of ours: it counts as taken and given back.
    """
    status = text(found, "status")
    undone = sum(amount_of(each) for each in parts if each is not found and each.status == "voided")
    ends = get(found, "authorization_expires_at") if status in ("authorized", "settlement_pending") else None
    return Snapshot(
        authorization=authorization,
        authorized_minor=0 if status in (*REFUSED, "authorizing") else authorized_of(found),
        captured_minor=undone + sum(amount_of(each) for each in parts if each.status in TAKEN),
        refunded_minor=undone
        + sum(amount_of(each) for each in refunds if each.status in (*TAKEN, "settlement_pending")),
        voided=status in ENDED,
        expires_at=aware(ends) if ends else None,
    )


def aware(moment: datetime) -> datetime:
    """The SDK's times are in UTC, and do not say so."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# Several deeds as one, and finding one among several


def reversed_by_void(transaction: Any, currency: str = "") -> Response:
    """A refund of what was not settled yet: the money never moved, which is as good."""
    answer = response(transaction, "void", currency=currency)
    return Response(
        outcome=answer.outcome,
        authorization=answer.authorization,
        reference=answer.reference,
        amount_minor=amount_of(transaction),
        params=answer.params,
    )


def is_reversal(sale: Any, deed: Any) -> bool:
    """Whether this deed took all of the sale back, without a key of its own: the sale voided, or a whole refund."""
    if deed is sale:
        return text(sale, "status") == "voided"
    return bool(get(deed, "order_id") == get(sale, "order_id") and amount_of(deed) == amount_of(sale))


def together(done: Sequence[Any], authorization: str) -> Response:
    """Refunds of several parts, which we asked for as one: named by the first."""
    answers = [each if isinstance(each, Response) else response(each, "refund") for each in done]
    good = [each for each in answers if each.outcome is not Outcome.DECLINED] or answers[:1]
    first = good[0]
    return Response(
        outcome=first.outcome,
        authorization=authorization,
        reference=first.reference,
        message=first.message,
        error_code=first.error_code,
        amount_minor=sum(each.amount_minor or 0 for each in good),
        params=first.params,
    )


def is_named(transaction: Any, options: GatewayOptions) -> bool:
    """Whether this deed carries our order id, and the key that we look for, if we look for one."""
    order, key, _ = order_and_key(get(transaction, "order_id"))
    return order == options.get("order_id", "") and options.get("idempotency_key", "") in ("", key)


def one_of(kind: Kind, found: Sequence[Any]) -> Response | None:
    """The attempt among those with its key: the one that was approved, else the newest."""
    answers = [response(each, kind) for each in found]
    return next((each for each in answers if each.success), answers[-1] if answers else None)


def card_of(said: Any) -> dict[str, Any]:
    """Brand, last four digits, month, year and name of what the SDK says of a card."""

    def named(*names: str) -> str:
        found = (said.get(name) if isinstance(said, Mapping) else get(said, name) for name in names)
        return str(next((value for value in found if value), ""))

    month, year = named("expiration_month"), named("expiration_year")
    return {
        "brand": named("card_type").lower(),
        "last_four": named("last_four", "last_4"),
        "month": int(month) if month.isdecimal() else None,
        "year": int(year) if year.isdecimal() else None,
        "name": named("cardholder_name"),
    }
