"""The simulator in this process (`engine`) and behind a socket (`simulator`), a client, and a shop that listens."""

from __future__ import annotations

import http.client
import json
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from payments.simulator.engine import Engine
from payments.simulator.options import Options
from payments.simulator.server import Simulator

SECRET, WEBHOOK_SECRET = "sk_test_secret", "whsec_secret"


def options(**changes):
    return Options(secret_key=SECRET, webhook_secret=WEBHOOK_SECRET, **changes)


@pytest.fixture
def make_engine():
    made = []

    def make(database=":memory:", *, schedule=None, sender=None, clock=None, **changes):
        made.append(Engine(database, options(**changes), schedule=schedule, sender=sender, clock=clock))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture(scope="module")
def simulator():
    with Simulator(options=options(webhook_delay_ms=50)) as running:
        yield running


@pytest.fixture
def client(simulator):
    with closing(Client(simulator.url)) as made:
        yield made


class Client:
    """One connection to a simulator's API."""

    def __init__(self, url, *, secret=SECRET, timeout=5):
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=timeout)
        self.secret = secret

    def call(self, method, path, body=None, *, key="", **headers):
        """Status, headers and the JSON of the answer."""
        sent = {"Authorization": f"Bearer {self.secret}", **headers}
        if key:
            sent["Idempotency-Key"] = key
        self.connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read() or b"null")

    def page(self, path, form=None, **headers):
        """Status, headers and text of a page; a form is posted as our own page would."""
        host = f"{self.connection.host}:{self.connection.port}"
        sent = (
            {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{host}"}
            if form is not None
            else {}
        )
        self.connection.request("GET" if form is None else "POST", path, form, {**sent, **headers})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()

    def close(self):
        self.connection.close()


class Receiver(ThreadingHTTPServer):
    """A shop's webhook endpoint: keeps what arrives, and answers with the statuses it is given, then 200."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taking)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks?shop=1"
        self.arrived, self.statuses, self.more = [], [], threading.Condition()

    def types(self):
        return [json.loads(body)["type"] for _, body in self.arrived]

    def wait_for(self, count, timeout=5):
        with self.more:
            assert self.more.wait_for(lambda: len(self.arrived) >= count, timeout), self.types()
            return self.arrived[:count]


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.more:
            self.server.arrived.append((dict(self.headers), body))
            status = self.server.statuses.pop(0) if self.server.statuses else 200
            self.server.more.notify_all()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Book:
    """Shorthand for the calls that most tests make of an engine."""

    def __init__(self, engine):
        self.engine = engine

    def pay(self, source="tok_visa", amount=1000, currency="EUR", *, capture=False, key="", **more):
        body = {"amount": amount, "currency": currency, "source": source, "capture": capture, **more}
        return self.engine.call("POST", "/v1/payments", body, key=key)

    def id(self, *args, **more):
        return self.pay(*args, **more).json()["payment"]["id"]

    def do(self, payment, what, key="", **body):
        return self.engine.call("POST", f"/v1/payments/{payment}/{what}", body, key=key)

    def get(self, payment):
        return self.engine.call("GET", f"/v1/payments/{payment}").json()["payment"]

    def happen(self, payment, deed, **more):
        return self.engine.call("POST", "/_events", {"payment": payment, "deed": deed, **more})

    def forward(self, seconds):
        return self.engine.call("POST", "/_clock", {"advance": seconds})


@pytest.fixture
def book(engine):
    return Book(engine)


def code(answer):
    return answer.status, answer.json()["error"]["code"]
