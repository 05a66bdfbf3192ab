"""Joanie's payment backends by name: five methods for a provider to fulfil, three hooks that keep the books."""

from payments.backends.base import BasePaymentBackend
from payments.backends.choosing import get_payment_backend
from payments.backends.dummy import DummyPaymentBackend
from payments.backends.errors import (
    AbortPaymentFailed,
    CreatePaymentFailed,
    ParseNotificationFailed,
    PaymentBackendError,
    RefundPaymentFailed,
    RegisterPaymentFailed,
)
from payments.backends.gateway import GatewayBackend

__all__ = [
    "AbortPaymentFailed",
    "BasePaymentBackend",
    "CreatePaymentFailed",
    "DummyPaymentBackend",
    "GatewayBackend",
    "ParseNotificationFailed",
    "PaymentBackendError",
    "RefundPaymentFailed",
    "RegisterPaymentFailed",
    "get_payment_backend",
]
