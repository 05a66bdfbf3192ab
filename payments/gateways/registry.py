"""Gateway key → class: `settings.PAYMENT_GATEWAYS` is the only registry."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from payments.errors import GatewayError
from payments.gateways.base import Gateway


def gateway_class(key: str) -> type[Gateway]:
    """The class registered under `key`. Raises GatewayError, naming what is registered, for any other key."""
    path: Any = settings.PAYMENT_GATEWAYS.get(key)
    if path is None:
        known = ", ".join(sorted(settings.PAYMENT_GATEWAYS)) or "none"
        raise GatewayError(f"No gateway “{key}” in settings.PAYMENT_GATEWAYS (known: {known}).")
    loaded: type[Gateway] = import_string(path) if isinstance(path, str) else path
    return loaded
