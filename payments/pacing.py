"""How fast a provider is asked: evenly, within its limit; slower when it says so; not at all while it is down."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

STRIKES = 5  # So many lost answers in a row, and the provider is down.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # Seconds.
LOOK_AGAIN = 1.0  # Who waits for a provider that is down notices within so many seconds that it is back.
SLACK = 0.005  # Of a second: clocks are not even.
CATCH_UP = 0.1  # Of a second: so much may be made up for where the provider has room, and no more at once.
SOON_ENOUGH = 1e-6
RECENT = 50  # Answers by which it is judged how fast a provider can be.


def a_little_below(rate: float) -> float:
    """As much in a second and the slack as the provider allows in a second."""
    return rate / (1 + SLACK)


@dataclass(slots=True, eq=False)
class Turn:
    """One request's: not before `at`, and not at all if the provider was found to be down since.

    `arrived`: when the provider had it, at the latest, as far as we know. Threads and networks are not always quick.
    """

    at: float
    pauses: int
    left: float = 0.0
    arrived: float = 0.0


@dataclass
class Pace:
    """One payment method's: when the next may be asked, and how often in a row no answer came."""

    spacing: float = 0.0
    next_at: float = 0.0
    strikes: int = 0
    pause: float = FIRST_PAUSE
    paused_until: float = 0.0
    pauses: int = 0  # How often somebody was told to wait.
    reserved: list[Turn] = field(default_factory=list)  # That have not left.
    last: deque[Turn] = field(default_factory=deque)  # As many as a second takes.
    took: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))  # Seconds until each answer.
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_after(self, waiting: int) -> float:
        """When one more may leave after so many: never do more arrive in a second than may, however late some do."""
        if len(self.last) < (self.last.maxlen or 0) or waiting >= len(self.last):
            return 0.0
        return self.last[waiting].arrived + len(self.last) * self.spacing

    def let_go(self, turn: Turn) -> None:
        if turn in self.reserved:
            self.reserved.remove(turn)


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
        while True:
            turn = self.reserve(method)
            if turn is None:
                self.sleep(min(self.until_next(method), LOOK_AGAIN))
            elif self.take(method, turn):
                return

    def reserve(self, method: str, *, within: float | None = None) -> Turn | None:
        """The next turn, which is the caller's from now on; None while nobody may, or if it is further off."""
        pace = self._of(method)
        with pace.lock:
            now = self.clock()
            even = max(pace.next_at, now - CATCH_UP) if pace.next_at else now
            at = max(now, even, pace.next_after(len(pace.reserved)))
            if pace.paused_until > now or (within is not None and at > now + within):
                return None
            pace.next_at = even + pace.spacing
            if pace.strikes >= STRIKES:
                self._pause(pace, now)  # For everybody else.
            turn = Turn(at, pace.pauses)
            if pace.spacing:
                pace.reserved.append(turn)
            return turn

    def take(self, method: str, turn: Turn) -> bool:
        """Sleep until it is this turn, and say whether it still holds: nobody asks a provider found to be down since.

        What woke late is not made up for by all that comes after it, lest the provider refuse one.
        """
        pace = self._of(method)
        while True:
            with pace.lock:
                now = self.clock()
                if pace.pauses != turn.pauses and pace.paused_until > now:
                    pace.let_go(turn)
                    return False
                free_at = max(turn.at, pace.next_after(0))
                if free_at - now < SOON_ENOUGH:
                    turn.left = turn.arrived = now
                    pace.let_go(turn)
                    if pace.spacing:
                        pace.last.append(turn)
                    return True
            self.sleep(free_at - now)

    def give_back(self, method: str, turn: Turn) -> None:
        """It is not needed: nothing is asked."""
        pace = self._of(method)
        with pace.lock:
            pace.let_go(turn)

    def heard(self, method: str, turn: Turn) -> None:
        """Its answer came now: it had arrived by as much earlier as the fastest of the last answers took."""
        pace = self._of(method)
        with pace.lock:
            now = self.clock()
            pace.took.append(now - turn.left)
            turn.arrived = max(turn.arrived, now - min(pace.took))

    def until_next(self, method: str) -> float:
        """Seconds until the next turn, as far as is known now."""
        pace = self._of(method)
        with pace.lock:
            return max(pace.next_at, pace.paused_until, pace.next_after(len(pace.reserved))) - self.clock()

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
                pace.pauses += 1
                return
            pace.strikes += 1
            if pace.strikes == STRIKES:
                self._pause(pace, now)

    def _pause(self, pace: Pace, now: float) -> None:
        pace.paused_until = now + pace.pause
        pace.pause = min(pace.pause * 2, LONGEST_PAUSE)
        pace.pauses += 1

    def paused(self) -> dict[str, float]:
        """Seconds until each paused method goes on."""
        now = self.clock()
        return {name: pace.paused_until - now for name, pace in self.paces.items() if pace.paused_until > now}

    def _of(self, method: str) -> Pace:
        with self.lock:
            if method not in self.paces:
                rate = self.rates.get(method, self.rates.get("", 0.0))
                spacing = 1 / a_little_below(rate) if rate else 0.0
                self.paces[method] = Pace(spacing=spacing, last=deque(maxlen=max(int(rate), 1)))
            return self.paces[method]
