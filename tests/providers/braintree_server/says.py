"""What the server says no with: validation errors by their public numbers, and what test values bring about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

# Code: (attribute, message). The numbers and their meaning are the public list of validation errors.
ERRORS = {
    "81502": ("amount", "Amount is required."),
    "81503": ("amount", "Amount is an invalid format."),
    "81531": ("amount", "Amount must be greater than zero."),
    "91504": ("base", "Transaction can only be voided if status is authorized or submitted for settlement."),
    "91505": ("base", "Cannot refund credit transaction."),
    "91506": ("base", "Cannot refund transaction unless it is settled."),
    "91507": ("base", "Cannot submit for settlement unless status is authorized."),
    "91508": ("base", "Cannot determine payment method."),
    "91510": ("customer_id", "Customer ID is invalid."),
    "91512": ("base", "Transaction has already been completely refunded."),
    "91513": ("merchant_account_id", "Merchant account ID is invalid."),
    "91516": ("payment_method_token", "Cannot find payment method token for this customer."),
    "91518": ("payment_method_token", "Payment method token is invalid."),
    "91521": ("amount", "Refund amount is too large."),
    "91522": ("amount", "Settlement amount is too large."),
    "91523": ("type", "Transaction type is invalid."),
    "91564": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
    "91565": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
    "91574": ("base", "Cannot refund transaction that is settling."),
    "91575": ("base", "Cannot simulate settlement of this transaction."),
    "91609": ("id", "Customer ID has already been taken."),
    "91719": ("token", "Credit card token is already in use."),
    "93104": ("customer_id", "Customer ID is required."),
    "93105": ("customer_id", "Customer ID is invalid."),
    "93107": ("payment_method_nonce", "Cannot use a payment_method_nonce more than once."),
    "93108": ("payment_method_nonce", "Unknown or expired payment_method_nonce."),
    "915102": ("base", "The processor for this merchant account does not support partial settlement."),
    "915103": ("base", "Cannot submit for partial settlement."),
    "915231": ("api_request_key", "Api request key is not allowed."),
    "915232": ("api_request_key", "Api request key can be reused only with the same request."),
    "915233": ("api_request_key", "Api request key is in flight."),
    "915282": ("base", "Cannot reverse the transaction at this time."),
}
TEXTS = {
    "1000": "Approved",
    "2000": "Do Not Honor",
    "2001": "Insufficient Funds",
    "2002": "Limit Exceeded",
    "2003": "Cardholder's Activity Limit Exceeded",
    "2004": "Expired Card",
    "2005": "Invalid Credit Card Number",
    "2006": "Invalid Expiration Date",
    "2007": "No Account",
    "2010": "Card Issuer Declined CVV",
    "2013": "Processor Declined - Possible Stolen Card",
    "2014": "Processor Declined - Fraud Suspected",
    "2038": "Processor Declined",
    "2059": "Address Verification Failed",
    "2099": "Cardholder Authentication Required",
    "3000": "Processor Network Unavailable - Try Again",
}


class Refused(Exception):
    """A 422: nothing was done, and why. `scope` is the object that the error is about."""

    def __init__(self, code: str, scope: str = "transaction") -> None:
        super().__init__(code)
        self.code, self.scope = code, scope

    def answer(self, params: Any) -> dict[str, Any]:
        attribute, message = ERRORS[self.code]
        error = {"attribute": attribute, "code": self.code, "message": message}
        return {
            "errors": {"errors": [], self.scope: {"errors": [("error", error)]}},
            "params": params or None,
            "message": message,
        }


class NotThere(Exception):
    """A 404."""


class Verdict(NamedTuple):
    """What a processor or the gateway says of a new sale."""

    status: str = "authorized"
    code: str = "1000"
    text: str = "Approved"
    kind: str = "approved"
    rejection: str | None = None


APPROVED = Verdict()


def declined(code: str) -> Verdict:
    """Below 2100 it depends on the code whether trying again helps; the network's own failure is no decline."""
    text = TEXTS.get(code, "Processor Declined")
    if code == "3000":
        return Verdict("failed", code, text, "soft_declined")
    hard = code in ("2004", "2005", "2006", "2007", "2013", "2014")
    return Verdict("processor_declined", code, text, "hard_declined" if hard else "soft_declined")


def by_amount(amount: Decimal) -> Verdict:
    """The sandbox's test amounts, in any currency."""
    if Decimal(2000) <= amount < Decimal(3000):
        return declined(str(int(amount)))
    if Decimal(3000) <= amount < Decimal(3001):
        return declined("3000")
    if amount == Decimal("5001.00"):
        return rejected("application_incomplete")
    return APPROVED


def rejected(reason: str) -> Verdict:
    """The gateway itself refuses: no processor was asked, so there is no processor's code."""
    return Verdict("gateway_rejected", "", "Unavailable", "unknown", reason)


class Nonce(NamedTuple):
    """A test nonce: its card, and what becomes of a sale with it."""

    brand: str = "Visa"
    bin: str = "401288"
    last_4: str = "1881"
    verdict: Verdict = APPROVED
    avs_postal: str = "M"
    avs_street: str = "M"
    cvv: str = "M"
    consumed: bool = False


NONCES = {
    "fake-valid-nonce": Nonce(),
    "fake-valid-visa-nonce": Nonce(),
    "fake-valid-mastercard-nonce": Nonce("MasterCard", "555555", "4444"),
    "fake-valid-amex-nonce": Nonce("American Express", "378282", "0005"),
    "fake-valid-discover-nonce": Nonce("Discover", "601111", "1117"),
    "fake-processor-declined-visa-nonce": Nonce(last_4="0002", verdict=declined("2000")),
    "fake-processor-declined-mastercard-nonce": Nonce("MasterCard", "510510", "5100", declined("2000")),
    "fake-processor-failure-jcb-nonce": Nonce("JCB", "353011", "0000", declined("3000")),
    "fake-gateway-rejected-fraud-nonce": Nonce(verdict=rejected("fraud")),
    "fake-gateway-rejected-risk-thresholds-nonce": Nonce(verdict=rejected("risk_threshold")),
    "fake-luhn-invalid-nonce": Nonce(verdict=declined("2005")),
    "fake-consumed-nonce": Nonce(consumed=True),
    # Ours beside the sandbox's: there these come of the card's expiry, code and address, which a nonce cannot show.
    "local-expired-nonce": Nonce(verdict=declined("2004")),
    "local-insufficient-funds-nonce": Nonce(verdict=declined("2001")),
    "local-stolen-card-nonce": Nonce(verdict=declined("2013")),
    "local-activity-limit-nonce": Nonce(verdict=declined("2003")),
    "local-authentication-required-nonce": Nonce(verdict=declined("2099")),
    "local-cvv-rejected-nonce": Nonce(verdict=rejected("cvv"), cvv="N"),
    "local-avs-rejected-nonce": Nonce(verdict=rejected("avs"), avs_postal="N", avs_street="N"),
    "local-zip-only-nonce": Nonce(avs_street="N"),
}
