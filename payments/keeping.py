"""Keeping a card at its provider, and having it forgotten there: reactions, so that money never waits for them."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from payments.errors import GatewayError, PaymentBusy, PaymentDeclined, UnsupportedAction
from payments.models import CreditCard, Operation, Payment, PaymentMethod, Reaction, WalletEntry
from payments.models.states import DEAD, State
from payments.wallet import Wallet, queue_forgetting

logger = logging.getLogger(__name__)


# Receivers


def remember_source(reaction: Reaction) -> None:
    """`order.completed`: put what its customer asked us to keep into the wallet, as the default.

    Whatever happens here, the payment is what it is. Raises GatewayError where the provider did not answer, so that it
    is tried again, and PaymentBusy while a payment of the order has no end yet.
    """
    number = reaction.key.partition(":")[0]
    paid = Payment.objects.filter(order__number=number, order__user__isnull=False).exclude(source_type="")
    payments = paid.exclude(state__in=DEAD).select_related("credit_card", "payment_method", "order")
    wished = [payment for payment in payments if getattr(payment.source, "to_keep", False)]
    for payment in sorted(wished, key=lambda each: (each.source_id, each.pk)):
        if payment.state in (State.PENDING, State.COMPLETED):
            keep(payment)
        elif payment.state == State.PROCESSING:
            raise PaymentBusy(f"Payment {payment.number} has no end yet; its card is kept after that.")


def forget_at_provider(reaction: Reaction) -> None:
    """`card.forgotten`: have the provider forget it. Raises GatewayError, to be tried again, where it did not."""
    pk = int(reaction.key.partition(":")[0])
    card = CreditCard.objects.select_related("payment_method").filter(pk=pk).first()
    if card is None or card.payment_method is None or card.forgotten_at is None:
        return  # Nobody keeps it, or its owner has kept it anew since.
    try:
        card.payment_method.build_gateway().forget(card)
    except UnsupportedAction as error:
        logger.warning("Card %s is forgotten here alone: %s", card.pk, error)


# Keeping


def keep(payment: Payment) -> WalletEntry | None:
    """Have the provider keep what this payment was made with, and put it into its customer's wallet.

    None for what cannot be kept: a guest's, one that the provider declines to keep or that somebody else has. A card
    that is known already is found again. What is new in the wallet becomes the default; what was there stays as it is.
    Raises GatewayError where the provider did not answer; safe to repeat.
    """
    owner = payment.order.user_id
    if owner is None or payment.state not in (State.PENDING, State.COMPLETED):
        return None
    card = _kept_card(payment, owner)
    if card is None or not card.is_reusable or card.user_id not in (None, owner):
        return None
    with transaction.atomic():
        wallet = Wallet(get_user_model()._default_manager.get(pk=owner))
        known = wallet.entries().filter(source_type="credit_card", source_id=card.pk).first()
        if known is not None:
            return known
        return wallet.make_default(wallet.add(card, payment.payment_method))


def _kept_card(payment: Payment, owner: int) -> CreditCard | None:
    """The card with the token that its provider keeps; None if it keeps none."""
    method, source = payment.payment_method, payment.source
    if isinstance(source, CreditCard) and (source.payment_method_id or not method.capabilities.saved_sources):
        return source  # Kept already, or its token is all there is.
    try:
        if isinstance(source, CreditCard):
            return _store(payment, source, owner)
        token = method.build_gateway().kept_card(payment.response_code)
        return _found_again(method, token, owner) or _new_card(payment, token, owner) if token else None
    except (PaymentDeclined, UnsupportedAction) as error:
        logger.info("Payment %s: its card is not kept: %s", payment.number, error)
        return None


def _store(payment: Payment, card: CreditCard, owner: int) -> CreditCard | None:
    if card.forgotten_at or not card.token or card.user_id not in (None, owner):
        return None
    asked = Operation.objects.filter(payment__source_type="credit_card", payment__source_id=card.pk)
    if asked.filter(state__in=("open", "unknown")).exists():
        raise PaymentBusy("A payment with this card has no answer yet, and may have to be asked for again as it was.")
    options = payment.gateway_options()
    options["idempotency_key"] = f"{payment.number}-store-{card.pk}"  # Asked again, the provider keeps it once.
    method = payment.payment_method
    token = method.build_gateway().store(card, options)
    if not token:
        raise GatewayError(f"The provider of {method} has kept a card and did not say as what.")
    written: dict[str, Any] = {"token": token, "payment_method": method, "user": owner}
    try:
        with transaction.atomic():
            CreditCard.objects.filter(pk=card.pk).update(**written)
            held = CreditCard.objects.select_for_update(no_key=True).get(pk=card.pk)
            if held.forgotten_at:  # Meanwhile its owner thought better of it.
                queue_forgetting(card.pk)
            return held
    except IntegrityError:
        return _found_again(method, token, owner)


def _new_card(payment: Payment, token: str, owner: int) -> CreditCard | None:
    """A card that was typed at the provider, as the provider describes it."""
    method = payment.payment_method
    told = method.build_gateway().describe_kept(token, payment.response_code)
    face = {name: told[name] for name in ("brand", "last_four", "month", "year", "name") if told.get(name)}
    if not face.get("month") or not face.get("year"):
        raise GatewayError(f"The provider of {method} has kept a card and does not say when it expires.")
    try:
        with transaction.atomic():
            made: CreditCard = CreditCard.objects.create(
                token=token, payment_method=method, user_id=owner, to_keep=True, **face
            )
            return made
    except IntegrityError:
        return _found_again(method, token, owner)


def _found_again(method: PaymentMethod, token: str, owner: int) -> CreditCard | None:
    """The card of this token that we know already, if it is its owner's: one that was forgotten is taken up again."""
    known = CreditCard.objects.filter(payment_method=method, token=token).first()
    if known is None:
        return None
    if known.user_id not in (None, owner):
        logger.warning("Card %s belongs to somebody else and is not kept a second time", known.pk)
        return None
    if known.forgotten_at is not None:
        CreditCard.objects.filter(pk=known.pk).update(forgotten_at=None, to_keep=True)
        known.refresh_from_db()
    return known
