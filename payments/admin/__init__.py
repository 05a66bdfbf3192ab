"""Staff's door to the vault: one module per model. Money rows are shown, never edited here."""

from payments.admin import (
    credit_card,
    payment,
    payment_method,
    reaction,
    refund_limit,
    refund_reason,
    webhook_event,
)

__all__ = ["credit_card", "payment", "payment_method", "reaction", "refund_limit", "refund_reason", "webhook_event"]
