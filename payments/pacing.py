"""How fast a provider is asked: evenly, within its limit; slower when it says so; not at all while it is down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

STRIKES = 5  # So many lost answers in a row, and the provider is down.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # Seconds.
LOOK_AGAIN = 1.0  # Who waits for a provider that is down notices within so many seconds that it is back.


def a_little_below(rate: float) -> float:
    """Clocks and networks are not even: nearly one request in a second is kept in hand, at most 4 % of a low limit."""
    return rate - max(0.015 * rate, min(0.9, 0.04 * rate))


@dataclass
class Pace:
    """One payment method's: when the next may be asked, and how often in a row no answer came."""

    spacing: float = 0.0
    next_at: float = 0.0
    strikes: int = 0
    pause: float = FIRST_PAUSE
    paused_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Pacing:
    """Shared by the workers of a run. `rates`: requests a second by method code; "" holds for the others."""

    def __init__(
        self,
        rates: Mapping[str, float] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rates, self.clock, self.sleep = dict(rates or {}), clock, sleep
        self.paces: dict[str, Pace] = {}
        self.lock = threading.Lock()

    def wait(self, method: str) -> None:
        """Sleep until it is this request's turn. While a provider seems to be down, one at a time tries it."""
        pace = self._of(method)
        while True:
            with pace.lock:
                now = self.clock()
                pause = pace.paused_until - now
                mine = pause <= 0
                if mine:
                    turn = max(now, pace.next_at)
                    pace.next_at = turn + pace.spacing
                    pause = turn - now
                    if pace.strikes >= STRIKES:
                        self._pause(pace, now)
            if pause > 0:
                self.sleep(pause if mine else min(pause, LOOK_AGAIN))
            if mine:
                return

    def answered(self, method: str) -> None:
        """The provider is there: whoever waits for it goes on."""
        pace = self._of(method)
        with pace.lock:
            if pace.strikes >= STRIKES:
                pace.paused_until = 0.0
            pace.strikes, pace.pause = 0, FIRST_PAUSE

    def silent(self, method: str, *, retry_after: float | None = None) -> None:
        """No answer, or "not now": wait as long as the provider says, or ever longer once it seems to be down."""
        pace = self._of(method)
        with pace.lock:
            now = self.clock()
            if retry_after is not None:
                pace.paused_until = max(pace.paused_until, now + retry_after)
                return
            pace.strikes += 1
            if pace.strikes == STRIKES:
                self._pause(pace, now)

    def _pause(self, pace: Pace, now: float) -> None:
        pace.paused_until = now + pace.pause
        pace.pause = min(pace.pause * 2, LONGEST_PAUSE)

    def paused(self) -> dict[str, float]:
        """Seconds until each paused method goes on."""
        now = self.clock()
        return {name: pace.paused_until - now for name, pace in self.paces.items() if pace.paused_until > now}

    def _of(self, method: str) -> Pace:
        with self.lock:
            if method not in self.paces:
                rate = self.rates.get(method, self.rates.get("", 0.0))
                self.paces[method] = Pace(spacing=1 / a_little_below(rate) if rate else 0.0)
            return self.paces[method]
