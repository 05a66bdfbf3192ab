"""Who is at the door: as an actor, and by the address that the request came from."""

from __future__ import annotations

from django.http import HttpRequest

from payments.actors import Actor, Origin
from payments.limiting import ip_of, network_of

__all__ = ["actor_of", "ip_of", "network_of"]


def actor_of(request: HttpRequest) -> Actor:
    user = request.user if request.user.is_authenticated else None
    return Actor(Origin.CHECKOUT, user)
