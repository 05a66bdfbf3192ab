"""What every page of the storefront may show: how much is in the cart, currencies, languages. Asked for if shown."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from shop import cart


def storefront(request: HttpRequest) -> dict[str, Any]:
    """A context processor."""
    return {
        "cart_count": SimpleLazyObject(lambda: cart.count_of(request)),
        "currency": SimpleLazyObject(lambda: cart.currency_of(request)),
        "currencies": settings.SHOP["CURRENCIES"],
        "languages": settings.LANGUAGES if len(settings.LANGUAGES) > 1 else [],
    }
