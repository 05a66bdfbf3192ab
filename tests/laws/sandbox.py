"""One example's rows, taken back at its end; the verbs inside see no transaction around them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction


def examples(few: int) -> int:
    """How many examples a drill takes: DRILL_COUNT where it is given."""
    return int(os.environ.get("DRILL_COUNT", few))


@contextmanager
def undone() -> Iterator[None]:
    """A transaction as Django's own TestCase opens it, so that a durable block may stand in it."""
    around = transaction.atomic()
    around._from_testcase = True  # type: ignore[attr-defined]
    with around:
        try:
            yield
        finally:
            transaction.set_rollback(True)
