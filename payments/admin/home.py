"""The numbers on the first page of the back office: five statements, whatever the size of the shop.

Each number is counted by the conditions of the list it links to, so that one explains the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.db.models import BigIntegerField, Case, CharField, Count, F, IntegerField, Q, Sum, Value, When
from django.db.models.functions import Cast, Round
from django.urls import reverse
from django.utils import timezone

from payments.admin.filters import AGES, aged, window
from payments.models import Operation, Payment
from payments.models.operation import UNANSWERED
from payments.models.states import State
from payments.money import Money, shown

DAYS = 14
TAKEN, REFUNDED = "captured", "refunded"  # As the list's filters call them.
KINDS = {"purchase": TAKEN, "capture": TAKEN, "refund": REFUNDED}
BUCKETS = ("0-1", "1-3", "3-6", "6-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A sum of money, the number of payments it is of, and the list that shows them."""

    money: Money
    count: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The figures of one currency, None where there is nothing."""

    currency: str
    figures: list[Figure | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    day: date
    taken: Figure
    refunded: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    waiting: list[Row]
    flows: list[Row]
    unanswered: int
    to_review: int
    week: date
    currencies: list[str]
    currency: str
    days: list[Day]


def home(wanted: str = "") -> Home:
    """What the first page shows now; `wanted` is the currency that somebody wants to see drawn."""
    today = timezone.localdate()
    week = today - timedelta(days=today.weekday())
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    sums, used = _sums_by_day(days)
    currencies = [currency for currency, _count in used.most_common()]
    currency = wanted if wanted in used else next(iter(currencies), "")
    return Home(
        waiting=_waiting(),
        flows=_flows(sums, today, week),
        unanswered=Operation._base_manager.filter(state__in=UNANSWERED).count(),
        to_review=Payment._base_manager.filter(~Q(review_reason="")).count(),
        week=week,
        currencies=sorted(currencies),
        currency=currency,
        days=[_day(sums, each, currency) for each in days] if currency else [],
    )


# Authorized and waiting for capture


def _waiting() -> list[Row]:
    """By currency: what is left to capture in all, then by age."""
    age = Case(*[When(aged(bounds), then=Value(bounds)) for bounds in BUCKETS], output_field=CharField())
    groups = (
        Payment._base_manager.filter(state=State.PENDING)
        .annotate(age=age)
        .values("currency", "age")
        .annotate(count=Count("pk"), sum=exact_sum(F("amount") - F("captured_amount")))
        .order_by()
    )
    cells: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for each in groups:
        cells[str(each["currency"])][each["age"] or ""] = (int(each["sum"]), each["count"])
    return [Row(currency=currency, figures=_by_age(currency, cells[currency])) for currency in sorted(cells)]


def _by_age(currency: str, cells: dict[str, tuple[int, int]]) -> list[Figure | None]:
    sums, counts = zip(*cells.values(), strict=True)
    figures: list[Figure | None] = [
        _figure(sum(sums), sum(counts), currency, state="pending", currency=currency),
    ]
    for bounds in BUCKETS:
        cell = cells.get(bounds)
        figures.append(_figure(*cell, currency, state="pending", currency=currency, age=bounds) if cell else None)
    return figures


# Taken and given back


def _sums_by_day(days: list[date]) -> tuple[dict[tuple[str, str, date], int], Counter[str]]:
    """What each day took and gave back by currency, and how often each currency was used."""
    number = Case(
        *[When(window("answered_at", None, each), then=Value(index)) for index, each in enumerate(days)],
        output_field=IntegerField(),
    )
    groups = (
        _done(days[0], days[-1])
        .annotate(day=number)
        .values("currency", "kind", "day")
        .annotate(sum=exact_sum(F("amount")), count=Count("pk"))
        .order_by()
    )
    sums: dict[tuple[str, str, date], int] = defaultdict(int)
    used: Counter[str] = Counter()
    for each in groups:
        currency = str(each["currency"])
        sums[currency, KINDS[each["kind"]], days[each["day"]]] += int(each["sum"])
        used[currency] += each["count"]
    return sums, used


def _flows(sums: dict[tuple[str, str, date], int], today: date, week: date) -> list[Row]:
    """By currency: taken today, taken this week, refunded today, refunded this week."""
    flow = Case(When(kind="refund", then=Value(REFUNDED)), default=Value(TAKEN), output_field=CharField())
    groups = (
        _done(week, today)
        .annotate(flow=flow)
        .values("currency", "flow")
        .annotate(
            today=Count("payment", distinct=True, filter=window("answered_at", today, today)),
            week=Count("payment", distinct=True),
        )
        .order_by()
    )
    cells: dict[str, dict[tuple[str, date], Figure]] = defaultdict(dict)
    for each in groups:
        currency, of = str(each["currency"]), each["flow"]
        for first, count in ((today, each["today"]), (week, each["week"])):
            total = sum(amount for key, amount in sums.items() if key[:2] == (currency, of) and key[2] >= first)
            # At the beginning of a week, it and today are one.
            if count:
                cells[currency][of, first] = _flow_figure(total, count, currency, of, first, today)
    columns = [(TAKEN, today), (TAKEN, week), (REFUNDED, today), (REFUNDED, week)]
    return [
        Row(currency=currency, figures=[cells[currency].get(column) for column in columns])
        for currency in sorted(cells)
    ]


def _done(first: date, last: date) -> Any:
    """Money that moved on these days, proved by the provider."""
    return Operation._base_manager.filter(window("answered_at", first, last), state="succeeded", kind__in=list(KINDS))


def _day(sums: dict[tuple[str, str, date], int], day: date, currency: str) -> Day:
    taken, refunded = (
        _flow_figure(sums.get((currency, of, day), 0), 0, currency, of, day, day) for of in (TAKEN, REFUNDED)
    )
    return Day(day=day, taken=taken, refunded=refunded)


def _flow_figure(total: int, count: int, currency: str, of: str, first: date, last: date) -> Figure:
    days = {f"{of}_from": first.isoformat(), f"{of}_to": last.isoformat()}
    return _figure(total, count, currency, currency=currency, **days)


# Sums


def exact_sum(amount: Any) -> Any:
    """In whole ten-thousandths: SQLite would add decimals as binary floats."""
    return Sum(Cast(Round(amount * Value(10_000)), BigIntegerField()))


def _figure(total: int, count: int, money_in: str, /, **parameters: str) -> Figure:
    money = Money(shown(Decimal(total).scaleb(-4), money_in), money_in)
    url = f"{reverse('admin:payments_payment_changelist')}?{urlencode(parameters)}"
    return Figure(money=money, count=count, url=url)


def age_names() -> Iterable[Any]:
    names = dict(AGES)
    return [names[bounds] for bounds in BUCKETS]
