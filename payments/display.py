"""How an amount reads to people: exactly its currency's decimals, written as the reader's language writes money."""

from __future__ import annotations

import re
from copy import copy
from functools import cache

from babel import Locale
from babel.numbers import NumberPattern
from django.utils.translation import get_language, to_locale

from payments.money import Money, exponent

NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"
CODE_MEETS_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def money_text(money: Money) -> str:
    """12.34 EUR → “€12.34”, 500 JPY → “¥500”, 1.250 KWD → “KWD 1.250”: never rounded.

    `str(Money)` follows the habits of daily life instead, and drops the cents of some currencies.
    """
    code = money.currency.code
    locale, pattern = _pattern(get_language() or "en", exponent(code))
    written: str = pattern.apply(money.amount, locale, currency=code, currency_digits=False)
    return CODE_MEETS_DIGIT.sub(NO_BREAK_SPACE, written)


@cache
def _pattern(language: str, decimals: int) -> tuple[Locale, NumberPattern]:
    locale = Locale.parse(to_locale(language))
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return locale, pattern
