"""How a long run shows where it is: a live line in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from payments.batch import Result
from payments.pacing import Pacing

EVERY = 5.0  # Seconds between two plain lines.


class Progress:
    """Counts what is handled; `line()` says it."""

    def __init__(self, *, total: int, pacing: Pacing) -> None:
        self.total, self.pacing = total, pacing
        self.counts: Counter[Result] = Counter()
        self.begun = time.monotonic()

    def count(self, result: Result) -> None:
        self.counts[result] += 1

    @property
    def handled(self) -> int:
        return sum(self.counts.values())

    def line(self) -> str:
        seconds = max(time.monotonic() - self.begun, 0.001)
        asked = self.handled - self.counts[Result.HELD]
        rate, left = asked / seconds, max(self.total - self.handled, 0)
        parts = [f"{self.counts[result]} {result}" for result in Result] + [f"{left} left", f"{rate:.1f}/s"]
        if rate and left:
            parts.append(f"about {_span(left / rate)} to go")
        parts += [f"{method} pauses {pause:.0f} s" for method, pause in self.pacing.paused().items()]
        return ", ".join(parts)


@contextmanager
def show(progress: Progress, out: Any, *, plain: bool) -> Iterator[None]:
    """Tell where the run is, until the block ends. Nothing is told where the output is for a program (`plain`)."""
    if plain:
        yield
        return
    live = bool(getattr(out, "isatty", lambda: False)())
    over = threading.Event()
    teller = threading.Thread(target=_tell, args=(progress, out, over, live), daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell(progress: Progress, out: Any, over: threading.Event, live: bool) -> None:
    while not over.wait(0.5 if live else EVERY):
        out.write(f"\r\x1b[2K{progress.line()}" if live else progress.line(), ending="" if live else "\n")
        out.flush()
    if live:
        out.write("\r\x1b[2K", ending="")


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
