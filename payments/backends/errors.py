"""What a payment backend refuses, by Joanie's names: each with the HTTP status and the code of its answer."""

from __future__ import annotations

from typing import ClassVar


class PaymentBackendError(Exception):
    """The payment backend refuses. `message` may be shown to whoever asked."""

    status_code: ClassVar[int] = 400
    code: ClassVar[str] = "payment_backend_error"

    def __init__(self, message: str = "") -> None:
        self.message = message or type(self).__doc__ or ""
        super().__init__(self.message)

    @property
    def status(self) -> int:
        return self.status_code


class CreatePaymentFailed(PaymentBackendError):
    """The payment could not be created."""

    code = "create_payment_failed"


class RegisterPaymentFailed(PaymentBackendError):
    """The notification says something that cannot be registered."""

    code = "register_payment_failed"


class RefundPaymentFailed(PaymentBackendError):
    """The refund cannot be registered."""

    code = "refund_payment_failed"


class AbortPaymentFailed(PaymentBackendError):
    """The payment cannot be aborted."""

    code = "abort_payment_failed"


class ParseNotificationFailed(PaymentBackendError):
    """Cannot parse notification."""

    code = "parse_notification_failed"
