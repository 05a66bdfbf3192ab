"""Which payments a batch is about, as the command line says it; what cannot be is refused before anything runs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_current_timezone, is_aware, make_aware

from payments.batch import Selection
from payments.models import PaymentMethod

COULD_NOT_RUN = 3


def add_selection(parser: ArgumentParser) -> None:
    chosen = parser.add_argument_group("which payments")
    chosen.add_argument("--method", action="append", default=[], metavar="CODE", help="of this payment method")
    chosen.add_argument("--currency", default="", metavar="CODE", help="in this currency, as USD")
    chosen.add_argument("--older-than", metavar="DAYS", type=float, help="made at least so many days ago")
    chosen.add_argument("--capture-by", metavar="DATE", help="whose hold ends by then: 2026-12-24 or 2026-12-24T18:00")
    chosen.add_argument("--shipped", action="store_true", help="of orders that are marked as shipped")
    chosen.add_argument("--amount-from", metavar="AMOUNT", help="of at least this amount")
    chosen.add_argument("--amount-to", metavar="AMOUNT", help="of at most this amount")
    chosen.add_argument("--orders", metavar="FILE", help="of these orders, a number a line; “-” is standard input")


def refuse(message: str) -> NoReturn:
    raise CommandError(message, returncode=COULD_NOT_RUN)


def selection(options: dict[str, Any]) -> Selection:
    unknown = set(options["method"]) - set(PaymentMethod.objects.values_list("code", flat=True))
    if unknown:
        refuse(f"There is no payment method {', '.join(sorted(unknown))}.")
    days = options["older_than"]
    return Selection(
        methods=options["method"],
        currency=options["currency"].upper(),
        older_than=None if days is None else timedelta(days=days),
        capture_by=_time(options["capture_by"]),
        shipped=options["shipped"],
        amount_from=_amount(options["amount_from"]),
        amount_to=_amount(options["amount_to"]),
        orders=_orders(options["orders"]),
    )


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        date = parse_date(text)
        found = datetime.combine(date + timedelta(days=1), time.min) if date else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        refuse(f"“{text}” is no date: write 2026-12-24 or 2026-12-24T18:00.")
    return found if is_aware(found) else make_aware(found, get_current_timezone())


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        refuse(f"“{text}” is no amount: write it as 12.50.")
    return amount


def _orders(name: str | None) -> list[str]:
    if name is None:
        return []
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"The list of orders cannot be read: {error}")
    numbers = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not numbers:
        refuse("The list of orders is empty.")
    return numbers


def rates(given: list[str]) -> dict[str, float]:
    found = {}
    for each in given:
        code, _equals, number = each.rpartition("=")
        try:
            found[code] = float(number)
        except ValueError:
            found[code] = 0
        if not 0 < found[code] < float("inf"):
            refuse(f"“{each}” is no rate: write 25 or CODE=25, in requests a second.")
    return found
