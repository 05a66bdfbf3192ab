"""System checks: every active payment method has a gateway that can be built from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.utils.module_loading import import_string

from payments.gateways.base import Gateway


@register("payments")
def check_registry(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    registry: dict[str, Any] = settings.PAYMENT_GATEWAYS
    for key, path in registry.items():
        try:
            loaded: Any = import_string(path) if isinstance(path, str) else path
        except ImportError as error:
            found.append(Error(f"Gateway “{key}” cannot be imported: {error}", id="payments.E001"))
            continue
        if not (isinstance(loaded, type) and issubclass(loaded, Gateway)):
            found.append(Error(f"Gateway “{key}” is no payments.gateways.base.Gateway.", id="payments.E002"))
    return found


@register("payments", deploy=True)
def check_dummy(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    if settings.DEBUG or not settings.PAYMENTS.get("ALLOW_DUMMY", False):
        return []
    return [
        Error(
            "The dummy payment backend is allowed: anybody can mark an order as paid.",
            hint='Take PAYMENTS_ALLOW_DUMMY out of the environment, or set PAYMENTS["ALLOW_DUMMY"] to False.',
            id="payments.E004",
        )
    ]


@register(Tags.database)
def check_payment_methods(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs with `check --database default` and with every `migrate`."""
    from django.db import connection  # noqa: PLC0415 (only when a database is to be looked at)

    from payments.models import PaymentMethod  # noqa: PLC0415

    if not databases or PaymentMethod._meta.db_table not in connection.introspection.table_names():
        return []
    return [
        Error(
            f"Payment method “{method.code}”: {' '.join(lines)}",
            hint="Mend its settings in the admin, or switch it off.",
            id="payments.E003",
        )
        for method in PaymentMethod.objects.available().only("code", "gateway", "config")
        for lines in method.config_problems().values()
    ]
