"""What a gateway can do, in words for staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payments.gateways.base import Gateway

WORDS = {
    "partial_capture": _("capture less than was authorized"),
    "multiple_captures": _("capture in several parts"),
    "over_capture": _("capture more than was authorized"),
    "capture_without_authorization": _("capture without an authorization"),
    "void_after_capture": _("void a sale that is not settled yet"),
    "partial_refund": _("refund a part"),
    "hosted_page": _("send customers to the provider's page"),
    "saved_sources": _("keep cards for the next time"),
    "webhooks": _("tell us by webhook"),
    "idempotency_keys": _("answer a repeated request once"),
    "lookup": _("say what became of a request"),
    "fetch": _("say what it holds now"),
    "listing": _("list its own books"),
}


def abilities_of(gateway: type[Gateway], config: Mapping[str, Any] | None = None) -> list[tuple[str, str, bool]]:
    """Rows of (what, answer, whether it can); with the settings of a payment method, what it can do with these."""
    capabilities = gateway.capabilities if config is None else gateway.capabilities_with(config)
    yes, no = gettext("yes"), gettext("no")
    abilities = [(str(words), bool(getattr(capabilities, name))) for name, words in WORDS.items()]
    rows = [(words, yes if can else no, can) for words, can in abilities]
    held = capabilities.authorization_lifetime
    if held is not None:
        rows.append((gettext("holds an authorization for"), gettext("%(days)s days") % {"days": held.days}, True))
    if capabilities.currencies is not None:
        rows.append((gettext("takes only"), ", ".join(sorted(capabilities.currencies)), True))
    rows.append((gettext("needs a card or another source"), yes if gateway.source_required else no, True))
    return rows
