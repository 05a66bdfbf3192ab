"""Which backend stands for which payment method."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from payments.backends.base import BasePaymentBackend
from payments.errors import GatewayError
from payments.models import PaymentMethod

DEFAULT = "payments.backends.gateway.GatewayBackend"
HINT = 'Look at settings.PAYMENTS ("DEFAULT_METHOD", "BACKENDS") and at the payment method in the back office.'


def get_payment_backend(method: PaymentMethod | str | None = None) -> BasePaymentBackend:
    """The backend of a payment method, of its code, or of the shop's default method; a new one for each call.

    Raises ValueError, with where to look, for whatever is not set up as it should be.
    """
    try:
        chosen = method if isinstance(method, PaymentMethod) else _method(method)
        problems = [line for lines in chosen.config_problems().values() for line in lines]
        if problems:
            raise ValueError(" ".join(problems))
        backend: BasePaymentBackend = _class_for(chosen)(chosen)
    except (ValueError, TypeError, ImportError, GatewayError) as error:
        raise ValueError(f"{error} {HINT}") from error
    return backend


def _method(code: str | None) -> PaymentMethod:
    wanted = code or settings.PAYMENTS.get("DEFAULT_METHOD", "")
    offered: list[PaymentMethod] = list(PaymentMethod.objects.available())
    if wanted:
        found = [method for method in offered if method.code == wanted]
    else:
        found = sorted(
            (method for method in offered if method.available_to_users), key=lambda each: not _leads_somewhere(each)
        )
    if not found:
        raise ValueError(f"There is no payment method “{wanted}”." if wanted else "There is no payment method.")
    return found[0]


def _leads_somewhere(method: PaymentMethod) -> bool:
    """Whether a customer can be sent on by it: such a method is the better default."""
    try:
        return method.gateway in _backends() or method.capabilities.hosted_page
    except GatewayError:
        return False


def _class_for(method: PaymentMethod) -> Any:
    path = _backends().get(method.gateway, DEFAULT)
    loaded = import_string(path) if isinstance(path, str) else path
    if not (isinstance(loaded, type) and issubclass(loaded, BasePaymentBackend)):
        raise ValueError(f"{path} is no BasePaymentBackend.")
    return loaded


def _backends() -> dict[str, Any]:
    """Gateway key → dotted path, for what is more than its gateway."""
    registry = settings.PAYMENTS.get("BACKENDS", {})
    if not isinstance(registry, dict):
        raise ValueError("The payment backends are a dictionary: gateway key → dotted path.")
    return registry
