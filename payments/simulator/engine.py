"""The provider itself: an API request goes in, an answer comes out. The same in a test's process and behind a socket.

    engine = Engine()
    answer = engine.call("POST", "/v1/payments", {"amount": 1000, "currency": "EUR", "source": "tok_visa"})

A request is admitted (secret key, rate), meets its fault, claims its idempotency key, waits out the latency, and is
carried out in one transaction with the answer that its key will replay. Nothing here opens a socket or sleeps: see
`server.py`.
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from payments.simulator import administration, later
from payments.simulator.answers import Answer, Json, Refused, Request
from payments.simulator.books import Books
from payments.simulator.calls import Call
from payments.simulator.clock import SECOND, Clock, machine_time
from payments.simulator.distortion import distorted, refused_by
from payments.simulator.faults import BEFORE, Fault, Faults
from payments.simulator.fields import Fields
from payments.simulator.keys import Keys
from payments.simulator.options import Options
from payments.simulator.routes import Route, find
from payments.simulator.store import Store
from payments.simulator.webhooks import Sender, Webhooks


def no_wait(milliseconds: int) -> None:
    """In a test's own process nothing takes time."""


class Engine:
    """One provider with its books. `sender` delivers webhooks, `wait` passes the latency; else nothing waits."""

    def __init__(
        self,
        database: str = ":memory:",
        options: Options | None = None,
        *,
        schedule: Json | None = None,
        sender: Sender | None = None,
        clock: Clock | None = None,
        wait: Callable[[int], None] = no_wait,
    ) -> None:
        self.options, self.clock, self.wait = options or Options(), clock or Clock(), wait
        self.store = Store(database)
        self.clock.offset = int(self.store.setting("clock_offset") or 0)
        self.faults = Faults(self.store, seed=self.options.seed)
        if schedule is not None:
            self.faults.set(schedule)
        self.books = Books(self.store, self.clock, self.options, self.faults)
        self.keys = Keys(self.store, self.clock, lifetime_s=self.options.key_lifetime_s)
        self.webhooks = Webhooks(self.books, sender)
        self.arrivals: deque[int] = deque()

    def call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", **query: Any
    ) -> Answer:
        """A request with the right secret, put together."""
        headers = {"authorization": f"Bearer {self.options.secret_key}", "idempotency-key": key}
        raw = b"" if body is None else json.dumps(body).encode()
        texts = {name: str(value) for name, value in query.items()}
        return self.handle(Request(method=method, path=path, query=texts, headers=headers, body=raw))

    def handle(self, request: Request) -> Answer:
        """The answer, and in `answer.fault` what the transport must do to it."""
        try:
            self.authenticate(request)
            if request.path.startswith("/_"):
                told = administration.handle(self, request)
                self.webhooks.deliver_early()
                return told
            self.limit()
            return self.admitted(request)
        except Refused as refused:
            return refused.answer()

    def authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.options.secret_key.encode()):
            message = "Send the secret key as Authorization: Bearer."
            raise Refused("api_key_invalid", message, status=401, type="authentication_error")

    def limit(self) -> None:
        """No more requests than `rate` in any second of the machine's own time."""
        if not self.options.rate:
            return
        now = machine_time()  # When it arrived, not when its turn at the books came.
        with self.store.lock:
            while self.arrivals and self.arrivals[0] <= now - SECOND:
                self.arrivals.popleft()
            if len(self.arrivals) >= self.options.rate:
                raise Refused("rate_limit", "Too many requests.", status=429, type="rate_limit_error", retry_after=1)
            self.arrivals.append(now)

    def admitted(self, request: Request) -> Answer:
        route, ids = find(request)
        fields = Fields.parse(request.body)
        call = Call(ids=ids, fields=fields, query=request.query, key=request.idempotency_key)
        fault = self.faults.for_request(self.facts(route, call, request))
        if fault and fault.name in BEFORE:
            return refused_by(fault)
        with self.keys.claim(request):
            self.wait(self.options.latency_ms)
            answer = self.carry_out(route, call, request, fault)
        self.webhooks.deliver_early()
        return distorted(fault, answer, self.options) if fault else answer

    def facts(self, route: Route, call: Call, request: Request) -> Json:
        """What a rule of the fault schedule can match."""
        values, kind = call.fields.values, route.kind
        if kind == "pay":
            kind = "authorize" if values.get("capture") is False else "purchase"
        order_id = values.get("order_id") or call.query.get("order_id")
        if call.ids and not order_id and self.faults.rules:
            row = self.store.one("SELECT order_id FROM payments WHERE id = ?", call.ids[0])
            order_id = row["order_id"] if row else ""
        named = {"kind": kind, "idempotency_key": call.key, "order_id": order_id, "path": request.path}
        return {**named, "amount": values.get("amount")}

    def carry_out(self, route: Route, call: Call, request: Request, fault: Fault | None) -> Answer:
        """Do it, once for each key: what is done and what the key will answer are written together."""
        with self.store.transaction():
            later.run_due(self.books)
            replayed = self.keys.replay(request)
            if replayed:
                return replayed
            try:
                answer = route.handler(self.books, call)
            except Refused as refused:
                if not refused.kept:
                    raise
                answer = refused.answer()
            if fault and fault.name == "error_after" and (fault.status or 500) == 500:
                # The provider's own failure is what the key replays; a 502 or 504 is somebody's in between.
                answer = Refused(
                    "api_error", "Something went wrong on our side.", status=500, type="api_error"
                ).answer()
            self.keys.keep(request, answer)
            return answer

    def run_due(self) -> None:
        """Do what the clock has brought up: expiries, late answers."""
        if later.is_due(self.books):
            with self.store.transaction():
                later.run_due(self.books)
            self.webhooks.deliver_early()

    def close(self) -> None:
        self.store.close()
