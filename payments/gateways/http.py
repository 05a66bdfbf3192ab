"""How a gateway without an SDK speaks HTTP: bounded in time and size, and asked again only where that is safe.

    self.http = Http(config["base_url"], headers={"Authorization": f"Bearer {config['secret_key']}"}, patience=PATIENCE)
    reply = self.http.ask("POST", "/v1/payments", body={"amount": 1000}, key=options["idempotency_key"])

What comes back is an answer: a status below 500 and a JSON object. Everything else is GatewayUnavailable.
"""

from __future__ import annotations

import http.client
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from payments.errors import GatewayError, GatewayUnavailable

LARGEST_ANSWER, CHUNK = 1_000_000, 65_536  # Bytes.
TROUBLE = (OSError, http.client.HTTPException, HTTPError)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a call waits. A gateway's `longest_call` is `PATIENCE.longest`, so that it is true."""

    connect_ms: int = 3_000
    answer_ms: int = 10_000  # From the connection to the last byte of the answer, however slowly it drips.
    tries: int = 2  # Again after "too many requests" only.
    longest_pause_s: int = 5  # A provider that asks for a longer one is not waited for.

    @property
    def longest(self) -> timedelta:
        pauses = (self.tries - 1) * self.longest_pause_s
        return timedelta(milliseconds=self.tries * (self.connect_ms + self.answer_ms), seconds=pauses)


class Wire(Protocol):
    """What carries one request: urllib3, or a provider's stand-in inside a test."""

    def request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers with lower-case names, body. Raises OSError and HTTPException, as a socket would."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of the provider: a status below 500, and its JSON object with decimals in place of floats."""

    status: int
    data: Mapping[str, Any]


class Http:
    """One provider at one address. `headers` go with every request; nothing of them is ever part of an error."""

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        patience: Patience,
        wire: Wire | None = None,
        plain: bool = False,
        pause: Callable[[int], None] = time.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise GatewayError("The provider's address is to be like https://api.example.com.")
        if parts.scheme == "http" and not plain and parts.hostname not in LOOPBACK:
            raise GatewayError("The provider's address is to begin with https: what is sent there is secret.")
        if not all(value.isprintable() and value.isascii() for value in headers.values()):
            raise GatewayError("A secret of this payment method has characters that no key has, such as a line break.")
        self.host, self.prefix = parts.hostname, parts.path.rstrip("/")
        self.headers, self.patience, self.pause = headers, patience, pause
        self.wire: Wire = wire or Line(parts.scheme, parts.hostname, parts.port, patience)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> Reply:
        """One question and its answer. Raises GatewayUnavailable for silence, 5xx, 429 and what cannot be read.

        It is asked again only when the provider refused it for being too busy, said when to come back, and a second
        asking cannot do the deed twice: it has an idempotency key, or it is a GET.
        """
        target = self.prefix + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **self.headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Idempotency-Key"] = key
        content = b"" if body is None else json.dumps(body).encode()
        for tries_left in reversed(range(self.patience.tries)):
            status, told, said = self.carry(method, target, content, headers)
            if status != http.HTTPStatus.TOO_MANY_REQUESTS:
                return self._read(status, said)
            wait = seconds_to_wait(told.get("retry-after"))
            short = wait is not None and wait <= self.patience.longest_pause_s
            if not (tries_left and short and (key or method == "GET")):
                break
            self.pause(wait or 0)
        raise GatewayUnavailable(f"{self.host} is asked too often at the moment.", retry_after=wait)

    def carry(
        self, method: str, target: str, content: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request as it is, for an SDK that writes and reads by itself. Raises GatewayUnavailable for silence."""
        try:
            return self.wire.request(method, target, content, headers)
        except TROUBLE as trouble:
            late = isinstance(trouble, TimeoutError) or "Timeout" in type(trouble).__name__
            how = "did not answer in time" if late else "could not be reached, or hung up"
            raise GatewayUnavailable(f"{self.host} {how} ({type(trouble).__name__}).") from trouble

    def _read(self, status: int, content: bytes) -> Reply:
        if not (200 <= status < 300 or 400 <= status < 500) or status in (408, 425):
            raise GatewayUnavailable(f"{self.host} answered with status {status}.")
        if status == http.HTTPStatus.NO_CONTENT:
            return Reply(status=status, data={})
        try:
            data = json.loads(content, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise GatewayUnavailable(f"{self.host} answered with something that is no JSON.") from error
        if not isinstance(data, dict):
            raise GatewayUnavailable(f"{self.host} answered with something that is no JSON object.")
        return Reply(status=status, data=data)


def segment(name: str) -> str:
    """A name from outside as one step of a path, so that it cannot lead anywhere else."""
    return quote(name, safe="")


def seconds_to_wait(value: str | None) -> int | None:
    """The seconds of a Retry-After header; None if it has none, or a date."""
    return int(value) if value and value.strip().isdecimal() else None


class Line:
    """One connection for each request, by urllib3: a kept one that the provider has closed looks like a lost answer."""

    def __init__(self, scheme: str, host: str, port: int | None, patience: Patience) -> None:
        self.kind = HTTPSConnection if scheme == "https" else HTTPConnection
        self.host, self.port, self.patience = host, port, patience

    def request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        connection = self.kind(self.host, self.port, timeout=self.patience.connect_ms / 1000)
        began = time.monotonic_ns()
        try:
            connection.connect()
            if time.monotonic_ns() - began > self.patience.connect_ms * 1_000_000:  # Slow names, several addresses.
                raise TimeoutError("connecting took too long")
            connection.sock = Deadline(connection.sock, self.patience.answer_ms)
            connection.request(
                method, target, body=body or None, headers=headers, preload_content=False, decode_content=False
            )
            answer = connection.getresponse()
            content = read_all(answer)
        finally:
            connection.close()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, content


def read_all(answer: BaseHTTPResponse) -> bytes:
    """The whole body. Raises HTTPException for one that is too large, HTTPError for one that ends too early."""
    content = b""
    while part := answer.read(CHUNK):  # The read that finds nothing more compares the length with what was announced.
        content += part
        if len(content) > LARGEST_ANSWER:
            raise http.client.HTTPException("the answer is too large")
    return content


class Deadline:
    """A connected socket that is over at one moment: its own time-out would begin anew with every byte that drips."""

    def __init__(self, connected: Any, milliseconds: int) -> None:
        self.connected, self.over_at = connected, time.monotonic() + milliseconds / 1000

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connected, name)

    def settimeout(self, seconds: float | None) -> None:
        """The time that is left is the only one: what urllib3 would set is not asked for."""

    def start(self) -> None:
        """Let one call last as long as time is left. Raises TimeoutError where none is."""
        left = self.over_at - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self.connected.settimeout(left)

    def sendall(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            self.start()
            left = left[self.connected.send(left) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(Incoming(self, self.connected.makefile(mode, buffering=0)))


class Incoming(io.RawIOBase):
    """What is read from it, call by call within its deadline."""

    def __init__(self, deadline: Deadline, raw: io.RawIOBase) -> None:
        self.deadline, self.raw = deadline, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self.deadline.start()
        return self.raw.readinto(buffer)

    def close(self) -> None:
        super().close()
        self.raw.close()
