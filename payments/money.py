"""Money <-> whole minor units, by each currency's exponent (ISO 4217): the only place that converts."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache

from djmoney.money import Money
from moneyed import CURRENCIES as KNOWN

from payments.errors import InvalidAmount

__all__ = ["Money", "as_money", "exponent", "from_minor", "quantize", "shown", "to_minor"]

NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())
FOUR_DECIMALS = frozenset("CLF UYW".split())
NOT_MONEY = frozenset("XAG XAU XBA XBB XBC XBD XDR XFO XFU XPD XPT XSU XTS XUA XXX XYZ".split())

# SQLite keeps fifteen digits of a decimal exactly: eleven before the point and four behind it.
LARGEST = Decimal("99999999999.9999")


@cache
def exponent(currency: str) -> int:
    """How many decimals a currency has: JPY 0, EUR 2, KWD 3. Raises InvalidAmount for no currency of ours."""
    code = str(currency)
    if code not in KNOWN or code in NOT_MONEY:
        raise InvalidAmount(f"“{code}” is not a currency that can be charged. Use an ISO 4217 code.")
    if code in NO_DECIMALS:
        return 0
    if code in THREE_DECIMALS:
        return 3
    return 4 if code in FOUR_DECIMALS else 2


@cache
def _step(currency: str) -> Decimal:
    return Decimal(1).scaleb(-exponent(currency))


def quantize(amount: Decimal, currency: str) -> Decimal:
    """The same amount, written with exactly its currency's decimals. Raises InvalidAmount if that would round."""
    if not amount.is_finite():
        raise InvalidAmount(f"“{amount}” is not an amount of money.")
    if abs(amount) > LARGEST:
        raise InvalidAmount(f"{amount} {currency} is more than an account can hold.")
    exact = amount.quantize(_step(str(currency)))
    if exact != amount:
        raise InvalidAmount(f"{amount} is finer than {currency} allows ({exponent(str(currency))} decimals).")
    return exact


def shown(amount: Decimal, currency: str) -> Decimal:
    """An amount as it was stored, with its currency's decimals."""
    return amount.quantize(_step(currency))


def as_money(value: Money | Decimal | str | int, currency: str) -> Money:
    """Money in `currency` from Money, Decimal, int or a decimal string (major units).

    Raises InvalidAmount for another currency, for text that is no number and for an amount that does not fit
    the currency's exponent; TypeError for a binary float.
    """
    if isinstance(value, Money):
        if value.currency.code != str(currency):
            raise InvalidAmount(f"{value.currency.code} was given where {currency} is needed.")
        return Money(quantize(value.amount, currency), currency)
    if isinstance(value, (float, bool)) or not isinstance(value, (Decimal, str, int)):
        raise TypeError(f"An amount is Money, Decimal, int or a decimal string, not {type(value).__name__}.")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise InvalidAmount(f"“{value}” is not an amount of money.") from None
    return Money(quantize(amount, currency), currency)


def to_minor(money: Money) -> int:
    """Whole minor units of Money: 12.34 EUR → 1234, 500 JPY → 500. Raises InvalidAmount if it is finer."""
    code = money.currency.code
    return int(quantize(money.amount, code).scaleb(exponent(code)))


def from_minor(amount_minor: int, currency: str) -> Money:
    """Money from whole minor units: 1234, "EUR" → 12.34 EUR. Raises TypeError for anything but an int."""
    if isinstance(amount_minor, bool) or not isinstance(amount_minor, int):
        raise TypeError(f"Minor units are whole: an int is needed, not {type(amount_minor).__name__}.")
    code = str(currency)
    return Money(quantize(Decimal(amount_minor).scaleb(-exponent(code)), code), code)
