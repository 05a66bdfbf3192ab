"""How a figure is shown: the median of its rounds, with the lowest and the highest."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from rich.console import Console

console = Console(width=None if sys.stdout.isatty() else 160)


def spread(values: Sequence[float], digits: int = 2) -> str:
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low}-{high})"
