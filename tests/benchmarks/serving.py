"""A site under gunicorn with two workers, and clients that ask it as fast as it answers."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CLIENTS = 8
STARTS_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def served(application: str) -> Iterator[int]:
    """The port where two sync workers serve this WSGI application, until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    gunicorn = [str(Path(sys.executable).with_name("gunicorn")), "--workers", "2", "--log-level", "warning"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}  # Of static files that nobody has collected.
    process = subprocess.Popen([*gunicorn, "--bind", f"127.0.0.1:{port}", application], env=environment)
    try:
        _await(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit("gunicorn did not start; its error is above.")


def ask(port: int, requests: Sequence[Request]) -> tuple[float, list[float]]:
    """Requests a second by eight clients, and how long each took in milliseconds, sorted. Each has to answer 200."""
    took: list[float] = []
    failed: list[str] = []
    shares = [requests[number::CLIENTS] for number in range(CLIENTS)]
    threads = [threading.Thread(target=_send, args=(port, share, took, failed)) for share in shares]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if failed:
        sys.exit(failed[0])
    return len(requests) / seconds, sorted(took)


def _send(port: int, requests: Sequence[Request], took: list[float], failed: list[str]) -> None:
    """One client: a new connection for each request, until one of any client fails."""
    for each in requests:
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(each.method, each.path, each.body, dict(each.headers))
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            failed.append(f"{each.path} was not answered: {error!r}")
        else:
            if answer.status != 200:
                failed.append(f"{each.path} answered {answer.status}")
        finally:
            connection.close()
        if failed:
            return
        took.append((time.perf_counter() - began) * 1000)
