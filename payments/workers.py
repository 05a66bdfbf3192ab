"""Many jobs by a few threads: fed as they are worked off, so that a million of them need no more memory than ten."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from django.db import connection, connections

from payments.models.asking import lend_connection

Job = TypeVar("Job")
Result = TypeVar("Result")
DONE = object()
WAITING = 2  # Jobs that wait for each worker: enough to keep it busy, few enough to be forgotten by a kill.


def work(jobs: Iterable[Job], do: Callable[[Job], Result], *, workers: int) -> Iterator[Result]:
    """Yield `do(job)` of each job as it is finished, in no order. `jobs` is read by the caller's thread alone.

    Each worker has a database connection of its own and gives it back at the end; with a pool, after each job, so
    that a job which waits for its turn holds none. A job that raises ends the run: `do` catches what one job may
    suffer. Whoever stops listening stops the feeding; what has begun is finished.
    """
    if workers <= 1 or shares_one_connection():
        yield from map(do, jobs)
        return
    todo: queue.Queue[object] = queue.Queue(maxsize=workers * WAITING)
    done: queue.Queue[tuple[Result | None, BaseException | None]] = queue.Queue()
    threads = [threading.Thread(target=_worker, args=(todo, done, do), daemon=True) for _number in range(workers)]
    for thread in threads:
        thread.start()
    try:
        yield from _fed(jobs, todo, done)
    finally:
        _drain(todo)
        for _thread in threads:
            todo.put(DONE)
        for thread in threads:
            thread.join()


def _fed(
    jobs: Iterable[Job], todo: queue.Queue[object], done: queue.Queue[tuple[Result | None, BaseException | None]]
) -> Iterator[Result]:
    """Put in what fits, take out what is finished, until every job that was put in has come out."""
    out = 0
    for job in jobs:
        todo.put(job)
        out += 1
        while out and (out >= todo.maxsize or not done.empty()):
            yield _result(done.get())
            out -= 1
    while out:
        yield _result(done.get())
        out -= 1


def _result(finished: tuple[Result | None, BaseException | None]) -> Result:
    result, error = finished
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def _worker(
    todo: queue.Queue[object],
    done: queue.Queue[tuple[Result | None, BaseException | None]],
    do: Callable[[Job], Result],
) -> None:
    try:
        while (job := todo.get()) is not DONE:
            try:
                done.put((do(job), None))  # type: ignore[arg-type]
            except BaseException as error:  # noqa: BLE001 (raised again where the run is waited for)
                done.put((None, error))
            lend_connection()
    finally:
        connections.close_all()


def _drain(todo: queue.Queue[object]) -> None:
    while True:
        try:
            todo.get_nowait()
        except queue.Empty:
            return


def shares_one_connection() -> bool:
    """A SQLite in memory is one connection for all threads: there the jobs take turns."""
    return connection.vendor == "sqlite" and connection.is_in_memory_db()  # type: ignore[attr-defined]
