"""The vault's records. Start at `payment` (one attempt to collect money) and `processing` (its verbs)."""

from payments.models.credit_card import CreditCard
from payments.models.hosted_source import HostedSource
from payments.models.operation import Operation
from payments.models.payment import Payment
from payments.models.payment_method import PaymentMethod
from payments.models.reaction import Reaction
from payments.models.refund import Refund, RefundReason
from payments.models.refund_limit import RefundLimit
from payments.models.wallet import WalletEntry
from payments.models.webhook_event import WebhookEvent

__all__ = [
    "CreditCard",
    "HostedSource",
    "Operation",
    "Payment",
    "PaymentMethod",
    "Reaction",
    "Refund",
    "RefundLimit",
    "RefundReason",
    "WalletEntry",
    "WebhookEvent",
]
