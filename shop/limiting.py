"""How often somebody may try what can be used for guessing: by IP address, by e-mail, by account.

How many are too many is in settings.RATE_LIMITS, in the notation of the library `limits`: "10/hour;30/day". They are
counted in this process, or for all of them together at settings.RATE_LIMIT_STORAGE.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.crypto import salted_hmac
from limits import RateLimitItem, parse_many
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from shop.checkout.visitor import network_of


class TooMany(Exception):
    """Nothing was looked at. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts: try again in {retry_after} s.")
        self.retry_after = retry_after
        self.minutes = math.ceil(retry_after / 60)


def admit(limit: str, who: Any) -> None:
    """Count one attempt of `who`, kept as a keyed hash. Raises TooMany."""
    said = str(settings.RATE_LIMITS[limit])
    if not said or not who:
        return
    if limit.endswith("_PER_IP"):
        who = network_of(who)
    limiter = _limiter(str(settings.RATE_LIMIT_STORAGE))
    key = salted_hmac("shop.limiting", str(who), algorithm="sha256").hexdigest()[:32]
    for item in _parsed(said):
        if not limiter.hit(item, limit, key):
            free_at = limiter.get_window_stats(item, limit, key).reset_time
            raise TooMany(max(1, math.ceil(free_at - time.time())))


def limited(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view that may raise TooMany: answered with a page that says when to come back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except TooMany as stop:
            return too_many(request, stop)

    return guarded


def too_many(request: HttpRequest, stop: TooMany) -> HttpResponse:
    response = render(request, "shop/too_many.html", {"stop": stop}, status=429)
    response["Retry-After"] = str(stop.retry_after)
    response["Cache-Control"] = "private, no-store"
    return response


@cache
def _limiter(storage: str) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(storage))


@cache
def _parsed(said: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(said))
