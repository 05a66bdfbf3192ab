"""The engine as a client meets it over a socket, without one: what a fault does to a connection is raised instead."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from payments.simulator import site
from payments.simulator.answers import Request
from payments.simulator.engine import Engine


class Transport:
    """Requests to an engine in this process, for tests that are to be fast. `timeout_ms` is the client's patience."""

    def __init__(self, engine: Engine, *, timeout_ms: int = 10_000) -> None:
        self.engine, self.timeout_ms = engine, timeout_ms

    def request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers with lower-case names, body. Raises ConnectionResetError, TimeoutError, IncompleteRead."""
        parts = urlsplit(target)
        named = {name.lower(): value for name, value in (headers or {}).items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(method=method, path=parts.path, query=query, headers=named, body=body)
        answer = site.respond(self.engine, request)
        if answer.fault in ("lost_request", "lost_answer"):
            raise ConnectionResetError("the connection was closed without an answer")
        if answer.delay_ms >= self.timeout_ms:
            raise TimeoutError("timed out")
        if answer.fault == "truncated_body":
            half = len(answer.body) // 2
            raise http.client.IncompleteRead(answer.body[:half], len(answer.body) - half)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body
