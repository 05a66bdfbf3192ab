"""One request and its answer: who asks, what was asked before under that key, what befalls it, what is done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.providers.stripe_server import faults, intents, ledger, routes
from tests.providers.stripe_server.faults import Faults, Lost, Rule
from tests.providers.stripe_server.forms import parse
from tests.providers.stripe_server.post import Post
from tests.providers.stripe_server.refusals import Refusal
from tests.providers.stripe_server.world import API_VERSION, Options, World

Answer = tuple[int, dict[str, str], bytes]


class Engine:
    def __init__(self, options: Options | None = None) -> None:
        self.world = World(options=options or Options())
        self.faults = Faults()
        self.post: Post | None = None
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Raises Lost where the asker hears nothing."""
        named = {name.lower(): value for name, value in headers.items()}
        path = urlsplit(target).path
        if not path.startswith("/v1/"):
            return self._page(method, target, body)
        with self.world.lock:
            self.seen.append((method, target, named, body))
            fault = self.faults.take(method)
            if fault == "lost_request":
                raise Lost
            if fault in ("error_before", "rate_limited", "key_in_use"):
                return self._refused(fault)
            answer = self._answered(method, target, named, body)
        return self._spoiled(fault, answer)

    def _refused(self, fault: str) -> Answer:
        if fault == "error_before":
            return self._write(503, {"error": {"type": "api_error", "message": "Try again."}})
        if fault == "key_in_use":
            message = "There is currently another in-progress request using this Idempotent Key."
            error = {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": message}
            return self._write(409, {"error": error})
        error = {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}
        status, headers, said = self._write(429, {"error": error})
        return status, {**headers, "retry-after": "1"}, said

    def _spoiled(self, fault: str, answer: Answer) -> Answer:
        status, headers, said = answer
        if fault in ("lost_answer", "truncated_body", "late_answer"):
            raise Lost(late=fault == "late_answer", answer=answer if fault != "lost_answer" else None)
        if fault == "error_after":
            return self._write(500, {"error": {"type": "api_error", "message": "An unknown error occurred"}})
        if fault in faults.CHANGED and status == 200:
            return status, headers, faults.changed(fault, said)
        return answer

    def _answered(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        world, parts = self.world, urlsplit(target)
        if headers.get("authorization") != f"Bearer {world.options.secret_key}":
            given = headers.get("authorization", "").removeprefix("Bearer ")
            said = f"Invalid API Key provided: {given[:7]}{'*' * 8}{given[-4:]}"
            return self._write(401, {"error": {"type": "invalid_request_error", "message": said}})
        key = headers.get("idempotency-key", "") if method == "POST" else ""
        question = (method, parts.path, hashlib.sha256(body).hexdigest())
        if key in world.answers:
            before, status, stored = world.answers[key]
            if before != question:
                message = "Keys for idempotent requests can only be used with the same parameters they were first used"
                return self._write(400, {"error": {"type": "idempotency_error", "message": f"{message} with."}})
            return status, {**self._headers(), "idempotent-replayed": "true"}, stored
        world.request = {"id": world.new_id("req"), "idempotency_key": key or None}
        intents.expire(world)
        try:
            said_ = routes.answer(world, method, parts.path, parse(body.decode() if method == "POST" else parts.query))
            answer, keep = self._write(200, said_), True
        except Refusal as refusal:
            answer, keep = self._write(refusal.status, refusal.body()), refusal.executed
        finally:
            world.request = {"id": None, "idempotency_key": None}
        if key and keep:
            world.answers[key] = (question, answer[0], answer[2])
        return answer

    def _write(self, status: int, said: Any) -> Answer:
        return status, self._headers(), json.dumps(said).encode()

    def _headers(self) -> dict[str, str]:
        number = self.world.new_id("req")
        return {"content-type": "application/json", "request-id": number, "stripe-version": API_VERSION}

    # Beside the API: the bank's page, and a hand on the stand-in

    def _page(self, method: str, target: str, body: bytes) -> Answer:
        parts = urlsplit(target)
        if parts.path == "/3d_secure_2/hosted":
            return self._bank(method, parts.query, body)
        said = json.loads(body or b"{}")
        with self.world.lock:
            return self._write(200, HANDS[parts.path](self, said) or {})

    def _bank(self, method: str, query: str, body: bytes) -> Answer:
        name = parse_qs(query).get("intent", [""])[0]
        html = {"content-type": "text/html; charset=utf-8"}
        if method != "POST":
            buttons = (
                '<button name="passed" value="yes">Complete</button><button name="passed" value="no">Fail</button>'
            )
            page = f"<!doctype html><title>3D Secure</title><form method=post>{buttons}</form>"
            return 200, html, page.encode()
        with self.world.lock:
            passed = parse_qs(body.decode()).get("passed", ["yes"])[0] == "yes"
            back = intents.authenticate(self.world, name, passed=passed)
        return 303, {**html, "location": back}, b""

    def _spoil(self, said: dict[str, Any]) -> None:
        if "rates" in said:
            self.faults.rates = said["rates"]
            self.faults.rng.seed(said.get("seed", 1))
        self.faults.rules += [Rule(**rule) for rule in said.get("rules", ())]

    def _move_clock(self, said: dict[str, Any]) -> None:
        self.world.ahead_s += said["advance"]
        intents.expire(self.world)
        ledger.finish_refunds(self.world)

    def _outside(self, said: dict[str, Any]) -> dict[str, Any]:
        """Somebody does it in the dashboard."""
        world, name = self.world, said["intent"]
        deeds = {
            "capture": lambda: intents.capture(world, name, said.get("params", {})),
            "cancel": lambda: intents.cancel(world, name, {}),
            "refund": lambda: ledger.create_refund(world, {"payment_intent": name, **said.get("params", {})}),
            "dispute": lambda: ledger.open_dispute(world, world.get("charge", self._charge(name))),
        }
        return deeds[said["deed"]]()

    def _charge(self, name: str) -> str:
        return str(self.world.get("payment_intent", name)["latest_charge"])

    def _listen(self, said: dict[str, Any]) -> None:
        self.post = Post(said["url"], said["secret"], **said.get("chances", {}))
        self.world.heard = [self.post]

    def _told(self, _said: dict[str, Any]) -> dict[str, Any]:
        post = self.post
        return {"open": post.open, "delivered": post.delivered, "given_up": post.given_up} if post else {"open": 0}

    def _show(self, _said: dict[str, Any]) -> dict[str, Any]:
        return {what: self.world.all(what) for what in self.world.tables} | {"faults": self.faults.done}


HANDS = {
    "/_faults": Engine._spoil,
    "/_clock": Engine._move_clock,
    "/_outside": Engine._outside,
    "/_books": Engine._show,
    "/_listen": Engine._listen,
    "/_told": Engine._told,
}
