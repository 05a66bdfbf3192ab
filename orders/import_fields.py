"""One JSON object of an imported file, read field by field; every complaint names the field's place."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from payments.errors import InvalidAmount
from payments.money import Money, as_money

AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# Control characters end up in mail headers and terminals; PostgreSQL takes neither NUL nor half a surrogate pair.
UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class BadLine(Exception):
    """A line that cannot be imported: the field that is wrong ("" for the whole line), why, and what to do."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}" if field else message)


class Fields:
    """One JSON object of the line, and its place in it, which every complaint names."""

    def __init__(self, value: Any, place: str = "") -> None:
        if not isinstance(value, dict):
            raise BadLine(place, f"this is {_kind(value)}. Write a JSON object: {{…}}.")
        self._values, self._place = value, place

    def place(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name

    def refuse(self, name: str, message: str) -> NoReturn:
        raise BadLine(self.place(name), message)

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def text(self, name: str, *, longest: int, needed: bool = False) -> str:
        value = self.get(name)
        if value is None and not needed:
            return ""
        if not isinstance(value, str):
            self.refuse(name, f"this is {_kind(value)}. Write text in quotes.")
        if needed and not value.strip():
            self.refuse(name, "this is empty. It is needed.")
        unfit = UNFIT.search(value)
        if unfit:
            self.refuse(name, f"it contains the character U+{ord(unfit[0]):04X}. Take it out.")
        if len(value) > longest:
            self.refuse(name, f"it has {len(value)} characters. Shorten it to {longest} at most.")
        return value

    def whole(self, name: str, smallest: int, largest: int) -> int:
        value = self.get(name)
        if type(value) is not int or not smallest <= value <= largest:
            found = shown(str(value)) if type(value) is int else _kind(value)
            self.refuse(name, f"this is {found}. Write a whole number from {smallest} to {largest}.")
        return value

    def amount(self, name: str, currency: str, *, sign: int = 1) -> Money:
        """Money in major units, never negative (or, where `sign` is -1, never positive)."""
        if not isinstance(self.get(name), str):
            self.refuse(name, f'this is {_kind(self.get(name))}. Write the amount in quotes: "12.34".')
        written = self.text(name, longest=40)
        if not AMOUNT.fullmatch(written):
            self.refuse(name, f'{shown(written)} is no amount. Write it in plain digits: "12.34".')
        try:
            money = as_money(written, currency)
        except InvalidAmount as error:
            self.refuse(name, f"{error} Correct the amount or the currency.")
        if money.amount * sign < 0:
            self.refuse(name, f"{written} must not be {'negative' if sign > 0 else 'positive'}.")
        return money

    def object(self, name: str) -> Fields:
        return Fields(self.get(name), self.place(name))

    def objects(self, name: str) -> list[Fields]:
        values = self.get(name)
        if not isinstance(values, list):
            self.refuse(name, f"this is {_kind(values)}. Write a list: […].")
        if not values:
            self.refuse(name, "the list is empty. At least one is needed.")
        return [Fields(value, f"{self.place(name)}[{index}]") for index, value in enumerate(values)]


def shown(value: str) -> str:
    """A value of the file in quotes, short, and harmless on a terminal."""
    short = value if len(value) <= 40 else f"{value[:40]}…"
    return f"“{short}”" if short.isprintable() else ascii(short)


def _kind(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"
