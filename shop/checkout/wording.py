"""Names that customers know: of a card, and of what a payment is made with."""

from __future__ import annotations

from django.utils.translation import gettext as _

from payments.models import CreditCard, Payment

BRANDS = {"master": "Mastercard", "jcb": "JCB"}  # The others are called what their names say.


def card_name(card: CreditCard) -> str:
    """Such as "Visa •••• 1111"."""
    brand = BRANDS.get(card.brand) or card.brand.replace("_", " ").title() or _("Card")
    return f"{brand} {card.display_number}"


def paid_with(payment: Payment) -> str:
    """The method, and the card where one was named."""
    method, source = str(payment.payment_method), payment.source
    return f"{method} · {card_name(source)}" if isinstance(source, CreditCard) else method
