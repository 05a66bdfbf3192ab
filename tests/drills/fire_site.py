"""Our site under fire: processes that take the provider's notices over HTTP, killed and replaced like any other."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from django.urls import get_resolver

from shop.demo.site import make_server

PROCESSES = 2


class Site:
    """One address, at which several processes answer. Whoever is killed drops what it was at, and another comes."""

    def __init__(self) -> None:
        self.server = make_server()  # It only listens; the processes that inherit it answer.
        assert get_resolver().url_patterns  # Everything is imported before they are born.
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.pids: list[int] = []
        self.kills = 0

    def start(self) -> None:
        while len(self.pids) < PROCESSES:
            self.pids.append(fork(self._serve))

    def kill_one(self) -> None:
        self._end(self.pids.pop(0))
        self.kills += 1
        self.start()

    def stop(self) -> None:
        while self.pids:
            self._end(self.pids.pop())
        self.server.server_close()

    def _serve(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self.server.serve_forever(0.05)

    def _end(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def fork(job: Any) -> int:
    """A child that does the job and is gone, whatever comes of it."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child
    try:
        os.nice(1)
        job()
    finally:
        os._exit(0)
