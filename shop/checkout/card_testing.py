"""Thieves try out stolen cards at a checkout: so many refusals, by card, order and IP address, and no more.

The rows of PaymentAttempt are the truth, whichever worker is asked; how many are too many is a setting, in the
notation of the library `limits`: "4/hour;8/day".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from limits import RateLimitItem, parse_many

from payments.models import CreditCard, Operation, Payment
from shop.checkout.visitor import network_of
from shop.models import PaymentAttempt

Limit = PaymentAttempt.Limit
SETTINGS = {Limit.CARD: "DECLINES_PER_CARD", Limit.ORDER: "DECLINES_PER_ORDER", Limit.ADDRESS: "DECLINES_PER_IP"}
UNDER_WAY = timedelta(minutes=2)  # For so long one that has no answer counts as if it were refused.
MOST = 1_000  # Rows looked at, newest first: more than any limit.


class TooManyDeclines(Exception):
    """No provider was asked. `retry_after` is in seconds."""

    def __init__(self, limit: str, retry_after: int) -> None:
        self.limit = limit
        self.retry_after = retry_after
        self.minutes = math.ceil(retry_after / 60)
        super().__init__(f"Too many refusals for {limit}: try again in {retry_after} s.")


def fingerprint(source: Any) -> str:
    """What stands for a card in the table: a keyed hash of what receipts show of it, or of its token."""
    if not isinstance(source, CreditCard):
        return ""
    told = [source.brand, source.last_four, source.month, source.year] if source.last_four else [source.token]
    return salted_hmac("shop.card", "|".join(str(each) for each in told), algorithm="sha256").hexdigest()[:32]


def admit(payment: Payment, *, ip: str | None) -> None:
    """Write down that this payment is about to be tried. Raises TooManyDeclines, and the row says by which limit.

    Written before it is counted, so that many at the same moment see each other.
    """
    if payment.source is None:
        return  # Nobody will be asked.
    values = {
        "order_id": payment.order_id,
        "ip": network_of(ip),
        "fingerprint": fingerprint(payment.source),
        "stopped_by": "",
    }
    attempt, _is_new = PaymentAttempt.objects.update_or_create(payment=payment, defaults=values)
    stopped = next(_exceeded(attempt), None)
    if stopped is not None:
        attempt.stopped_by = stopped.limit
        attempt.save(update_fields=["stopped_by"])
        raise stopped


def _exceeded(attempt: PaymentAttempt) -> Iterator[TooManyDeclines]:
    now = timezone.now()
    rows = _refused_like(attempt, now)
    mine = {Limit.CARD: attempt.fingerprint, Limit.ORDER: attempt.order_id, Limit.ADDRESS: attempt.ip}
    for position, (limit, value) in enumerate(mine.items()):
        times = [row[3] for row in rows if value and row[position] == value]
        for item in limit_of(limit):
            since = now - timedelta(seconds=item.get_expiry())
            inside = [at for at in times if at > since]
            if len(inside) >= item.amount:
                free_at = inside[item.amount - 1] + timedelta(seconds=item.get_expiry())
                yield TooManyDeclines(limit, max(1, math.ceil((free_at - now).total_seconds())))


def limit_of(limit: str) -> list[RateLimitItem]:
    """What the site allows, "" for no limit."""
    said = str(settings.CHECKOUT[SETTINGS[Limit(limit)]])
    return parse_many(said) if said else []


def _refused_like(attempt: PaymentAttempt, now: datetime) -> list[tuple[Any, ...]]:
    """(card, order, IP, time) of what was refused, newest first; what staff have lifted aside."""
    longest = max((item.get_expiry() for limit in Limit for item in limit_of(limit)), default=0)
    alike = Q(order=attempt.order_id)
    if attempt.fingerprint:
        alike |= Q(fingerprint=attempt.fingerprint)
    if attempt.ip:
        alike |= Q(ip=attempt.ip)
    refused = Operation._base_manager.filter(
        payment=OuterRef("payment"), kind__in=("authorize", "purchase"), state=Operation.State.DECLINED
    )
    open_states = (Payment.State.CHECKOUT, Payment.State.PROCESSING)
    under_way = Q(payment__state__in=open_states, created_at__gt=now - UNDER_WAY, pk__lt=attempt.pk)
    found = PaymentAttempt.objects.filter(
        alike,
        Exists(refused) | under_way,
        created_at__gt=now - timedelta(seconds=longest),
        lifted_at=None,
        stopped_by="",
    ).exclude(pk=attempt.pk)
    return list(found.order_by("-created_at").values_list("fingerprint", "order_id", "ip", "created_at")[:MOST])
