"""Why Braintree says no, in our codes: processors by number, the gateway by reason, validation by number."""

from __future__ import annotations

from payments.gateways.codes import DeclineCode

# Processor responses: 2000-2999 are declines, 3000 is the network's own trouble.
PROCESSOR = {
    "2000": DeclineCode.CALL_ISSUER,  # Do not honor
    "2001": DeclineCode.INSUFFICIENT_FUNDS,
    "2002": DeclineCode.INSUFFICIENT_FUNDS,  # Limit exceeded
    "2003": DeclineCode.VELOCITY_EXCEEDED,
    "2004": DeclineCode.EXPIRED_CARD,
    "2005": DeclineCode.INVALID_NUMBER,
    "2006": DeclineCode.INVALID_EXPIRY_DATE,
    "2007": DeclineCode.INCORRECT_NUMBER,  # No account
    "2008": DeclineCode.INVALID_NUMBER,  # Account length error
    "2009": DeclineCode.INCORRECT_NUMBER,  # No such issuer
    "2010": DeclineCode.INCORRECT_CVC,
    "2011": DeclineCode.CALL_ISSUER,
    "2012": DeclineCode.PICKUP_CARD,
    "2013": DeclineCode.PICKUP_CARD,
    "2014": DeclineCode.SUSPECTED_FRAUD,
    "2016": DeclineCode.VELOCITY_EXCEEDED,  # Duplicate transaction
    "2021": DeclineCode.SUSPECTED_FRAUD,  # Security violation
    "2023": DeclineCode.UNSUPPORTED_FEATURE,
    "2024": DeclineCode.UNSUPPORTED_FEATURE,  # Card type not enabled
    "2025": DeclineCode.CONFIG_ERROR,
    "2026": DeclineCode.CONFIG_ERROR,
    "2027": DeclineCode.CONFIG_ERROR,
    "2028": DeclineCode.CONFIG_ERROR,
    "2029": DeclineCode.CONFIG_ERROR,
    "2030": DeclineCode.CONFIG_ERROR,
    "2031": DeclineCode.PROCESSING_ERROR,  # Encryption error
    "2041": DeclineCode.CALL_ISSUER,
    "2043": DeclineCode.CALL_ISSUER,
    "2044": DeclineCode.CALL_ISSUER,
    "2045": DeclineCode.CONFIG_ERROR,
    "2047": DeclineCode.PICKUP_CARD,
    "2048": DeclineCode.INVALID_AMOUNT,
    "2051": DeclineCode.INCORRECT_NUMBER,
    "2053": DeclineCode.PICKUP_CARD,
    "2058": DeclineCode.CONFIG_ERROR,
    "2059": DeclineCode.INCORRECT_ADDRESS,
    "2060": DeclineCode.INCORRECT_CVC,  # Address and security code
    "2064": DeclineCode.UNSUPPORTED_FEATURE,  # Currency
    "2067": DeclineCode.AUTHORIZATION_EXPIRED,
    "2085": DeclineCode.SUSPECTED_FRAUD,
    "2099": DeclineCode.AUTHENTICATION_FAILED,
    "3000": DeclineCode.PROCESSING_ERROR,
}
# What the gateway refuses before, or in spite of, the processor.
REJECTION = {
    "application_incomplete": DeclineCode.CONFIG_ERROR,
    "avs": DeclineCode.INCORRECT_ADDRESS,
    "avs_and_cvv": DeclineCode.INCORRECT_CVC,
    "cvv": DeclineCode.INCORRECT_CVC,
    "duplicate": DeclineCode.VELOCITY_EXCEEDED,
    "excessive_retry": DeclineCode.VELOCITY_EXCEEDED,
    "fraud": DeclineCode.SUSPECTED_FRAUD,
    "risk_threshold": DeclineCode.SUSPECTED_FRAUD,
    "three_d_secure": DeclineCode.AUTHENTICATION_FAILED,
    "token_issuance": DeclineCode.CARD_DECLINED,
}
# Validation errors: nothing was done.
VALIDATION = {
    "81501": DeclineCode.INVALID_AMOUNT,
    "81502": DeclineCode.INVALID_AMOUNT,
    "81503": DeclineCode.INVALID_AMOUNT,
    "81528": DeclineCode.INVALID_AMOUNT,
    "81531": DeclineCode.INVALID_AMOUNT,
    "815193": DeclineCode.INVALID_AMOUNT,
    "81571": DeclineCode.AUTHENTICATION_FAILED,
    "91504": DeclineCode.WRONG_STATE,
    "91505": DeclineCode.WRONG_STATE,
    "91506": DeclineCode.WRONG_STATE,  # Not settled yet
    "91507": DeclineCode.WRONG_STATE,
    "91511": DeclineCode.NOT_FOUND,
    "91512": DeclineCode.ALREADY_REFUNDED,
    "91513": DeclineCode.CONFIG_ERROR,  # Merchant account
    "91514": DeclineCode.CONFIG_ERROR,
    "91516": DeclineCode.NOT_FOUND,  # Not this customer's
    "91517": DeclineCode.UNSUPPORTED_FEATURE,
    "91518": DeclineCode.NOT_FOUND,
    "91521": DeclineCode.INVALID_AMOUNT,
    "91522": DeclineCode.INVALID_AMOUNT,
    "91538": DeclineCode.CONFIG_ERROR,
    "91547": DeclineCode.UNSUPPORTED_FEATURE,
    "91559": DeclineCode.CONFIG_ERROR,
    "91564": DeclineCode.NOT_FOUND,  # A nonce is good for once
    "91565": DeclineCode.NOT_FOUND,
    "91566": DeclineCode.NOT_FOUND,
    "91567": DeclineCode.UNSUPPORTED_FEATURE,
    "91574": DeclineCode.WRONG_STATE,  # Settling
    "91577": DeclineCode.UNSUPPORTED_FEATURE,
    "91579": DeclineCode.AUTHORIZATION_EXPIRED,
    "93104": DeclineCode.INVALID_REQUEST,
    "93105": DeclineCode.NOT_FOUND,
    "93107": DeclineCode.NOT_FOUND,
    "93108": DeclineCode.NOT_FOUND,
    "93109": DeclineCode.NOT_FOUND,
    "915101": DeclineCode.UNSUPPORTED_FEATURE,
    "915102": DeclineCode.UNSUPPORTED_FEATURE,  # Several captures
    "915103": DeclineCode.WRONG_STATE,
    "915104": DeclineCode.UNSUPPORTED_FEATURE,
    "915200": DeclineCode.REFUND_DECLINED,
    "915201": DeclineCode.REFUND_DECLINED,
    "915231": DeclineCode.CONFIG_ERROR,  # This account may not use request keys
    "915282": DeclineCode.WRONG_STATE,
    "95601": DeclineCode.INVALID_AMOUNT,
}
# The key was used before, and what became of it then is not said: no refusal of what we ask.
KEY_WAS_USED = frozenset(("915232", "915233", "915234", "915235"))
EXISTS_ALREADY = frozenset(("91609", "91719", "92906", "93503"))  # A customer, a kept card

# How an address fared: (street, postal code) in Braintree's letters, in those of everybody else.
AVS = {
    ("M", "M"): "Y",
    ("M", "N"): "A",
    ("N", "M"): "Z",
    ("N", "N"): "N",
    ("M", "U"): "B",
    ("M", "I"): "B",
    ("U", "M"): "P",
    ("I", "M"): "P",
    ("U", "U"): "U",
    ("S", "S"): "S",
}
CVV = {"M": "M", "N": "N", "U": "U", "S": "S", "I": "P"}
CURRENCIES = frozenset(
    """
    AED AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CHF CLP CNY COP CRC CVE
    CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JPY KES
    KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD
    PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RWF SAR SBD SCR SEK SGD SHP SLL SOS SRD SVC SZL THB TJS TOP TRY TTD TWD
    TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR
    """.split()
)
