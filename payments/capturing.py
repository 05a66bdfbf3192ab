"""Captures by many workers and few statements: one thread claims, the workers only ask, another writes what they hear.

What is claimed waits for its worker and its turn, but never longer than HEAD_START: recovery counts on that. What is
not sent by then is called off, for it surely never happened. What a group cannot do, a worker does alone.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db import connections

from payments.errors import GatewayUnavailable
from payments.gateways.base import Response
from payments.logs import about
from payments.models.asking import HEAD_START, answer_of, hear, lend_connection
from payments.models.claim import Claim
from payments.models.gathering import MOST
from payments.models.grouping import Answered, Claimed, claim_captures, settle_together
from payments.models.operation import Operation
from payments.outcomes import BATCH, TRIES, Candidate, Handled, Result, handle, outcome, too_late
from payments.pacing import Pacing, Turn
from payments.workers import WAITING

logger = logging.getLogger("payments.batch")

AHEAD = 0.15  # Seconds for which work is claimed ahead, so that no worker waits for the next claim.
LINGER = 0.02  # Seconds that an answer waits for others to be written with.
LOOK_UP = 0.5  # Seconds after which the claiming thread looks around, whatever happens.
CLEAR = (Operation.State.SUCCEEDED, Operation.State.DECLINED, Operation.State.WAITING)
END = None
Heard = Response | GatewayUnavailable


@dataclass(frozen=True, slots=True)
class Job:
    """One payment that is claimed, on its way. Sent after `before`, it might be taken for lost."""

    candidate: Candidate
    claim: Claim
    operation: Operation
    turn: Turn
    before: float
    tries: int


class Capturing:
    """One run. `run()` belongs to the caller's thread, which reads the candidates and claims."""

    def __init__(self, candidates: Iterator[Candidate], *, pacing: Pacing, workers: int) -> None:
        self.candidates, self.pacing, self.workers = candidates, pacing, workers
        self.read: deque[Candidate] = deque()
        self.more = True  # Whether there may be candidates that are not read.
        self.tried: dict[int, int] = {}  # How often those were asked for that are to be asked for again.
        self.todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[tuple[Job, Heard] | None] = queue.SimpleQueue()
        self.news: queue.SimpleQueue[Handled | Job | BaseException | None] = queue.SimpleQueue()
        self.out = 0  # Handed over, and what became of it is not known here.
        self.busy = 0  # Of these, not asked yet or being asked.
        self.lock = threading.Lock()
        self.heard_at: deque[float] = deque(maxlen=workers)

    def run(self) -> Iterator[Handled]:
        asking = [threading.Thread(target=self._work, daemon=True) for _number in range(self.workers)]
        writing = threading.Thread(target=self._write, daemon=True)
        for thread in (*asking, writing):
            thread.start()
        try:
            while self._refill() or self.out:
                yield from self._held_back()
                self._claim()
                yield from self._what_became()
        finally:  # Nothing new is begun; what has begun is finished.
            for _thread in asking:
                self.todo.put(END)
            for thread in asking:
                thread.join()
            self.answers.put(END)
            writing.join()
            while not self.todo.empty():  # What the writer left to a worker when nobody worked any more.
                if (do := self.todo.get()) is not END:
                    do()

    # The caller's thread

    def _refill(self) -> bool:
        while self.more and len(self.read) < self.workers * WAITING:
            candidate = next(self.candidates, None)
            if candidate is None:
                self.more = False
            else:
                self.read.append(candidate)
        return bool(self.read)

    def _held_back(self) -> Iterator[Handled]:
        held = [each for each in self.read if each.held]
        if held:
            self.read = deque(each for each in self.read if not each.held)
        for each in held:
            yield Handled(candidate=each, result=Result.HELD, said=each.held)

    def _claim(self) -> None:
        """Claim as much as there is room for, together; whoever is passed over goes alone."""
        picked = self._picked(self._room(self.busy))
        if not picked:
            return
        before = time.monotonic() + HEAD_START.total_seconds()
        claimed: dict[int, Claimed] = {}
        try:
            claimed = claim_captures([candidate.pk for candidate, _turn in picked], by=BATCH)
        except Exception:
            logger.exception("A group could not be claimed: its payments go alone")
        for candidate, turn in picked:
            self.out += 1
            found, tries = claimed.get(candidate.pk), self.tried.pop(candidate.pk, 0) + 1
            if found is None:
                self._hand_over(partial(self._alone, candidate, turn, TRIES + 1 - tries))
            elif found.operation is None:
                self.pacing.give_back(candidate.method, turn)
                self.news.put(_refused(candidate, found))
            else:
                job = Job(candidate, found.claim, found.operation, turn, before, tries)
                self._hand_over(partial(self._ask, job))

    def _room(self, busy: int) -> int:
        """For how many more there is work soon, going by the last answers; a few are not worth a group."""
        heard = list(self.heard_at)
        if not heard:
            return 1 - busy  # The first one opens the way: what it loads and builds makes it slow.
        a_second = len(heard) / max(time.monotonic() - heard[0], 0.001)
        ahead = min(int(a_second * AHEAD), self.workers)
        room = self.workers + ahead - busy
        return min(room, MOST) if busy < self.workers or room >= max(ahead // 2, 1) else 0

    def _picked(self, most: int) -> list[tuple[Candidate, Turn]]:
        """The next ones whose turn comes soon, of different orders; the others stay where they are."""
        picked: list[tuple[Candidate, Turn]] = []
        left: deque[Candidate] = deque()
        orders, not_now = set(), set()
        within: dict[str, float] = {}  # Begun when half of what is ahead is left, so that groups are worth it.
        for candidate in self.read:
            turn = None
            if len(picked) < most and candidate.order not in orders and candidate.method not in not_now:
                turn = self.pacing.reserve(candidate.method, within=within.get(candidate.method, AHEAD / 2))
                within[candidate.method] = AHEAD
                if turn is None:
                    not_now.add(candidate.method)
            if turn is None:
                left.append(candidate)
            else:
                picked.append((candidate, turn))
                orders.add(candidate.order)
        self.read = left
        return picked

    def _hand_over(self, do: Callable[[], None]) -> None:
        with self.lock:
            self.busy += 1
        self.todo.put(do)

    def _what_became(self) -> Iterator[Handled]:
        """What is known by now; wait for the first of it, or until the next one may be claimed."""
        methods = {each.method for each in self.read} if self.busy < self.workers else ()
        turns = [max(self.pacing.until_next(method) - AHEAD / 2, 0.005) for method in methods]
        lend_connection()
        try:
            known = [self.news.get(timeout=min([LOOK_UP, *turns]))]
        except queue.Empty:
            return
        known += [self.news.get() for _more in range(self.news.qsize())]
        for news in known:
            if isinstance(news, BaseException):
                raise news
            if isinstance(news, Job):  # Surely not done: it may be asked for again.
                self.out -= 1
                self.read.appendleft(news.candidate)
                self.tried[news.candidate.pk] = news.tries
            elif news is not None:
                self.out -= 1
                yield news

    # The workers

    def _work(self) -> None:
        try:
            while (do := self.todo.get()) is not END:
                try:
                    do()
                except BaseException as error:  # noqa: BLE001 (raised again where the run is waited for)
                    self.news.put(error)
                lend_connection()
        finally:
            connections.close_all()

    def _ask(self, job: Job) -> None:
        """Send what is claimed, in its turn. What it comes to is the writer's, unless it has to be looked up."""
        with about(order=job.candidate.order, payment=job.candidate.payment):
            heard: Response | Exception
            if self.pacing.take(job.candidate.method, job.turn) and time.monotonic() < job.before:
                heard = hear(job.claim, job.operation, by=BATCH)
                self.heard_at.append(time.monotonic())
                if isinstance(heard, Response):
                    self.pacing.heard(job.candidate.method, job.turn)
            else:
                heard = GatewayUnavailable("It was not sent.", retry_after=0)
        self._free()
        if isinstance(heard, Response) or (isinstance(heard, GatewayUnavailable) and heard.retry_after is not None):
            self.answers.put((job, heard))
        else:
            self._take_in(job, heard)

    def _alone(self, candidate: Candidate, turn: Turn, tries: int) -> None:
        handled = handle(candidate, "capture", pacing=self.pacing, tries=tries, turn=turn)
        self.heard_at.append(time.monotonic())
        self._free()
        self.news.put(handled)

    def _free(self) -> None:
        """A worker will be free: the caller's thread is told where it can claim then."""
        with self.lock:
            self.busy -= 1
            busy = self.busy
        if self._room(busy) > 0:
            self.news.put(None)

    def _take_in(self, job: Job, heard: Response | Exception) -> None:
        self._conclude(job, partial(job.claim.payment.take_in, job.claim, job.operation, heard, by=BATCH))

    def _make_sure(self, job: Job, settled: Operation, response: Response) -> None:
        self._conclude(job, partial(job.claim.payment.make_sure, job.claim, settled, response, by=BATCH))

    def _conclude(self, job: Job, do: Callable[[], Response]) -> None:
        with about(order=job.candidate.order, payment=job.candidate.payment):
            result, said = outcome(job.candidate, job.claim.payment, "capture", do, pacing=self.pacing)
        if result is None and job.tries < TRIES:
            self.news.put(job)
        else:
            self.news.put(Handled(candidate=job.candidate, result=result or Result.HELD, said=said))

    # The writer

    def _write(self) -> None:
        try:
            while (first := self.answers.get()) is not END:
                group, is_last = self._collected(first)
                self._settle(group)
                lend_connection()
                if is_last:
                    return
        except BaseException as error:  # noqa: BLE001 (raised again where the run is waited for)
            self.news.put(error)
        finally:
            connections.close_all()

    def _collected(self, first: tuple[Job, Heard]) -> tuple[list[tuple[Job, Heard]], bool]:
        """What has come since, and comes within a moment; and whether nothing comes after it."""
        group, until = [first], time.monotonic() + LINGER
        while len(group) < MOST:
            try:
                more = self.answers.get(timeout=max(until - time.monotonic(), 0))
            except queue.Empty:
                break
            if more is END:
                return group, True
            group.append(more)
        return group, False

    def _settle(self, group: list[tuple[Job, Heard]]) -> None:
        """Apply the answers together; what remains is applied alone, by a worker where that may take its time."""
        settled: dict[int, Operation] = {}
        answered = [Answered(job.claim, job.operation, heard) for job, heard in group if isinstance(heard, Response)]
        try:
            settled = settle_together(answered, by=BATCH) if answered else {}
        except Exception:
            logger.exception("Answers could not be written together: each is written alone")
        for job, heard in group:
            operation = settled.get(job.candidate.pk)
            if not isinstance(heard, Response):
                self._take_in(job, heard)
            elif operation is None:
                self.todo.put(partial(self._take_in, job, heard))
            elif operation.state in CLEAR:
                self._conclude(job, partial(answer_of, operation, heard))
            else:
                self.todo.put(partial(self._make_sure, job, operation, heard))


def _refused(candidate: Candidate, found: Claimed) -> Handled:
    if found.refusal is None:
        result, said = too_late(found.claim.payment)
    else:
        result, said = Result.HELD, str(found.refusal)
    return Handled(candidate=candidate, result=result, said=said)
