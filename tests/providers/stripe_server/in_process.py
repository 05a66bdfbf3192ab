"""The stand-in as something that carries a request, without a socket."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

from tests.providers.stripe_server.engine import Engine
from tests.providers.stripe_server.faults import Lost


class Transport:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sent: list[bytes] = []

    def request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        self.sent.append(target.encode() + b"\n" + body)
        try:
            return self.engine.handle(method, target, headers or {}, body)
        except Lost as lost:
            if lost.late:
                raise TimeoutError("the answer is late") from None
            if lost.answer is not None:
                raise http.client.IncompleteRead(lost.answer[2][:20]) from None
            raise ConnectionResetError("hung up") from None
