"""The socket: HTTP in, one buffered answer out, and whatever the faults make of it."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.providers.braintree_server.books import Books
from tests.providers.braintree_server.browser import Browser
from tests.providers.braintree_server.deeds import Deeds
from tests.providers.braintree_server.faults import AFTERWARDS, Faults, changed, kind_of
from tests.providers.braintree_server.says import NotThere, Refused
from tests.providers.braintree_server.xml import NotXml, read, write

MERCHANT, PUBLIC_KEY, PRIVATE_KEY = "local_merchant", "local_public_key", "local_private_key_0123456789"


class BraintreeServer:
    """Braintree on this machine: `address` is where it listens; `books`, `faults` and `requests` are for tests."""

    def __init__(self, *, port: int = 0, page: int = 50, late_s: float = 2, **books: Any) -> None:
        self.books = Books(**{"accounts": {"shop_eur": "EUR", "shop_usd": "USD"}, **books})
        self.deeds, self.faults = Deeds(self.books, page=page), Faults()
        self.browser = Browser()
        self.requests: list[tuple[str, str, bytes]] = []  # Method, path, body.
        self.late_s = late_s
        self.http = _Http(("127.0.0.1", port), _Handler)
        self.http.provider = self
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def start(self) -> BraintreeServer:
        self.thread.start()
        return self

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, str, Any]:
        """One request, without faults. The caller has the lock of nothing."""
        steps = [step for step in urlsplit(path).path.split("/") if step]
        if _who(authorization) != (PUBLIC_KEY, PRIVATE_KEY):
            return 401, "", None
        if steps[:2] != ["merchants", MERCHANT]:
            return 403, "", None
        try:
            return self.deeds.do(method, steps[2:], read(body))
        except Refused as refusal:
            sent = read(body)
            return 422, "api_error_response", refusal.answer(next(iter(sent.values()), None))
        except NotThere:
            return 404, "", None
        except NotXml:
            return 400, "", None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    disable_nagle_algorithm = True
    request_queue_size = 64
    provider: BraintreeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # One packet an answer: two small ones wait for each other.
    disable_nagle_algorithm = True
    server: _Http

    def do_POST(self) -> None:
        provider = self.server.provider
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/web/"):
            return self._page(*provider.browser.answer(self.command, self.path, body, provider.address))
        provider.requests.append((self.command, self.path, body))
        steps = [step for step in urlsplit(self.path).path.split("/") if step][2:]
        fault = provider.faults.strike(kind_of(self.command, steps))
        if fault and fault not in AFTERWARDS:
            return self._before(fault)
        status, name, content = provider.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
        if fault == "error_after":
            return self._send(500, b"")
        if fault == "lost_answer":
            return self._hang_up()
        if fault == "late_answer":
            time.sleep(provider.late_s)
        said = write(name, changed(content, fault)) if name else b""
        if fault == "garbage":
            said = b"<html><p>the proxy is tired"
        self._send(status, said, half=fault == "truncated_body")

    do_GET = do_PUT = do_DELETE = do_POST

    def _before(self, fault: str) -> None:
        if fault == "lost_request":
            return self._hang_up()
        if fault == "rate_limited":
            return self._send(429, b"", retry_after=True)
        self._send(503, b"")

    def _send(self, status: int, said: bytes, *, half: bool = False, retry_after: bool = False) -> None:
        packed = "gzip" in self.headers.get("Accept-Encoding", "")
        content = gzip.compress(said, 1) if packed and said else said
        self.send_response(status)
        self.send_header("Content-Type", "application/xml; charset=utf-8")
        if packed and said:
            self.send_header("Content-Encoding", "gzip")
        if retry_after:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if half else content)
        self.wfile.flush()
        if half:
            self._hang_up()

    def _page(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Access-Control-Allow-Origin", "*")):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def _hang_up(self) -> None:
        self.close_connection = True
        # A reset: nobody waits for the other side to say good-bye.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_args: Any) -> None:
        """Nobody reads it."""


def _who(authorization: str) -> tuple[str, str]:
    scheme, _, coded = authorization.partition(" ")
    if scheme != "Basic":
        return "", ""
    name, _, password = b64decode(coded).decode().partition(":")
    return name, password
