"""Pulling the plug: every moment of a verb is counted, and at one of them the process is no more."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from django.db import connection, connections

from tests.drills.provider import BooksGateway


class PowerCut(BaseException):
    """Nobody names it, so nobody can catch it."""


class Plug:
    """Counts moments, and ends everything at number `at`: nothing is executed, asked or committed after it."""

    def __init__(self, at: int | None = None, *, moment: str = "", cut: Callable[[], None] | None = None) -> None:
        self.at = at
        self.moment = moment  # The first moment of this name, in place of a number.
        self.cut = cut or lose_the_connection
        self.moments: list[str] = []
        self.pulled = False

    def reach(self, moment: str) -> None:
        if self.pulled:
            raise PowerCut
        self.moments.append(moment)
        if len(self.moments) - 1 == self.at or moment == self.moment:
            self.pulled = True
            self.cut()
            raise PowerCut(moment)

    @contextmanager
    def watching(self) -> Iterator[Plug]:
        """Every statement, every COMMIT and every call of the provider is a moment before and one after."""
        database: Any = connection
        commit = database._commit

        def statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            name = " ".join(sql.split())[:70]
            self.reach(f"before {name}")
            result = execute(sql, params, many, context)
            self.reach(f"after {name}")
            return result

        def watched_commit() -> None:
            self.reach("before COMMIT")
            commit()
            self.reach("after COMMIT")

        unwatched = vars(BooksGateway)["watch"]
        BooksGateway.watch = staticmethod(self.reach)
        database._commit = watched_commit
        try:
            with connection.execute_wrapper(statement):
                yield self
        finally:
            del database._commit
            BooksGateway.watch = unwatched


def lose_the_connection() -> None:
    """What the database does when its client is gone: the transaction that was not committed never was."""
    if connection.connection is not None:
        connection.connection.rollback()


def kill_this_process() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def fresh_connection() -> None:
    connection.run_on_commit = []  # They died with the process; SQLite in memory keeps its connection.
    connection.close()


def by_power_cut(act: Callable[[], object], plug: Plug) -> None:
    """Run `act` until the plug is pulled, if it is, then start over with a fresh connection."""
    try:
        with plug.watching():
            act()
    except BaseException:
        if not plug.pulled:
            raise
    finally:
        fresh_connection()


def by_sigkill(act: Callable[[], object], plug: Plug) -> None:
    """The same in a child process that is killed; the parent's plug learns whether it was."""
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Forking beside pytest's threads.
        child = os.fork()
    if child == 0:
        plug.cut = kill_this_process
        code = 1
        try:
            by_power_cut(act, plug)
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    plug.pulled = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not plug.pulled and os.waitstatus_to_exitcode(status):
        raise AssertionError("The child that was to be killed failed by itself.")
