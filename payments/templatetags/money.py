"""The one way in which a template writes an amount: {{ order.total|money }}."""

from __future__ import annotations

from django import template

from payments.display import money_text
from payments.money import Money

register = template.Library()


@register.filter
def money(amount: Money) -> str:
    return money_text(amount)
