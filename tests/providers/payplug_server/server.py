"""The socket: HTTP in, one buffered answer out, and whatever the faults make of it. The page is here as well."""

from __future__ import annotations

import html
import json
import socket
import struct
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.payplug_server.books import NUMBERS, Books
from tests.providers.payplug_server.deeds import Deeds, Refused
from tests.providers.payplug_server.faults import AFTERWARDS, Faults, changed, kind_of

SECRET_KEY = "sk_test_0123456789abcdef0123456789abcdef"
VERSION = "2019-08-06"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pay {amount}</title><h1>Pay {amount}</h1>
<p>{said}</p><form method="post">{fields}<button name="act" value="pay">Pay</button>
<button name="act" value="cancel">Cancel</button></form>"""
FIELDS = '<label>Card number <input name="number"></label>{keep}'
KEEP = '<label><input type="checkbox" name="save" value="1"> Keep this card</label>'


class PayPlugServer:
    """`address` is where it listens; `books`, `faults`, `may` and `requests` are for tests."""

    def __init__(self, *, port: int = 0, late_s: float = 2) -> None:
        self.books, self.faults, self.late_s = Books(), Faults(), late_s
        self.may = {"save": True, "defer": True}  # What the account has been granted.
        self.requests: list[tuple[str, str, bytes]] = []  # Method, path, body.
        self.http = _Http(("127.0.0.1", port), _Handler)
        self.http.provider = self
        self.deeds = Deeds(self.books, self.address, self.may)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"

    def start(self) -> PayPlugServer:
        self.thread.start()
        return self

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """One request of the API, without faults."""
        parts = urlsplit(target)
        if headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return 401, {"object": "error", "message": "You must be authenticated to do that."}
        if headers.get("PayPlug-Version") != VERSION:
            return 400, {"object": "error", "message": "Only the version of 2019-08-06 is spoken here."}
        try:
            asked = json.loads(body) if body else None
        except ValueError:
            return 400, {"object": "error", "message": "The body is no JSON."}
        with self.books.lock:
            try:
                status, said = self.deeds.do(method, parts.path.strip("/").split("/")[1:], parts.query, asked)
                return status, json.loads(json.dumps(said))
            except Refused as refusal:
                return refusal.answer

    def visit(self, path: str, form: dict[str, str] | None) -> tuple[int, str]:
        """The page: what it shows, or where its customer is sent."""
        with self.books.lock:
            self.books.age()
            payment = self.books.payments.get("pay_" + path.rstrip("/").rpartition("/")[2])
            if payment is None:
                return 404, "There is no such page."
            back = payment["hosted_payment"]
            if payment["is_paid"] or payment["failure"] or self.books.held(payment):
                return 303, back["return_url"] or ""
            if form is None:
                return 200, self.page(payment)
            if form.get("act") == "cancel":
                return 303, back["cancel_url"] or ""  # The payment stays open: its customer may come again.
            return self.pay(payment, form)

    def pay(self, payment: dict[str, Any], form: dict[str, str]) -> tuple[int, str]:
        challenged = form.get("act") in ("confirm", "refuse")
        number = form.get("number", "").replace(" ", "")
        kept = payment["card"]["id"]
        does = NUMBERS.get(number, "incorrect_number") if not kept else "3ds"
        if does == "3ds" and not challenged:
            return 200, self.page(payment, "Your bank asks whether it is you: confirm or refuse.")
        if does == "3ds":
            does = "" if form["act"] == "confirm" else "3ds_declined"
        if does:
            self.books.fail(payment, does)
        else:
            self.books.succeed(payment, number="" if kept else number, keep="save" in form, secure=challenged)
        return 303, payment["hosted_payment"]["return_url"] or ""

    def page(self, payment: dict[str, Any], said: str = "") -> str:
        amount = f"{payment['amount'] // 100}.{payment['amount'] % 100:02} {payment['currency']}"
        keep = KEEP if self.books.may_keep[payment["id"]] else ""
        fields = "" if payment["card"]["id"] else FIELDS.format(keep=keep)
        return PAGE.format(amount=html.escape(amount), said=html.escape(said), fields=fields)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    disable_nagle_algorithm = True
    request_queue_size = 64
    provider: PayPlugServer

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
        steps = urlsplit(self.path).path.strip("/").split("/")
        kind = kind_of(self.command, steps)
        if kind == "page":
            return self._page(body)
        provider.requests.append((self.command, self.path, body))
        fault = provider.faults.strike(kind)
        if fault and fault not in AFTERWARDS:
            return self._before(fault)
        status, said = provider.answer(self.command, self.path, self.headers, body)
        if fault == "error_after":
            return self._send(500, b"")
        if fault == "lost_answer":
            return self._hang_up()
        if fault == "late_answer":
            time.sleep(provider.late_s)
        content = json.dumps(changed(said, fault) if status < 300 else said).encode()
        if fault == "garbage":
            content = b"<html><p>the proxy is tired"
        self._send(status, content if status != 204 else b"", half=fault == "truncated_body")

    do_GET = do_PATCH = do_DELETE = do_POST

    def _page(self, body: bytes) -> None:
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        status, said = self.server.provider.visit(urlsplit(self.path).path, form if self.command == "POST" else None)
        place = {"Location": said} if status == 303 else {}
        self._send(status, b"" if place else said.encode(), type="text/html; charset=utf-8", headers=place)

    def _before(self, fault: str) -> None:
        if fault == "lost_request":
            return self._hang_up()
        if fault == "rate_limited":
            said = b'{"object": "error", "message": "Too many requests."}'
            return self._send(429, said, headers={"Retry-After": "1"})
        self._send(503, b"")

    def _send(
        self,
        status: int,
        said: bytes,
        *,
        half: bool = False,
        type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", type)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said[: len(said) // 2] if half else said)
        self.wfile.flush()
        if half:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        # A reset: nobody waits for the other side to say good-bye.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_args: Any) -> None:
        """Nobody reads it."""
