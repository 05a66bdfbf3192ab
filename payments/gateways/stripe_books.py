"""Stripe's own books, as our records: balance transactions, and beside them what moves no money."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from payments.gateways import stripe_words as words
from payments.gateways.base import Record, RecordKind
from payments.gateways.stripe_amounts import TAKEN, WHOLE_UNITS, from_stripe, stripe_exponent
from payments.gateways.stripe_notices import order_of

DAY = timedelta(days=1)
KINDS: dict[str, RecordKind] = {
    "charge": "capture",
    "refund": "refund",
    "partial_capture_reversal": "refund",
    "refund_failure": "refund_failed",
    "dispute": "dispute",
    "dispute_reversal": "dispute_won",
}
Pages = Callable[..., Iterator[Mapping[str, Any]]]


def days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The window day by day: Stripe lists the newest first, so a day has to be read before its first line is known."""
    begin, end = since.astimezone(UTC), until.astimezone(UTC)
    while begin < end:
        yield begin, min(begin + DAY, end)
        begin += DAY


def within(begin: datetime, end: datetime) -> dict[str, int]:
    """The same in whole seconds, which is all that Stripe's `created` has."""
    return {"gte": _up(begin), "lt": _up(end)}


def _up(moment: datetime) -> int:
    whole = moment.replace(microsecond=0)
    return int(whole.timestamp()) + (1 if moment.microsecond else 0)


def holds(charges: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    """A charge that succeeded was authorized, whatever became of it."""
    for charge in charges:
        if charge.get("status") == "succeeded" and words.name_of(charge.get("payment_intent")):
            yield _record("authorize", charge, charge, reference=words.text(charge, "id"))


def voids(events: Iterable[Mapping[str, Any]]) -> Iterator[Record]:
    for event in events:
        intent = words.expanded(words.expanded(event.get("data")).get("object"))
        if words.name_of(intent.get("latest_charge")):  # Else nothing was held.
            handle = words.text(intent, "id")
            yield _record("void", intent, event, reference=handle, authorization=handle)


def moves(transactions: Iterable[Mapping[str, Any]], all_of: Pages) -> Iterator[Record]:
    for line in transactions:
        source = words.expanded(line.get("source"))
        kind = KINDS.get(str(line.get("reporting_category")))
        if kind is None or not words.name_of(source.get("payment_intent")):
            continue  # A payout, a fee, or a charge that no intent made.
        reference, amount = words.text(source, "id"), None
        if kind == "capture":
            reference, amount = _capture(line, source, all_of)
        yield _record(kind, source, line, reference=reference, amount=amount, fee=line)


def _capture(line: Mapping[str, Any], charge: Mapping[str, Any], all_of: Pages) -> tuple[str, int | None]:
    """The name and the amount of one capture, of a charge that may have several."""
    name, total = words.text(charge, "id"), words.whole(charge, "amount_captured")
    currency, before = words.text(charge, "currency").upper(), 0
    several = words.expanded(words.card_of(charge).get("multicapture")).get("status") == "available"
    if not several or line.get("amount") == total:
        return name, total
    newest_first = [each for each in all_of(source=name) if each.get("reporting_category") == "charge"]
    for each in reversed(newest_first):
        if each.get("id") == line.get("id"):
            break
        before += _in(currency, each, "amount")
    amount = _in(currency, line, "amount")
    return words.capture_reference(name, before, before + amount), amount


def _record(
    kind: RecordKind,
    said: Mapping[str, Any],
    dated: Mapping[str, Any],
    *,
    reference: str,
    authorization: str = "",
    amount: int | None = None,
    fee: Mapping[str, Any] | None = None,
) -> Record:
    currency = words.text(said, "currency").upper()
    stripes = words.whole(said, "amount") if amount is None else amount
    return Record(
        kind=kind,
        reference=reference,
        amount_minor=from_stripe(stripes, currency),
        fee_minor=_fee(fee, currency) if fee else 0,
        currency=currency,
        authorization=authorization or words.name_of(said.get("payment_intent")),
        order_id=order_of(said),
        occurred_at=words.moment(dated.get("created")) or datetime.fromtimestamp(0, UTC),
    )


def _fee(line: Mapping[str, Any], currency: str) -> int:
    """The fee in our minor units, whole ones where the currency has no others."""
    fee = _in(currency, line, "fee")
    step = 100 if currency in WHOLE_UNITS else 1
    whole = from_stripe(abs(fee) // step * step, currency)
    return whole if fee >= 0 else -whole


def _in(currency: str, line: Mapping[str, Any], name: str) -> int:
    """An amount of a balance transaction in the charge's currency, at the rate by which Stripe has exchanged it."""
    amount, settled = int(line.get(name) or 0), str(line.get("currency") or "").upper()
    rate = Decimal(str(line.get("exchange_rate") or 1))
    if settled == currency or settled not in TAKEN:
        return amount
    apart = stripe_exponent(currency) - stripe_exponent(settled)
    return int((Decimal(amount).scaleb(apart) / rate).quantize(Decimal(1), ROUND_HALF_UP))
