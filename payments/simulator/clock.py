"""The provider's time: the machine's, moved by an offset that tests and the console set. Milliseconds since 1970."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

SECOND = 1000
DAY = 86_400 * SECOND


def machine_time() -> int:
    return time.time_ns() // 1_000_000


class Clock:
    """`now()` is what the provider believes the time to be, in milliseconds."""

    def __init__(self, source: Callable[[], int] = machine_time) -> None:
        self.source = source
        self.offset = 0

    def now(self) -> int:
        return self.source() + self.offset


def iso(moment: int | None) -> str | None:
    """Milliseconds as `2026-11-22T04:13:31.123Z`; None stays None."""
    if moment is None:
        return None
    seconds, rest = divmod(moment, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def milliseconds(text: str) -> int:
    """The reverse of `iso`, for any ISO 8601 time; one without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * DAY + since.seconds * SECOND + since.microseconds // 1000
