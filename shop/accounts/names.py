"""An account is known by its e-mail address, written in one way."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

LONGEST = 150  # What Django's user name takes.


def plain(name: Any) -> str:
    """An address in small letters, as it is kept; the names of staff, which are no addresses, as they are."""
    text = str(name or "").strip()
    return text.casefold() if "@" in text else text


def counted_as(request: HttpRequest | None, credentials: Any) -> str | None:
    """Under which name sign-in attempts are counted, however it was typed."""
    given = (credentials or {}).get("username")
    if given is None and request is not None:
        given = request.POST.get("username")
    return plain(given) if given is not None else None
