"""Why a provider says no, in words that are the same for all of them: what `Response.error_code` may be."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class DeclineCode(StrEnum):
    """The standard codes: Active Merchant's, and what holds, captures, voids and refunds need beside them."""

    # The card
    CARD_DECLINED = "card_declined"  # No reason given, or one that fits no other code.
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INCORRECT_NUMBER = "incorrect_number"
    INVALID_NUMBER = "invalid_number"
    INVALID_EXPIRY_DATE = "invalid_expiry_date"
    INCORRECT_CVC = "incorrect_cvc"
    INVALID_CVC = "invalid_cvc"
    INCORRECT_ZIP = "incorrect_zip"
    INCORRECT_ADDRESS = "incorrect_address"
    INCORRECT_PIN = "incorrect_pin"
    PICKUP_CARD = "pickup_card"  # Lost or stolen.
    CALL_ISSUER = "call_issuer"
    SUSPECTED_FRAUD = "suspected_fraud"
    VELOCITY_EXCEEDED = "velocity_exceeded"  # Tried too often.
    TEST_MODE_LIVE_CARD = "test_mode_live_card"
    PROCESSING_ERROR = "processing_error"  # The network failed; the same may be tried again.
    # The customer
    AUTHENTICATION_FAILED = "authentication_failed"
    CANCELED_BY_CUSTOMER = "canceled_by_customer"
    SESSION_EXPIRED = "session_expired"
    # What is there to act on
    NOT_FOUND = "not_found"  # The provider does not know the authorization or the source.
    INVALID_AMOUNT = "invalid_amount"  # More than is there, or not an amount that it takes.
    AUTHORIZATION_EXPIRED = "authorization_expired"
    ALREADY_CAPTURED = "already_captured"
    ALREADY_REFUNDED = "already_refunded"
    ALREADY_SETTLED = "already_settled"  # Too late to void: refund it.
    WRONG_STATE = "wrong_state"  # Not possible now, for another reason.
    CAPTURE_DECLINED = "capture_declined"
    VOID_DECLINED = "void_declined"
    REFUND_DECLINED = "refund_declined"
    # Us
    UNSUPPORTED_FEATURE = "unsupported_feature"
    INVALID_REQUEST = "invalid_request"  # The provider does not understand what we ask.
    CONFIG_ERROR = "config_error"  # The provider does not know our key, or our account may not do this.


def standard_code(
    table: Mapping[str, DeclineCode], *said: Any, default: DeclineCode = DeclineCode.CARD_DECLINED
) -> DeclineCode:
    """Our code for the first of the provider's codes that `table` has; name the most exact first."""
    return next((table[code] for code in said if isinstance(code, str) and code in table), default)
