"""What only the clock notices, and somebody has to be told: customers who stay away, and holds that end soon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import CharField, Exists, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from payments.models import Operation, Payment, Reaction
from payments.models.announcing import ACTION_NEEDED, EXPIRING


def remind() -> int:
    """Queue what is new since the last time; how many. Running it twice, or beside itself, tells nobody twice."""
    return _queue(ACTION_NEEDED, _left_alone()) + _queue(EXPIRING, _ending_soon())


def _left_alone() -> QuerySet[Any]:
    """Attempts whose customer was to act a while ago and has not."""
    away = timedelta(minutes=settings.PAYMENTS.get("ACTION_NEEDED_MINUTES", 10))
    waiting = Operation.objects.filter(
        state=Operation.State.WAITING,
        next_action__isnull=False,
        payment__state=Payment.State.PROCESSING,
        created_at__lte=timezone.now() - away,
    )
    return waiting.annotate(told_as=_key(F("payment__number"), F("pk")))  # type: ignore[no-any-return]


def _ending_soon() -> QuerySet[Any]:
    """Payments whose hold lives, and ends before long. Of a pending payment that is the newest authorization."""
    now, soon = timezone.now(), timedelta(hours=settings.PAYMENTS.get("EXPIRING_HOURS", 24))
    holds = Operation.objects.filter(payment=OuterRef("pk"), kind="authorize", state=Operation.State.SUCCEEDED)
    hold = Subquery(holds.order_by("-sequence").values("pk")[:1])
    pending = Payment.objects.filter(state=Payment.State.PENDING, capture_by__gt=now, capture_by__lte=now + soon)
    return pending.annotate(told_as=_key(F("number"), hold))  # type: ignore[no-any-return]


def _key(number: Any, operation: Any) -> Concat:
    """As `announcing.key_of` writes it."""
    return Concat(number, Value("-"), Cast(operation, CharField()), output_field=CharField())


def _queue(topic: str, found: QuerySet[Any]) -> int:
    if not settings.REACTIONS.get(topic):
        return 0
    told = Reaction.objects.filter(topic=topic, key=OuterRef("told_as"))
    keys = list(found.filter(~Exists(told)).order_by("pk").values_list("told_as", flat=True))
    for key in keys:
        Reaction.objects.queue(topic, key)
    return len(keys)
