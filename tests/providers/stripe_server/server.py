"""The stand-in behind a socket."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.providers.stripe_server.engine import Engine
from tests.providers.stripe_server.faults import Lost
from tests.providers.stripe_server.world import Options


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # An answer leaves in one piece …
    disable_nagle_algorithm = True  # … and at once.
    server: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, headers, said = self.server.engine.handle(self.command, self.path, dict(self.headers), body)
        except Lost as lost:
            self.close_connection = True
            if lost.answer is None:
                return self.hang_up()
            status, headers, said = lost.answer
            if not lost.late:
                self.write(status, headers, said[: len(said) // 2], announced=len(said))
                return self.hang_up()
            time.sleep(self.server.engine.world.options.late_s)
        self.write(status, headers, said)

    do_GET = do_POST = do_DELETE = answer

    def write(self, status: int, headers: dict[str, str], said: bytes, *, announced: int = -1) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said) if announced < 0 else announced))
            self.end_headers()
            self.wfile.write(said)
            self.wfile.flush()
        except OSError:
            self.close_connection = True  # Nobody waits any longer.

    def hang_up(self) -> None:
        try:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, options: Options | None = None, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = Engine(options)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.engine.world.options.public_url = self.url
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self) -> Server:
        self.thread.start()
        return self

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_args: Any) -> None:
        """A client that was killed is what drills are for."""
