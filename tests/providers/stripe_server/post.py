"""Webhooks: signed, sent again until they are taken, and as out of order and as often as is asked for."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import queue
import random
import threading
import time
from typing import Any
from urllib.parse import urlsplit

TRIES = 6


def signature(secret: str, body: bytes, at: int) -> str:
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def written(event: dict[str, Any]) -> bytes:
    return json.dumps(event, indent=2).encode()


class Post(threading.Thread):
    """Delivers to one address. `twice` and `held_back` are chances out of a hundred."""

    def __init__(self, url: str, secret: str, *, twice: int = 0, held_back: int = 0, seed: int = 1) -> None:
        super().__init__(daemon=True)
        self.url, self.secret, self.twice, self.held_back = urlsplit(url), secret, twice, held_back
        self.rng = random.Random(seed)
        self.waiting: queue.PriorityQueue[Any] = queue.PriorityQueue()
        self.number = self.delivered = self.open = 0
        self.given_up: list[str] = []
        self.start()

    def __call__(self, event: dict[str, Any]) -> None:
        body = written(event)
        for _ in range(2 if self.rng.randrange(100) < self.twice else 1):
            late = self.rng.randrange(50, 400) / 1_000 if self.rng.randrange(100) < self.held_back else 0
            self._put(time.monotonic() + late, 1, body, event["type"])

    def _put(self, at: float, tries: int, body: bytes, type: str) -> None:
        self.number += 1
        self.open += 1
        self.waiting.put((at, self.number, tries, body, type))

    def run(self) -> None:
        while True:
            at, _number, tries, body, type = self.waiting.get()
            time.sleep(max(0, at - time.monotonic()))
            if self._send(body):
                self.delivered += 1
            elif tries < TRIES:
                self._put(time.monotonic() + 0.2 * tries, tries + 1, body, type)
            else:
                self.given_up.append(type)
            self.open -= 1

    def _send(self, body: bytes) -> bool:
        kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.url.hostname or "", self.url.port, timeout=10)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(self.secret, body, int(time.time())),
        }
        try:
            connection.request("POST", self.url.path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return 200 <= answer.status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_until_quiet(self, seconds: float = 30) -> bool:
        ends = time.monotonic() + seconds
        while self.open and time.monotonic() < ends:
            time.sleep(0.02)
        return not self.open
