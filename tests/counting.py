"""Counting statements as PostgreSQL sees them, and the transactions around them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE SAVEPOINT")


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that run inside, BEGIN, COMMIT and SAVEPOINT aside; filled in when the block ends."""
    ran: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield ran
    ran += [query["sql"] for query in captured if not query["sql"].startswith(BOUNDARIES)]


@contextmanager
def commits() -> Iterator[list[str]]:
    """The commits inside: real ones in a transactional test, outermost savepoints are not counted."""
    ran: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield ran
    ran += [query["sql"] for query in captured if query["sql"].startswith("COMMIT")]
