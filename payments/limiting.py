"""How often somebody for whom nothing vouches may have us ask a provider: each unsigned notice costs a question.

Counted in this process, or for all of them together at PAYMENTS["LIMITS_STORAGE"], an address of the library `limits`.
"""

from __future__ import annotations

import ipaddress
import math
import time
from functools import cache

from django.conf import settings
from django.http import HttpRequest
from limits import RateLimitItem, parse_many
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter


class TooManyNotices(Exception):
    """Nobody was asked. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many unsigned notices: try again in {retry_after} s.")
        self.retry_after = retry_after


def ip_of(request: HttpRequest) -> str | None:
    """The sender's IP address. Behind a proxy of ours the one that it has seen: the last that was added."""
    seen = str(request.META.get("REMOTE_ADDR") or "")
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        seen = str(request.META.get("HTTP_X_FORWARDED_FOR") or seen).rpartition(",")[2]
    try:
        found = ipaddress.ip_address(seen.strip())
    except ValueError:
        return None
    return str(getattr(found, "ipv4_mapped", None) or found)


def network_of(ip: str | None) -> str | None:
    """What limits count: an IPv6 address as its network, for whoever has one has 2**64 of them."""
    if not ip or ":" not in ip:
        return ip
    return str(ipaddress.IPv6Network((ip, 64), strict=False).network_address)


def sender_of(request: HttpRequest) -> str:
    """As limits count whoever has sent it; "" without an address."""
    return network_of(ip_of(request)) or ""


def admit(code: str, sender: str) -> None:
    """Count an unsigned notice for the payment method `code`. Raises TooManyNotices."""
    limiter = _limiter(str(settings.PAYMENTS.get("LIMITS_STORAGE") or "memory://"))
    for limit in _limits(str(settings.PAYMENTS.get("UNSIGNED_NOTICES_PER_IP", ""))):
        if not limiter.hit(limit, code, sender):
            free_at = limiter.get_window_stats(limit, code, sender).reset_time
            raise TooManyNotices(max(1, math.ceil(free_at - time.time())))


@cache
def _limiter(storage: str) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(storage))


@cache
def _limits(said: str) -> tuple[RateLimitItem, ...]:
    return tuple(parse_many(said)) if said else ()
