"""What the shop offers to pay with, and the gateway behind it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.errors import GatewayError, UnsupportedAction
from payments.gateways.base import Capabilities, ConfigField, Gateway, GatewayOptions, Response
from payments.gateways.registry import gateway_class
from payments.models.rows import PlainRow


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def available(self) -> PaymentMethodQuerySet:
        return self.filter(active=True, deleted_at=None)

    def available_to_users(self) -> PaymentMethodQuerySet:
        return self.available().filter(available_to_users=True)

    def available_to_staff(self) -> PaymentMethodQuerySet:
        return self.available().filter(available_to_staff=True)


class PaymentMethodManager(models.Manager.from_queryset(PaymentMethodQuerySet)):  # type: ignore[misc]
    def create(self, **kwargs: Any) -> PaymentMethod:
        """Create with a `code` of its own: made from the name where none is given, numbered when taken."""
        if not kwargs.get("code"):
            base = slugify(kwargs.get("name", ""))[:40] or "method"
            taken = set(self.filter(code__startswith=base).values_list("code", flat=True))
            candidates = (base if number == 1 else f"{base}-{number}" for number in count(1))
            kwargs["code"] = next(code for code in candidates if code not in taken)
        return super().create(**kwargs)  # type: ignore[no-any-return]


class PaymentMethod(PlainRow):
    """A way to pay. `config` holds the gateway's settings; of a secret it holds the name, never the value."""

    name = models.CharField(_("name"), max_length=100)
    code = models.SlugField(_("code"), max_length=50, unique=True)
    description = models.TextField(_("description"), blank=True)
    gateway = models.CharField(_("gateway"), max_length=50)
    config = models.JSONField(_("settings"), default=dict, blank=True)
    test_mode = models.BooleanField(_("test mode"), default=True)
    auto_capture = models.BooleanField(
        _("capture at once"), null=True, blank=True, help_text=_("Empty: as the site's default says.")
    )
    active = models.BooleanField(_("active"), default=True)
    available_to_users = models.BooleanField(_("available to customers"), default=True)
    available_to_staff = models.BooleanField(_("available to staff"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True, editable=False)

    objects: ClassVar[Any] = PaymentMethodManager()

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Raise ValidationError for a gateway or a setting that the gateway would not take."""
        problems = self.config_problems()
        if problems:
            raise ValidationError(problems)

    @property
    def gateway_class(self) -> type[Gateway]:
        """Raises GatewayError if the gateway is not registered."""
        return gateway_class(self.gateway)

    @property
    def capabilities(self) -> Capabilities:
        """What it can do with these settings. Raises GatewayError if the gateway is not registered."""
        return self.gateway_class.capabilities_with(self.config if isinstance(self.config, dict) else {})

    def require(self, capability: str) -> None:
        """Raise UnsupportedAction, naming the capability, unless it has it with these settings."""
        self.gateway_class.require(capability)
        if not getattr(self.capabilities, capability):
            raise UnsupportedAction(f"{self.name} cannot do that: its settings do not allow `{capability}`.")

    @property
    def source_required(self) -> bool:
        return self.gateway_class.source_required

    @property
    def effective_auto_capture(self) -> bool:
        """Its own wish, or the site's default where it has none."""
        if self.auto_capture is not None:
            return self.auto_capture
        return bool(settings.PAYMENTS.get("AUTO_CAPTURE", False))

    def supports(self, source: Any) -> bool:
        """Whether it can be charged by this method. What its customer had forgotten cannot, whoever keeps it."""
        return getattr(source, "forgotten_at", None) is None and self.build_gateway().supports(source)

    # What staff do with it

    def soft_delete(self) -> None:
        """Take it off the offer for good. Payments made with it keep it."""
        self.deleted_at, self.active = timezone.now(), False
        self.save(update_fields=["deleted_at", "active"])

    def bring_back(self) -> None:
        """Undo `soft_delete`. It stays switched off, so that nobody is offered it by accident."""
        self.deleted_at = None
        self.save(update_fields=["deleted_at"])

    def move(self, places: int) -> bool:
        """Move it up (negative) or down among those that are not removed; False if it is at that end already."""
        with transaction.atomic():
            rows = list(PaymentMethod.objects.select_for_update(no_key=True).filter(deleted_at=None))
            here = next((index for index, row in enumerate(rows) if row.pk == self.pk), None)
            if here is None or not 0 <= here + places < len(rows):
                return False
            rows.insert(here + places, rows.pop(here))
            for position, row in enumerate(rows, start=1):
                row.position = position
            PaymentMethod.objects.bulk_update(rows, ["position"])
        return True

    # Settings

    def config_problems(self) -> dict[str, list[str]]:
        """What is wrong with `gateway` and `config`, by field: {} when nothing is."""
        try:
            fields = {field.name: field for field in self.gateway_class.config_fields}
        except GatewayError as error:
            return {"gateway": [str(error)]}
        if not isinstance(self.config, Mapping):
            return {"config": [gettext("The settings are a JSON object of names and values.")]}
        unknown = [name for name in self.config if name not in fields]
        problems = [_no_setting(name, self.gateway) for name in unknown]
        problems += [problem for field in fields.values() if (problem := setting_problem(field, self.config))]
        return {"config": problems} if problems else {}

    def build_gateway(self) -> Gateway:
        """The adapter, with the secrets in place of their names. Raises GatewayError if the settings are wrong."""
        problems = self.config_problems()
        if problems:
            raise GatewayError(" ".join(line for lines in problems.values() for line in lines))
        secret = {field.name for field in self.gateway_class.config_fields if field.secret}
        config = {name: find_secret(str(value)) if name in secret else value for name, value in self.config.items()}
        return self.gateway_class(config, test=self.test_mode)

    # The five verbs of the gateway, in whole minor units

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self.build_gateway().authorize(amount_minor, source, options)

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self.build_gateway().purchase(amount_minor, source, options)

    def capture(self, amount_minor: int, response_code: str, options: GatewayOptions) -> Response:
        return self.build_gateway().capture(amount_minor, response_code, options)

    def void(self, response_code: str, options: GatewayOptions) -> Response:
        return self.build_gateway().void(response_code, options)

    def credit(self, amount_minor: int, response_code: str, options: GatewayOptions) -> Response:
        return self.build_gateway().credit(amount_minor, response_code, options)


def setting_problem(field: ConfigField, config: Mapping[str, Any]) -> str:
    """What is wrong with this setting of a gateway, "" if nothing is. Of a secret it never repeats the name."""
    value = config.get(field.name)
    wanted = str if field.secret else field.type
    names = {"name": field.name, "label": field.label, "type": wanted.__name__}
    if value is None or value == "":
        return gettext("“%(name)s” (%(label)s) is needed.") % names if field.required else ""
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return gettext("“%(name)s” (%(label)s) is to be %(type)s.") % names
    if field.secret and find_secret(str(value)) is None:
        return gettext("The secret that “%(name)s” names is in neither settings nor environment.") % names
    return ""


def find_secret(name: str) -> str | None:
    """The secret kept under `name`: settings.PAYMENT_SECRETS first, then the environment."""
    kept: Mapping[str, str] = getattr(settings, "PAYMENT_SECRETS", {})
    return kept.get(name) or os.environ.get(name) or None


def _no_setting(name: str, gateway: str) -> str:
    return gettext("“%(name)s” is no setting of %(gateway)s.") % {"name": name, "gateway": gateway}
