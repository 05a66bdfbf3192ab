"""Payment methods whose notices have come, each kept until its row says something else, and what reads its notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast

from payments.gateways.base import Gateway
from payments.models import PaymentMethod
from payments.models.payment_method import find_secret


@dataclass(slots=True, eq=False)
class KnownMethod:
    """A payment method as it was read. `row` is what a notice depends on of it, `config` as the database writes it."""

    method: PaymentMethod
    row: tuple[int, str, str, bool, str]
    _reader: tuple[Any, dict[str, str | None], Gateway] | None = field(default=None, init=False)

    def reader(self) -> Gateway:
        """The method's gateway, to read notices with. Raises GatewayError if the settings are wrong.

        It is built anew where its class or a secret is not what it was: these are in no row. Who asks a provider
        builds its own.
        """
        registered = settings.PAYMENT_GATEWAYS.get(self.method.gateway)
        if self._reader is not None:
            before, secrets, gateway = self._reader
            if before == registered and all(find_secret(name) == value for name, value in secrets.items()):
                return gateway
        gateway = self.method.build_gateway()
        names = [self.method.config.get(field.name) for field in gateway.config_fields if field.secret]
        self._reader = registered, {str(name): find_secret(str(name)) for name in names if name}, gateway
        return gateway


_KNOWN: dict[str, KnownMethod] = {}


def known_method(code: str) -> KnownMethod | None:
    return _KNOWN.get(code)


def read_method(code: str) -> KnownMethod | None:
    """As it is now, kept for the next notice; one that is switched off, too. None if there is no such method."""
    _KNOWN.pop(code, None)
    method: PaymentMethod | None = (
        PaymentMethod.objects.annotate(written_config=Cast("config", TextField())).filter(code=code).first()
    )
    if method is None:
        return None
    row = method.pk, method.code, method.gateway, method.test_mode, method.__dict__["written_config"]
    known = _KNOWN[code] = KnownMethod(method, row)
    return known
