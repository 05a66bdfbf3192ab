"""What an order refuses."""

from __future__ import annotations

from collections.abc import Sequence


class CannotComplete(Exception):
    """The order cannot be completed, or go a step further; `reasons` says why, a sentence each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(" ".join(self.reasons))
