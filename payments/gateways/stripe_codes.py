"""Stripe's words and ours, table by table: why it says no, what address and security code checks found."""

from __future__ import annotations

from payments.gateways.codes import DeclineCode

# docs.stripe.com/declines/codes and docs.stripe.com/error-codes: decline codes first, then error codes.
CODES = {
    # The card
    "generic_decline": DeclineCode.CARD_DECLINED,
    "card_declined": DeclineCode.CARD_DECLINED,
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "withdrawal_count_limit_exceeded": DeclineCode.INSUFFICIENT_FUNDS,
    "expired_card": DeclineCode.EXPIRED_CARD,
    "incorrect_number": DeclineCode.INCORRECT_NUMBER,
    "invalid_number": DeclineCode.INVALID_NUMBER,
    "invalid_account": DeclineCode.INVALID_NUMBER,
    "new_account_information_available": DeclineCode.INVALID_NUMBER,
    "invalid_expiry_month": DeclineCode.INVALID_EXPIRY_DATE,
    "invalid_expiry_year": DeclineCode.INVALID_EXPIRY_DATE,
    "incorrect_cvc": DeclineCode.INCORRECT_CVC,
    "invalid_cvc": DeclineCode.INVALID_CVC,
    "incorrect_zip": DeclineCode.INCORRECT_ZIP,
    "incorrect_postal_code": DeclineCode.INCORRECT_ZIP,
    "postal_code_invalid": DeclineCode.INCORRECT_ZIP,
    "incorrect_address": DeclineCode.INCORRECT_ADDRESS,
    "incorrect_pin": DeclineCode.INCORRECT_PIN,
    "invalid_pin": DeclineCode.INCORRECT_PIN,
    "offline_pin_required": DeclineCode.INCORRECT_PIN,
    "online_or_offline_pin_required": DeclineCode.INCORRECT_PIN,
    "pin_try_exceeded": DeclineCode.VELOCITY_EXCEEDED,
    "lost_card": DeclineCode.PICKUP_CARD,
    "stolen_card": DeclineCode.PICKUP_CARD,
    "pickup_card": DeclineCode.PICKUP_CARD,
    "restricted_card": DeclineCode.PICKUP_CARD,
    "call_issuer": DeclineCode.CALL_ISSUER,
    "do_not_honor": DeclineCode.CALL_ISSUER,
    "do_not_try_again": DeclineCode.CALL_ISSUER,
    "no_action_taken": DeclineCode.CALL_ISSUER,
    "not_permitted": DeclineCode.CALL_ISSUER,
    "service_not_allowed": DeclineCode.CALL_ISSUER,
    "stop_payment_order": DeclineCode.CALL_ISSUER,
    "revocation_of_all_authorizations": DeclineCode.CALL_ISSUER,
    "revocation_of_authorization": DeclineCode.CALL_ISSUER,
    "transaction_not_allowed": DeclineCode.CALL_ISSUER,
    "security_violation": DeclineCode.CALL_ISSUER,
    "fraudulent": DeclineCode.SUSPECTED_FRAUD,
    "highest_risk_level": DeclineCode.SUSPECTED_FRAUD,
    "merchant_blacklist": DeclineCode.SUSPECTED_FRAUD,
    "card_velocity_exceeded": DeclineCode.VELOCITY_EXCEEDED,
    "card_decline_rate_limit_exceeded": DeclineCode.VELOCITY_EXCEEDED,
    "testmode_decline": DeclineCode.TEST_MODE_LIVE_CARD,
    "live_mode_test_card": DeclineCode.TEST_MODE_LIVE_CARD,
    "test_mode_live_card": DeclineCode.TEST_MODE_LIVE_CARD,
    "processing_error": DeclineCode.PROCESSING_ERROR,
    "reenter_transaction": DeclineCode.PROCESSING_ERROR,
    "issuer_not_available": DeclineCode.PROCESSING_ERROR,
    "try_again_later": DeclineCode.PROCESSING_ERROR,
    "approve_with_id": DeclineCode.PROCESSING_ERROR,
    "card_not_supported": DeclineCode.UNSUPPORTED_FEATURE,
    "currency_not_supported": DeclineCode.UNSUPPORTED_FEATURE,
    "invalid_amount": DeclineCode.INVALID_AMOUNT,
    "duplicate_transaction": DeclineCode.INVALID_REQUEST,
    # The customer
    "authentication_required": DeclineCode.AUTHENTICATION_FAILED,
    "authentication_not_handled": DeclineCode.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "payment_intent_action_required": DeclineCode.AUTHENTICATION_FAILED,
    "setup_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "payment_intent_payment_attempt_expired": DeclineCode.SESSION_EXPIRED,
    # What is there to act on
    "resource_missing": DeclineCode.NOT_FOUND,
    "amount_too_large": DeclineCode.INVALID_AMOUNT,
    "amount_too_small": DeclineCode.INVALID_AMOUNT,
    "invalid_charge_amount": DeclineCode.INVALID_AMOUNT,
    "invalid_charge_amount_no_decimal_compatible": DeclineCode.INVALID_AMOUNT,
    "charge_exceeds_source_limit": DeclineCode.INVALID_AMOUNT,
    "charge_exceeds_transaction_limit": DeclineCode.INVALID_AMOUNT,
    "charge_expired_for_capture": DeclineCode.AUTHORIZATION_EXPIRED,
    "capture_charge_authorization_expired": DeclineCode.AUTHORIZATION_EXPIRED,
    "charge_already_captured": DeclineCode.ALREADY_CAPTURED,
    "charge_already_refunded": DeclineCode.ALREADY_REFUNDED,
    "charge_disputed": DeclineCode.REFUND_DECLINED,
    "refund_disputed_payment": DeclineCode.REFUND_DECLINED,
    "charge_not_refundable": DeclineCode.REFUND_DECLINED,
    "balance_insufficient": DeclineCode.REFUND_DECLINED,
    "capture_unauthorized_payment": DeclineCode.WRONG_STATE,
    "payment_intent_unexpected_state": DeclineCode.WRONG_STATE,
    # Us
    "api_key_expired": DeclineCode.CONFIG_ERROR,
    "platform_api_key_expired": DeclineCode.CONFIG_ERROR,
    "secret_key_required": DeclineCode.CONFIG_ERROR,
    "testmode_charges_only": DeclineCode.CONFIG_ERROR,
    "livemode_mismatch": DeclineCode.CONFIG_ERROR,
    "account_invalid": DeclineCode.CONFIG_ERROR,
}
# Why an intent was canceled that its customer had yet to confirm.
CANCELED = {
    "abandoned": DeclineCode.CANCELED_BY_CUSTOMER,
    "requested_by_customer": DeclineCode.CANCELED_BY_CUSTOMER,
    "automatic": DeclineCode.SESSION_EXPIRED,
    "expired": DeclineCode.SESSION_EXPIRED,
    "fraudulent": DeclineCode.SUSPECTED_FRAUD,
}

# (street, postal code) → the letter that card networks use.
AVS = {
    ("pass", "pass"): "Y",
    ("pass", "fail"): "A",
    ("fail", "pass"): "Z",
    ("fail", "fail"): "N",
    ("pass", "unchecked"): "B",
    ("unchecked", "pass"): "P",
    ("fail", "unchecked"): "N",
    ("unchecked", "fail"): "N",
    ("unchecked", "unchecked"): "I",
    ("unavailable", "unavailable"): "U",
}
CVC = {"pass": ("M", "Match"), "fail": ("N", "No match"), "unchecked": ("P", "Not checked"), "unavailable": ("U", "")}

# The words of a refund's reason, as staff chose it, that mean one of Stripe's three.
REASONS = {"duplicate": "duplicate", "fraud": "fraudulent", "customer": "requested_by_customer"}
