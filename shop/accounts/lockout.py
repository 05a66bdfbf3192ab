"""What is said after too many sign-ins that failed, in the shop and at the admin's door, and how it is lifted."""

from __future__ import annotations

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse

from shop.limiting import TooMany, too_many


def response(request: HttpRequest, _original: Any = None, _credentials: Any = None) -> HttpResponse:
    """The same page as of every limit, whether there is such an account or not."""
    pause = get_cool_off(request)
    return too_many(request, TooMany(int(pause.total_seconds()) if pause else 3600))


def lift(username: str) -> None:
    """Whoever has proved that the mailbox is theirs is not held up by somebody else's guessing."""
    AxesProxyHandler.reset_attempts(username=username)
