"""One line of an order file, read into plain data that is known to be right. Nothing here asks the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_ipv46_address
from django.db import models

from orders.countries import COUNTRIES
from orders.import_fields import BadLine, Fields, shown
from orders.models import Address, Adjustment, LineItem, Order
from payments.errors import InvalidAmount
from payments.models import CreditCard
from payments.models.credit_card import passes_check_digit
from payments.money import Money, exponent

# How an order of the file may be paid, and whether that takes a card.
TAKES_CARD = {"card": True, "card-autocapture": True, "check": False}
ADDRESS_FIELDS = ("name", "address1", "address2", "city", "state", "zip", "country", "phone")
LARGEST_QUANTITY = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CardData:
    number: str = field(repr=False)
    verification_value: str = field(repr=False)
    month: int
    year: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineData:
    sku: str
    name: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderData:
    """An order as the file has it. `totals` has the six sums under the names they have on Order."""

    number: str
    email: str
    currency: str
    ip: str | None
    placed_at: datetime
    lines: tuple[LineData, ...]
    totals: Mapping[str, Money]
    promo_code: str
    bill_address: Mapping[str, str]
    ship_address: Mapping[str, str]
    method: str
    card: CardData | None


def read_order(raw: bytes) -> OrderData:
    """Read one line. Raises BadLine at the first thing that is wrong."""
    order = Fields(_parse(raw))
    currency = _currency(order)
    number = _number(order)
    email = _email(order)
    ip, placed_at = _ip(order), _placed_at(order)
    lines = tuple(_line(each, currency) for each in order.objects("lines"))
    promo_code = order.text("promo_code", longest=longest(Adjustment, "label") - len("Promotion "))
    totals = _totals(order, lines, currency)
    bill_address, ship_address = (_address(order.object(name)) for name in ("bill_address", "ship_address"))
    method, card = _payment(order.object("payment"))
    return OrderData(
        number=number,
        email=email,
        currency=currency,
        ip=ip,
        placed_at=placed_at,
        lines=lines,
        totals=totals,
        promo_code=promo_code,
        bill_address=bill_address,
        ship_address=ship_address,
        method=method,
        card=card,
    )


def _parse(raw: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise BadLine("", f"{constant} is not JSON. Write amounts as text in quotes.")

    try:
        return json.loads(raw.strip().decode("utf-8-sig"), parse_constant=refuse)
    except UnicodeDecodeError:
        raise BadLine("", "this is not UTF-8. Save the file as UTF-8 text, uncompressed.") from None
    except json.JSONDecodeError as error:
        message = f"this is not JSON: {error.msg} at character {error.pos + 1}. Write one whole JSON object a line."
        raise BadLine("", message) from None
    except (ValueError, RecursionError):  # A number of thousands of digits; brackets without end.
        raise BadLine("", "this is no order: its JSON has no sane size. Write one order a line.") from None


def longest(model: type[models.Model], name: str) -> int:
    return model._meta.get_field(name).max_length  # type: ignore[union-attr, return-value]


def _number(order: Fields) -> str:
    number = order.text("number", longest=longest(Order, "number"), needed=True)
    if not re.fullmatch("[A-Za-z0-9-]+", number):
        order.refuse("number", f"{shown(number)} is no order number. Use letters, digits and hyphens.")
    return number


def _email(order: Fields) -> str:
    email = order.text("email", longest=longest(Order, "email"), needed=True)
    try:
        validate_email(email)
    except ValidationError:
        order.refuse("email", f"{shown(email)} is no e-mail address. Write it as name@example.com.")
    return email


def _currency(order: Fields) -> str:
    currency = order.text("currency", longest=3, needed=True)
    try:
        exponent(currency)
    except InvalidAmount as error:
        order.refuse("currency", str(error))
    return currency


def _ip(order: Fields) -> str | None:
    ip = order.text("ip", longest=45)
    try:
        if ip:
            validate_ipv46_address(ip)
    except ValidationError:
        order.refuse("ip", f"{shown(ip)} is no IP address. Correct it or leave it empty.")
    return ip or None


def _placed_at(order: Fields) -> datetime:
    written = order.text("placed_at", longest=40, needed=True)
    try:
        placed_at = datetime.fromisoformat(written)
        if placed_at.tzinfo is None:
            order.refuse("placed_at", f'{shown(written)} has no time zone. Add it: "+00:00" or "Z".')
        return placed_at.astimezone(UTC)
    except (ValueError, OverflowError):
        example = "2026-11-14T08:05:52+00:00"
        order.refuse("placed_at", f'{shown(written)} is no date with time. Write it as "{example}".')


def _line(line: Fields, currency: str) -> LineData:
    return LineData(
        sku=line.text("sku", longest=longest(LineItem, "sku")),
        name=line.text("name", longest=longest(LineItem, "name"), needed=True),
        quantity=line.whole("quantity", 1, LARGEST_QUANTITY),
        unit_price=line.amount("unit_price", currency),
    )


def _totals(order: Fields, lines: tuple[LineData, ...], currency: str) -> dict[str, Money]:
    shipping, tax, included, item, total = (
        order.amount(name, currency)
        for name in ("shipment_total", "additional_tax_total", "included_tax_total", "item_total", "total")
    )
    promotion = order.amount("promo_total", currency, sign=-1)
    of_lines = sum((line.unit_price.amount * line.quantity for line in lines), Decimal(0))
    if item.amount != of_lines:
        order.refuse("item_total", f"it says {item.amount}, but the lines come to {of_lines}. Correct either.")
    added_up = item.amount + shipping.amount + tax.amount + promotion.amount
    if total.amount != added_up:
        parts = "item_total + shipment_total + additional_tax_total + promo_total"
        order.refuse("total", f"it says {total.amount}, but {parts} = {added_up}. Correct either.")
    if included > item + shipping:
        order.refuse("included_tax_total", f"{included.amount} is more than the prices that include it.")
    return {
        "item_total": item,
        "shipment_total": shipping,
        "additional_tax_total": tax,
        "included_tax_total": included,
        "promo_total": promotion,
        "total": total,
    }


def _address(address: Fields) -> dict[str, str]:
    needed = ("name", "country")
    values = {
        name: address.text(name, longest=longest(Address, name), needed=name in needed) for name in ADDRESS_FIELDS
    }
    if values["country"] not in COUNTRIES:
        address.refuse("country", f"{shown(values['country'])} is no ISO 3166 country code, such as SE.")
    return values


def _payment(payment: Fields) -> tuple[str, CardData | None]:
    method = payment.text("method", longest=50, needed=True)
    if method not in TAKES_CARD:
        payment.refuse("method", f"{shown(method)} is unknown. Use one of: {', '.join(TAKES_CARD)}.")
    if TAKES_CARD[method]:
        return method, _card(payment.object("card"))
    if payment.get("card") is not None:
        payment.refuse("card", f"a {method} has no card. Leave it out, or correct the method.")
    return method, None


def _card(card: Fields) -> CardData:
    """The number and the security code appear in no complaint (law 7)."""
    number = card.text("number", longest=40, needed=True).replace(" ", "").replace("-", "")
    if not re.fullmatch("[0-9]{12,19}", number):
        card.refuse("number", "this is no card number. Write its 12 to 19 digits.")
    if not passes_check_digit(number):
        card.refuse("number", "its check digit is wrong. A digit was mistyped; correct it.")
    code = card.text("verification_value", longest=40)
    if not re.fullmatch("([0-9]{3,4})?", code):
        card.refuse("verification_value", "this is no security code. Write its 3 or 4 digits.")
    return CardData(
        number=number,
        verification_value=code,
        month=card.whole("month", 1, 12),
        year=card.whole("year", 2000, 2199),
        name=card.text("name", longest=longest(CreditCard, "name")),
    )
