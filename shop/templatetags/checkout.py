"""What the pages of checkout write in one way: {{ address.country|country }}, {{ payment|paid_with }}."""

from __future__ import annotations

from django import template

from shop.checkout import countries, wording

register = template.Library()
register.filter("country", countries.name_of)
register.filter("card_name", wording.card_name)
register.filter("paid_with", wording.paid_with)
