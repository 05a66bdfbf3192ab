"""Keeping a card for a customer without a payment: the provider makes sure of it, and the wallet has it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from payments.errors import GatewayError, PaymentDeclined
from payments.gateways.base import Gateway, GatewayOptions
from payments.models import CreditCard, PaymentMethod, WalletEntry
from payments.wallet import Wallet

FACE = ("brand", "last_four", "month", "year", "name")


def can_add(method: PaymentMethod) -> bool:
    """Whether a card can be entered and kept with it without a payment: not on a provider's page. Never raises."""
    try:
        kind = method.gateway_class
        has_fields = kind.client_config is not Gateway.client_config
        return kind.takes_card_numbers or (has_fields and method.capabilities.saved_sources)
    except GatewayError:
        return False


def add_card(user: Any, method: PaymentMethod, given: Mapping[str, Any], *, currency: str = "") -> WalletEntry:
    """Have the provider keep a card that was just entered, and put it into the user's wallet.

    `given` is what a card is made of. A card that is in there already is found again; the first one is the default.
    Raises ValidationError for what is no card, PaymentDeclined, also for a card that belongs to somebody else, and
    GatewayUnavailable; asked twice for the same, the provider keeps it once.
    """
    if not {"token", "number"} & set(given):
        raise ValidationError(_("No card was entered."))
    card = CreditCard(**given)
    card.full_clean()
    adapter = method.build_gateway()
    card.token = adapter.tokenize(card)
    if method.capabilities.saved_sources:
        options = _options(user, card.token, currency)
        card.token = adapter.store(card, options)
        if not card.token:
            raise GatewayError(f"The provider of {method} has kept a card and did not say as what.")
        told = adapter.describe(card.token)
        for name in FACE:
            if told.get(name):
                setattr(card, name, told[name])
        card.payment_method = method
    return _keep(user, method, card)


def _keep(user: Any, method: PaymentMethod, card: CreditCard) -> WalletEntry:
    known = CreditCard.objects.filter(payment_method=card.payment_method, token=card.token)
    try:
        with transaction.atomic():
            kept = known.first() if card.payment_method else None
            if kept is None:
                card.user, card.to_keep = user, True
                card.save()
                kept = card
            elif kept.forgotten_at is not None and kept.user_id == user.pk:
                known.update(forgotten_at=None, to_keep=True)
                kept.refresh_from_db()
            return Wallet(user).add(kept, method)
    except IntegrityError:  # Somebody was quicker with the same card.
        return Wallet(user).add(known.get(), method)
    except PermissionDenied as error:
        raise PaymentDeclined("This card is kept for another customer.", "card_declined") from error


def _options(user: Any, token: str, currency: str) -> GatewayOptions:
    """What a payment would say of its customer. The key is the token's: entered once, kept once."""
    email = user.email or user.get_username()
    drawn = sha256(f"{user.pk}:{token}".encode()).hexdigest()[:32]
    return {
        "email": email,
        "customer": email,
        "customer_id": user.pk,
        "currency": currency,
        "idempotency_key": f"wallet-{drawn}",
    }
