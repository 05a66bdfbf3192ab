"""How a card's brand is written for people: {{ card.brand|brand }}."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

register = template.Library()

NAMES = {"master": "Mastercard", "american_express": "American Express", "diners_club": "Diners Club", "jcb": "JCB"}


@register.filter
def brand(name: str) -> str:
    return NAMES.get(name) or name.replace("_", " ").title() or _("Card")
