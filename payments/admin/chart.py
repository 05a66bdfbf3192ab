"""A small chart as plain numbers, which a template writes as SVG: pairs of bars, one pair a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from payments.admin.home import Day, Figure
from payments.money import Money, shown

LEFT, TOP, HEIGHT, BOTTOM = 84, 12, 160, 28
STEP, BAR, GAP = 44, 16, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    figure: Figure
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    day: Day
    label_x: int
    taken: Bar
    refunded: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    money: Money
    y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    width: int
    height: int
    left: int
    right: int
    bar: int
    label_y: int
    ticks: list[Tick]
    pairs: list[Pair]


def chart(days: Sequence[Day]) -> Chart | None:
    """None where nothing moved: an empty chart says less than a sentence."""
    highest = max((figure.money.amount for day in days for figure in (day.taken, day.refunded)), default=Decimal(0))
    if not highest:
        return None
    top = round_up(highest)
    currency = days[0].taken.money.currency.code
    ticks = [_tick(top * half / 2, HEIGHT * half // 2, currency) for half in (0, 1, 2)]
    right = LEFT + STEP * len(days)
    return Chart(
        width=right + GAP,
        height=TOP + HEIGHT + BOTTOM,
        left=LEFT,
        right=right,
        bar=BAR,
        label_y=TOP + HEIGHT + 18,
        ticks=[tick for tick in ticks if tick],
        pairs=[_pair(day, LEFT + STEP * index, top) for index, day in enumerate(days)],
    )


def round_up(amount: Decimal) -> Decimal:
    """The next 1, 2, 4 or 10 times a power of ten: halves of these are short to write."""
    power = Decimal(1).scaleb(amount.adjusted())
    return next(power * factor for factor in (1, 2, 4, 10) if power * factor >= amount)


def _tick(amount: Decimal, height: int, currency: str) -> Tick | None:
    """None for an amount that the currency cannot write: there is no half yen."""
    written = shown(amount, currency)
    return Tick(money=Money(written, currency), y=TOP + HEIGHT - height) if written == amount else None


def _pair(day: Day, x: int, top: Decimal) -> Pair:
    first = x + (STEP - 2 * BAR - GAP) // 2
    return Pair(
        day=day,
        label_x=x + STEP // 2,
        taken=_bar(day.taken, first, top),
        refunded=_bar(day.refunded, first + BAR + GAP, top),
    )


def _bar(figure: Figure, x: int, top: Decimal) -> Bar:
    amount = figure.money.amount
    height = max(int(amount * HEIGHT / top), 1) if amount else 0  # A cent is seen, too.
    return Bar(figure=figure, x=x, y=TOP + HEIGHT - height, height=height)
