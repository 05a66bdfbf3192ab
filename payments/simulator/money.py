"""The provider's own table of currencies: how many decimals each has (ISO 4217). Amounts are whole minor units."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

TWO_DECIMALS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW"
)
EXPONENTS = {
    **dict.fromkeys(TWO_DECIMALS.split(), 2),
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


def shown(amount: int, currency: str) -> str:
    """Minor units as people read them: 123456 USD is `1,234.56 USD`, 500 JPY is `500 JPY`."""
    decimals = EXPONENTS[currency]
    whole, rest = divmod(abs(amount), 10**decimals)
    sign = "-" if amount < 0 else ""
    tail = f".{rest:0{decimals}d}" if decimals else ""
    return f"{sign}{whole:,}{tail} {currency}"


def plain(amount: int, currency: str) -> str:
    """Minor units as a decimal number for files: 123456 USD is `1234.56`."""
    return shown(amount, currency).split(" ")[0].replace(",", "")


def parsed(text: str, currency: str) -> int:
    """The reverse, of what somebody typed: `12.34` EUR is 1234. Raises ValueError."""
    try:
        minor = Decimal(text.replace(",", "")).scaleb(EXPONENTS[currency])
    except InvalidOperation:
        raise ValueError(f"“{text}” is no amount.") from None
    if minor != minor.to_integral_value() or not 0 < minor < 10**15:
        raise ValueError(f"“{text}” is no amount in {currency}.")
    return int(minor)


def fee(amount: int, currency: str, *, per_mille: int, fixed: int) -> int:
    """What is kept of a capture, in minor units: a share, rounded down, and `fixed` hundredths of a unit."""
    unit: int = 10 ** EXPONENTS[currency]
    return min(amount, amount * per_mille // 1000 + fixed * unit // 100)
