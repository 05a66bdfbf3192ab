"""What has to be right before real money goes through an account at Stripe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from payments.gateways.base import Checkpoint
from payments.gateways.scrubbing import clean
from payments.gateways.stripe_amounts import TAKEN
from payments.gateways.stripe_notices import WANTED
from payments.gateways.stripe_words import expanded

SECRET, PUBLISHABLE = ("sk", "rk"), ("pk",)


def keys(config: Mapping[str, Any], *, test: bool) -> Iterable[Checkpoint]:
    """Whether the keys are there, and are of the mode that the payment method says."""
    mode = "test" if test else "live"
    for name, kinds in (("secret_key", SECRET), ("publishable_key", PUBLISHABLE)):
        value = str(config.get(name) or "")
        right = tuple(f"{kind}_{mode}_" for kind in kinds)
        if not value:
            yield Checkpoint(name=name, state="problem", says="It is not set.")
        elif not value.startswith(right):
            yield Checkpoint(name=name, state="problem", says=f"It is no {mode} key: that begins with {right[0]}…")
        else:
            yield Checkpoint(name=name, state="ok", says=f"A {mode} key.")
    signing = str(config.get("webhook_secret") or "")
    if not signing.startswith("whsec_"):
        says = "It is not set: no notice is believed." if not signing else "It does not begin with whsec_…"
        yield Checkpoint(name="webhook_secret", state="problem", says=says)
    else:
        yield Checkpoint(name="webhook_secret", state="ok", says="It is set.")


def account(said: Mapping[str, Any], *, test: bool) -> Checkpoint:
    """Whether the account may charge cards."""
    cards = expanded(said.get("capabilities")).get("card_payments")
    if said.get("charges_enabled") is True and cards in ("active", None):
        return Checkpoint(name="account", state="ok", says=f"{clean(said.get('id'))} may charge cards.")
    why = clean(expanded(said.get("requirements")).get("disabled_reason")) or f"card payments: {clean(cards)}"
    return Checkpoint(name="account", state="warning" if test else "problem", says=f"It may not charge yet ({why}).")


def webhook(endpoints: Iterable[Mapping[str, Any]], *, address: str, version: str) -> Iterable[Checkpoint]:
    """Whether Stripe is told to report to us, everything that we read, as the pinned version writes it."""
    if not address:
        yield Checkpoint(name="webhook", state="problem", says="PAYMENTS_PUBLIC_ORIGIN is not set: we have no address.")
        return
    found = [each for each in endpoints if each.get("url") == address]
    if not found:
        yield Checkpoint(name="webhook", state="problem", says=f"No endpoint at Stripe has the address {address}.")
        return
    if len(found) > 1:
        yield Checkpoint(name="webhook", state="warning", says=f"{len(found)} endpoints have our address: keep one.")
    endpoint = found[0]
    wanted = set(WANTED) - set(endpoint.get("enabled_events") or ())
    missing = sorted(wanted) if "*" not in (endpoint.get("enabled_events") or ()) else []
    if endpoint.get("status") != "enabled":
        yield Checkpoint(name="webhook", state="problem", says="The endpoint is disabled.")
    elif missing:
        yield Checkpoint(name="webhook", state="problem", says=f"It is not told of: {', '.join(missing)}.")
    else:
        yield Checkpoint(name="webhook", state="ok", says=f"{address} is told of everything that is read.")
    written = endpoint.get("api_version") or "the account's own"
    right = written == version
    says = f"Events come as {clean(written)}" + ("." if right else f"; those that are not {version} are left alone.")
    yield Checkpoint(name="api_version", state="ok" if right else "problem", says=says)


def currencies(ours: frozenset[str]) -> Checkpoint:
    strange = sorted(ours - TAKEN)
    if strange:
        return Checkpoint(name="currencies", state="warning", says=f"Stripe does not take {', '.join(strange)}.")
    return Checkpoint(name="currencies", state="ok", says=f"{', '.join(sorted(ours)) or 'None are set'}: all taken.")
