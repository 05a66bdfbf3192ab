"""Amounts as Stripe counts them: mostly ISO 4217's minor units, and where not (docs.stripe.com/currencies)."""

from __future__ import annotations

from payments.errors import GatewayUnavailable, UnsupportedAction
from payments.money import exponent

# Presentment currencies. UGX stands both in the zero-decimal list and among the special cases, which prevail.
TAKEN = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP "
    "CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE "
    "SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW".split()
)
NO_DECIMALS = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
WHOLE_UNITS = frozenset(("ISK", "UGX"))  # Written with two decimals, which have to be 00.
THREE_DECIMALS = frozenset("BHD JOD KWD OMR TND".split())  # The last of which has to be 0.


def to_stripe(amount_minor: int, currency: str) -> int:
    """Our whole minor units as Stripe's. Raises UnsupportedAction for an amount that it cannot take exactly."""
    up, down = _ratio(currency)
    stripes, rest = divmod(amount_minor * up, down)
    step = _step(currency)
    if rest or stripes % step:
        raise UnsupportedAction(f"Stripe does not take {amount_minor} minor units of {currency}: it is too fine.")
    return stripes


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's whole minor units as ours. Raises GatewayUnavailable for an amount that we cannot count exactly."""
    code = currency.upper()
    if code not in TAKEN:
        raise GatewayUnavailable(f"Stripe answers in a currency that it does not take: {code[:10]}.")
    up, down = _ratio(code)
    ours, rest = divmod(amount * down, up)
    if rest:
        raise GatewayUnavailable(f"Stripe answers with a fraction of the smallest unit of {code}.")
    return ours


def stripe_exponent(currency: str) -> int:
    if currency in NO_DECIMALS:
        return 0
    return 3 if currency in THREE_DECIMALS else 2


def _ratio(currency: str) -> tuple[int, int]:
    """How many of Stripe's units (first) are how many of ours."""
    if currency not in TAKEN:
        raise UnsupportedAction(f"Stripe does not take {currency}.")
    finer = stripe_exponent(currency) - exponent(currency)
    return 10 ** max(finer, 0), 10 ** max(-finer, 0)


def _step(currency: str) -> int:
    if currency in WHOLE_UNITS:
        return 100
    return 10 if currency in THREE_DECIMALS else 1
