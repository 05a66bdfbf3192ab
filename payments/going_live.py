"""Whether a payment method is ready for real money: its settings, its provider's account, and how it hears from it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from payments.errors import GatewayError
from payments.gateways.base import Checkpoint
from payments.models import PaymentMethod, WebhookEvent

PATIENCE_S = 10
RECENT = timedelta(days=7)


def checkpoints(method: PaymentMethod, *, knock: bool = True) -> Iterator[Checkpoint]:
    """One line for each thing to be right, ours first and then what the provider says.

    `knock`: whether its webhook address is called, as anybody could, to see that it is ours that answers.
    """
    problems = [line for lines in method.config_problems().values() for line in lines]
    if problems:
        yield Checkpoint(name="settings", state="problem", says=" ".join(problems))
        return
    yield Checkpoint(name="settings", state="ok", says="Complete.")
    yield _offered(method)
    address = webhook_address(method)
    if method.capabilities.webhooks:
        yield from _webhook(method, address, knock=knock)
    try:
        yield from method.build_gateway().check(notification_url=address, currencies=currencies())
    except GatewayError as error:
        yield Checkpoint(name="provider", state="problem", says=error.message)


def webhook_address(method: PaymentMethod) -> str:
    """Where the provider reports to; "" while PAYMENTS_PUBLIC_ORIGIN is not set."""
    origin = settings.PAYMENTS.get("PUBLIC_ORIGIN", "")
    return origin + reverse("payments:webhook", args=[method.code]) if origin else ""


def currencies() -> frozenset[str]:
    """What the shop sells in."""
    return frozenset(getattr(settings, "SHOP", {}).get("CURRENCIES", ()))


def _offered(method: PaymentMethod) -> Checkpoint:
    mode = "test mode: no real money" if method.test_mode else "live"
    if method.active and method.available_to_users:
        return Checkpoint(name="offered", state="ok", says=f"To customers, in {mode}.")
    return Checkpoint(name="offered", state="warning", says=f"Not to customers; {mode}.")


def _webhook(method: PaymentMethod, address: str, *, knock: bool) -> Iterator[Checkpoint]:
    if not address:
        yield Checkpoint(name="address", state="problem", says="PAYMENTS_PUBLIC_ORIGIN is not set.")
    elif not address.startswith("https://"):
        state = "warning" if method.test_mode else "problem"
        yield Checkpoint(name="address", state=state, says=f"{address}: providers call https only.")  # type: ignore[arg-type]
    else:
        yield Checkpoint(name="address", state="ok", says=address)
    if address and knock:
        yield _reached(address)
    last = WebhookEvent.objects.filter(payment_method=method).order_by("-received_at").first()
    if last is None:
        yield Checkpoint(name="last_seen", state="warning", says="No notice has ever come.")
        return
    state = "ok" if last.received_at > timezone.now() - RECENT else "warning"
    yield Checkpoint(name="last_seen", state=state, says=f"{last.type} on {last.received_at:%Y-%m-%d %H:%M} UTC.")  # type: ignore[arg-type]


def _reached(address: str) -> Checkpoint:
    """An unsigned notice has to be refused, by our own view: whatever else answers there is not our site."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", parts.path, b"{}", {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as trouble:
        return Checkpoint(name="reached", state="problem", says=f"Nobody answers there ({type(trouble).__name__}).")
    finally:
        connection.close()
    if status == http.HTTPStatus.BAD_REQUEST:
        return Checkpoint(name="reached", state="ok", says="It answers, and refuses what is not signed.")
    return Checkpoint(name="reached", state="problem", says=f"It answers {status} to an unsigned notice; 400 is right.")
