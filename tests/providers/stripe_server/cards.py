"""Stripe's test payment methods (docs.stripe.com/testing), and what each does."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    number: str = "4242424242424242"
    brand: str = "visa"
    code: str = ""  # Declined: the error's code …
    decline_code: str = ""  # … and why.
    authentication: str = ""  # "required" on session and off, "unless_set_up"
    cvc: str = "pass"
    street: str | None = None
    postal: str | None = None
    refund: str = "succeeded"  # Or what becomes of it: "pending", "fails"
    disputed: bool = False
    multicapture: bool = True

    @property
    def last4(self) -> str:
        return self.number[-4:]


VISA = Card()
MESSAGES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def _declined(number: str, decline_code: str, code: str = "card_declined") -> Card:
    return replace(VISA, number=number, code=code, decline_code=decline_code)


BY_NAME = {
    "pm_card_visa": VISA,
    "pm_card_mastercard": replace(VISA, number="5555555555554444", brand="mastercard"),
    "pm_card_amex": replace(VISA, number="378282246310005", brand="amex"),
    "pm_card_discover": replace(VISA, number="6011111111111117", brand="discover", multicapture=False),
    "pm_card_visa_chargeDeclined": _declined("4000000000000002", "generic_decline"),
    "pm_card_visa_chargeDeclinedInsufficientFunds": _declined("4000000000009995", "insufficient_funds"),
    "pm_card_visa_chargeDeclinedLostCard": _declined("4000000000009987", "lost_card"),
    "pm_card_visa_chargeDeclinedStolenCard": _declined("4000000000009979", "stolen_card"),
    "pm_card_visa_chargeDeclinedVelocityLimitExceeded": _declined("4000000000006975", "card_velocity_exceeded"),
    "pm_card_chargeDeclinedExpiredCard": _declined("4000000000000069", "", "expired_card"),
    "pm_card_chargeDeclinedIncorrectCvc": _declined("4000000000000127", "", "incorrect_cvc"),
    "pm_card_chargeDeclinedProcessingError": _declined("4000000000000119", "", "processing_error"),
    "pm_card_radarBlock": _declined("4100000000000019", "fraudulent"),
    "pm_card_authenticationRequired": replace(VISA, number="4000002760003184", authentication="required"),
    "pm_card_threeDSecure2Required": replace(VISA, number="4000000000003220", authentication="required"),
    "pm_card_authenticationRequiredOnSetup": replace(VISA, number="4000002500003155", authentication="unless_set_up"),
    "pm_card_avsFail": replace(VISA, number="4000000000000010", street="fail", postal="fail"),
    "pm_card_avsLine1Fail": replace(VISA, number="4000000000000028", street="fail", postal="pass"),
    "pm_card_avsZipFail": replace(VISA, number="4000000000000036", street="pass", postal="fail"),
    "pm_card_cvcCheckFail": replace(VISA, number="4000000000000101", cvc="fail"),
    "pm_card_pendingRefund": replace(VISA, number="4000000000007726", refund="pending"),
    "pm_card_refundFail": replace(VISA, number="4000000000005126", refund="fails"),
    "pm_card_createDispute": replace(VISA, number="4000000000000259", disputed=True),
}
