"""Who is at the door: as an actor, and by the address that the request came from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

from payments.actors import Actor, Origin


def actor_of(request: HttpRequest) -> Actor:
    user = request.user if request.user.is_authenticated else None
    return Actor(Origin.CHECKOUT, user)


def ip_of(request: HttpRequest) -> str | None:
    """The visitor's IP address. Behind a proxy of ours the one that it has seen: the last that was added."""
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
