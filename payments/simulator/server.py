"""The engine behind a socket: HTTP/1.1 with keep-alive, faults done to the connection, webhooks on own threads."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from payments.simulator import site, webhooks
from payments.simulator.answers import Answer, Json, Refused, Request
from payments.simulator.books import LANES
from payments.simulator.engine import Engine
from payments.simulator.options import Options

LARGEST_BODY = 1_000_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ROUND_MS = 40  # How often the clock and the outgoing events are looked at.


class Simulator(ThreadingHTTPServer):
    """One provider at an address. `start()` serves in the background, `close()` ends it; `with` does both."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        database: str = ":memory:",
        options: Options | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        schedule: Json | None = None,
        public: bool = False,
        verbose: bool = False,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)
        self.stopping = threading.Event()
        self.public, self.verbose = public, verbose
        self.open_sockets: set[socket.socket] = set()
        named = {"localhost": "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)
        self.url = f"http://{named}:{self.server_address[1]}"
        options = options or Options()
        if options.base_url == Options.__dataclass_fields__["base_url"].default:
            options = replace(options, base_url=self.url)
        self.engine = Engine(database, options, schedule=schedule, sender=webhooks.send, wait=self.sleep)
        self.threads = [threading.Thread(target=self.serve_forever, args=(ROUND_MS / 1000,), daemon=True)]
        self.threads.append(threading.Thread(target=self.keep_time, daemon=True))

    def start(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def keep_time(self) -> None:
        """Do what comes due and send what is to be sent, each lane on its own thread."""
        busy: dict[int, Any] = {}
        with ThreadPoolExecutor(LANES, "webhooks") as lanes:
            while not self.stopping.wait(ROUND_MS / 1000):
                self.engine.run_due()
                for lane in self.engine.webhooks.due_lanes():
                    if lane not in busy or busy[lane].done():
                        busy[lane] = lanes.submit(self.engine.webhooks.deliver_due, lane)

    def sleep(self, milliseconds: int) -> None:
        """Let time pass, unless the end has come."""
        if milliseconds:
            self.stopping.wait(milliseconds / 1000)

    def close(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        for connection in list(self.open_sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(timeout=webhooks.PATIENCE)
        self.engine.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error; nor is what our own end cuts off."""
        if not self.stopping.is_set() and not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names us: on loopback, another name is a page on the web that points its name here."""
        name = host.rsplit(":", 1)[0].strip("[]")
        return self.public or name in LOOPBACK or host == urlsplit(self.engine.options.base_url).netloc


class Handler(BaseHTTPRequestHandler):
    """One connection: requests in, answers out, and what the fault says."""

    protocol_version = "HTTP/1.1"
    server_version = "Simulator/1"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120
    server: Simulator

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)
        with contextlib.suppress(ConnectionError):
            super().finish()

    def do_GET(self) -> None:
        self.exchange()

    do_POST = do_DELETE = do_GET

    def exchange(self) -> None:
        try:
            answer = self.answer(self.read_request())
        except Refused as refused:
            answer = refused.answer()
            self.close_connection = True
        if answer.fault in ("lost_request", "lost_answer"):
            self.drop()
            return
        self.server.sleep(answer.delay_ms)
        self.send(answer)

    def answer(self, request: Request) -> Answer:
        if not self.server.is_ours(self.headers.get("Host", "")):
            raise Refused("host_unknown", "This address is not ours.", status=421)
        return site.respond(self.server.engine, request, guarded=self.server.public)

    def read_request(self) -> Request:
        if self.headers.get("Transfer-Encoding"):
            raise Refused("length_required", "Send a Content-Length.", status=411)
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise Refused("body_too_large", f"A body has at most {LARGEST_BODY} bytes.", status=413)
        body = self.rfile.read(int(length))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(method=self.command, path=parts.path, query=query, headers=headers, body=body)

    def send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.fault == "truncated_body":
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self.wfile.flush()
            self.drop()
            return
        self.wfile.write(answer.body)

    def drop(self) -> None:
        """Hang up."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:
        if self.server.verbose:
            sys.stderr.write(f"{self.log_date_time_string()} {format % args}\n")
