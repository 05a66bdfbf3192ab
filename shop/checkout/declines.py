"""Why a payment did not come about, for its customer: what happened, and what to do, by the standard codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from orders.models import Order
from payments.gateways.codes import DeclineCode as Code
from payments.models import Operation, Payment
from shop.checkout.wording import paid_with

ANOTHER = _("Take another card, or choose another way to pay.")
CALL = _("Your bank can tell you more. Take another card, or choose another way to pay.")
AGAIN = _("Enter the card once more and look at each digit, or choose another way to pay.")

WORDS: dict[str, tuple[Any, Any]] = {
    Code.CARD_DECLINED: (_("Your bank declined the payment and gave no reason."), CALL),
    Code.INSUFFICIENT_FUNDS: (_("There is not enough money on this card."), ANOTHER),
    Code.EXPIRED_CARD: (_("This card has expired."), ANOTHER),
    Code.INCORRECT_NUMBER: (_("The card number is not right."), AGAIN),
    Code.INVALID_NUMBER: (_("The card number is not right."), AGAIN),
    Code.INVALID_EXPIRY_DATE: (_("The expiry date is not right."), AGAIN),
    Code.INCORRECT_CVC: (_("The security code is not right."), AGAIN),
    Code.INVALID_CVC: (_("The security code is not right."), AGAIN),
    Code.INCORRECT_ZIP: (
        _("Your bank knows another postal code."),
        _("Compare the billing address with your bank’s letters."),
    ),
    Code.INCORRECT_ADDRESS: (
        _("Your bank knows another address."),
        _("Compare the billing address with your bank’s letters."),
    ),
    Code.INCORRECT_PIN: (_("The PIN was not right."), _("Try again, or choose another way to pay.")),
    Code.PICKUP_CARD: (_("Your bank declined the payment and gave no reason."), CALL),
    Code.CALL_ISSUER: (_("Your bank declined the payment."), CALL),
    Code.SUSPECTED_FRAUD: (_("Your bank declined the payment and gave no reason."), CALL),
    Code.VELOCITY_EXCEEDED: (_("This card was used too often in a short time."), ANOTHER),
    Code.TEST_MODE_LIVE_CARD: (
        _("This shop is in test mode, and real cards do not work here."),
        _("Take a test card."),
    ),
    Code.PROCESSING_ERROR: (
        _("The card network could not be reached."),
        _("Try again in a moment, or choose another way to pay."),
    ),
    Code.AUTHENTICATION_FAILED: (
        _("Your bank could not make sure that it is you."),
        _("Try again, or choose another way to pay."),
    ),
    Code.CANCELED_BY_CUSTOMER: (
        _("You left the payment page without paying."),
        _("Try again, or choose another way to pay."),
    ),
    Code.SESSION_EXPIRED: (_("The payment page was open for too long."), _("Try again, or choose another way to pay.")),
    Code.NOT_FOUND: (
        _("This card is no longer known to our payment provider."),
        _("Enter it anew, or choose another way to pay."),
    ),
}
OURS = (
    _("This payment method does not work at the moment; it is not your card’s fault."),
    _("Choose another way to pay."),
)
OUR_FAULT = (Code.UNSUPPORTED_FEATURE, Code.INVALID_REQUEST, Code.CONFIG_ERROR, Code.INVALID_AMOUNT)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`paid_with` names the method and the card; nothing was taken."""

    paid_with: str
    what: Any
    to_do: Any


def words_for(error_code: str) -> tuple[Any, Any]:
    """What happened and what to do. Words for staff are never shown: a provider's message may tell a thief why."""
    if error_code in OUR_FAULT:
        return OURS
    return WORDS.get(error_code, WORDS[Code.CARD_DECLINED])


def last_refusal(order: Order) -> Refusal | None:
    """Why the newest payment of this order failed; None where the newest did not, or nobody was asked."""
    payment: Payment | None = order.payments.select_related("payment_method", "credit_card").order_by("-id").first()
    if payment is None or payment.state not in (Payment.State.FAILED, Payment.State.VOID):
        return None
    asked = [each for each in payment.operations.all() if each.is_attempt]
    if not asked or payment.state == Payment.State.VOID:
        return None
    if asked[-1].state == Operation.State.CANCELED:
        return Refusal(
            paid_with(payment),
            _("The payment provider could not be reached, and nothing was charged."),
            _("Try again in a moment, or choose another way to pay."),
        )
    return Refusal(paid_with(payment), *words_for(asked[-1].error_code))
