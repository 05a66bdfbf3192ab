"""Over a socket: who is let in, what a fault does to the connection, how much it carries, and what a kill leaves."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from payments.simulator.server import Simulator
from tests.simulator.conftest import SECRET, Client, options

ROOT = Path(__file__).resolve().parents[2]
PAYMENT = {"amount": 1000, "currency": "EUR", "source": "tok_visa"}


def test_the_secret_key_is_asked_for(simulator):
    with closing(Client(simulator.url, secret="sk_test_other")) as stranger:
        for method, path in (("POST", "/v1/payments"), ("GET", "/_books"), ("POST", "/_clock")):
            status, _, answer = stranger.call(method, path, PAYMENT)
            assert (status, answer["error"]["type"]) == (401, "authentication_error")


def test_one_connection_serves_many_requests(client):
    for number in range(3):
        assert client.call("POST", "/v1/payments", PAYMENT, key=f"keep-{number}")[0] == 200
        sock = client.connection.sock
        assert client.call("GET", "/v1/balance")[0] == 200
        assert client.connection.sock is sock


@pytest.mark.parametrize(
    ("name", "reached"), [("localhost", 200), ("127.0.0.1", 200), ("shop.example", 421), ("", 421)]
)
def test_on_loopback_no_other_name_is_answered(simulator, client, name, reached):
    host = f"{name}:{simulator.server_address[1]}" if name else ""
    assert client.page("/console/", Host=host)[0] == reached


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Content-Length": "-1"}, 413), ({"Content-Length": "2000000"}, 413), ({"Transfer-Encoding": "chunked"}, 411)],
)
def test_bodies_are_bounded(simulator, headers, status):
    with closing(http.client.HTTPConnection("127.0.0.1", simulator.server_address[1], timeout=5)) as connection:
        connection.putrequest("POST", "/v1/payments")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        assert connection.getresponse().status == status


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 900_000])
def test_a_body_that_is_no_object_is_refused(simulator, body):
    with closing(http.client.HTTPConnection("127.0.0.1", simulator.server_address[1], timeout=5)) as connection:
        connection.request("POST", "/v1/payments", body, {"Authorization": f"Bearer {SECRET}"})
        assert connection.getresponse().status == 400


@pytest.fixture
def broken(simulator):
    """A client of a simulator with one fault; afterwards the schedule is clear."""

    def make(fault, **more):
        simulator.engine.faults.set({"rules": [{"fault": fault, **more}]})
        made.append(Client(simulator.url, timeout=more.get("patience", 5)))
        return made[-1]

    made = []
    yield make
    simulator.engine.faults.set({})
    for client in made:
        client.close()


@pytest.mark.parametrize(("fault", "done"), [("lost_request", False), ("lost_answer", True)])
def test_the_connection_drops(broken, fault, done):
    client = broken(fault)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        client.call("POST", "/v1/payments", PAYMENT, key=f"socket-{fault}")
    client.close()
    assert client.call("POST", "/v1/payments", PAYMENT, key=f"socket-{fault}")[1].get("Idempotent-Replayed") == (
        "true" if done else None
    )


def test_the_answer_comes_past_the_time_out(broken, simulator):
    client = broken("late_answer", delay_ms=600)
    client.connection.timeout = 0.3
    with pytest.raises(TimeoutError):
        client.call("POST", "/v1/payments", PAYMENT, key="socket-late")
    client.close()
    assert client.call("POST", "/v1/payments", PAYMENT, key="socket-late")[1]["Idempotent-Replayed"] == "true"


def test_half_the_body_arrives(broken):
    client = broken("truncated_body")
    with pytest.raises(http.client.IncompleteRead):
        client.call("POST", "/v1/payments", PAYMENT)


def test_two_at_once_with_one_key_pay_once():
    with Simulator(options=options(latency_ms=300)) as slow:
        answers = []

        def pay():
            with closing(Client(slow.url)) as client:
                answers.append(client.call("POST", "/v1/payments", PAYMENT, key="twice")[0])

        threads = [threading.Thread(target=pay) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [200, 409]
        assert len(slow.engine.call("GET", "/_books").json()["payments"]) == 1


def test_the_rate_is_limited(make_engine, monkeypatch):
    now = iter([0, 100, 200, 300, 1000, 1050, 1100])
    monkeypatch.setattr("payments.simulator.engine.machine_time", lambda: next(now))
    narrow = make_engine(rate=3)
    answers = [narrow.call("GET", "/v1/balance") for _ in range(7)]

    assert [answer.status for answer in answers] == [200, 200, 200, 429, 200, 429, 200]
    assert answers[3].headers["Retry-After"] == "1"


def test_thirty_two_clients_at_a_tenth_of_a_second_are_served_without_error():
    with Simulator(options=options(latency_ms=100)) as busy:
        statuses = []

        def shop(number):
            with closing(Client(busy.url, timeout=20)) as client:
                statuses.extend(
                    client.call("POST", "/v1/payments", PAYMENT, key=f"{number}-{each}")[0] for each in range(5)
                )

        began = time.monotonic()
        threads = [threading.Thread(target=shop, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 160
        assert time.monotonic() - began < 6  # One after the other it would be sixteen.


# As a program of its own


@pytest.fixture
def start(tmp_path):
    """Start it with arguments; the process and its address."""
    running = []

    def run(*arguments, command=("-m", "payments.simulator")):
        argv = [sys.executable, *command, "--port", "0", "--database", str(tmp_path / "books.sqlite3"), *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")}
        process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        running.append(process)
        told = "".join(process.stdout.readline() for _ in range(7))
        return process, told

    yield run
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def address(told):
    return re.search(r"start page +(http://[\d.:]+)/", told)[1]


def test_a_kill_in_the_middle_loses_nothing_that_was_answered(start):
    process, told = start("--seed", "7")
    secret = re.search(r"secret key +(\S+)", told)[1]
    answered, stop = {}, threading.Event()

    def shop(number):
        with closing(Client(address(told), secret=secret)) as client:
            for each in range(10_000):
                key = f"{number}-{each}"
                try:
                    answered[key] = client.call("POST", "/v1/payments", {**PAYMENT, "order_id": key}, key=key)[2]
                except (OSError, http.client.HTTPException):
                    return
                if stop.is_set():
                    return

    threads = [threading.Thread(target=shop, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()

    _, told = start()
    assert secret in told  # The keys stay with the books.
    with closing(Client(address(told), secret=secret)) as client:
        _, _, books = client.call("GET", "/_books")
        orders = [each["order_id"] for each in books["payments"]]
        assert len(answered) > 5 and len(orders) == len(set(orders)) <= len(answered) + 4
        assert set(answered) <= set(orders)
        assert books["totals"]["EUR"]["capture"] == 1000 * len(orders)
        for key in [*answered][:3] + [*answered][-3:]:
            _, headers, again = client.call("POST", "/v1/payments", {**PAYMENT, "order_id": key}, key=key)
            assert (again, headers["Idempotent-Replayed"]) == (answered[key], "true")


def test_the_command_prints_where_everything_is_and_ends_when_told(start):
    process, told = start("--webhook-secret", "whsec_mine", command=("manage.py", "payment_simulator"))
    with closing(Client(address(told))) as client:
        assert client.page("/console/")[0] == 200
    assert f"{address(told)}/console/" in told and "sk_test_" in told and "whsec_mine" in told
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "add --public"),
        (["--latency", "fast"], "no duration"),
        (["--port", "taken"], "invalid int"),
    ],
)
def test_it_does_not_start_by_mistake(arguments, said, tmp_path):
    argv = [sys.executable, "-m", "payments.simulator", "--database", str(tmp_path / "books.sqlite3"), *arguments]
    ended = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, said in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "TAKEN"], "Address already in use"),
        (["--faults", "nowhere.json"], "No such file"),
        (["--faults", "broken.json"], "no fault schedule"),
        (["--faults", "unknown.json"], "There is no fault 'gremlins'"),
        (["--database", "nowhere/books.sqlite3"], "Cannot keep books"),
    ],
)
def test_what_keeps_it_from_starting_is_told(simulator, tmp_path, arguments, said):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "unknown.json").write_text('{"rules": [{"fault": "gremlins"}]}')
    port = str(simulator.server_address[1])
    argv = [sys.executable, "-m", "payments.simulator", "--database", ":memory:", "--port", "0"]
    argv += [each.replace("TAKEN", port) for each in arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, said in ended.stderr) == (1, True), ended.stderr


def test_it_listens_at_loopback_alone(simulator):
    assert simulator.server_address[0] == "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as other:
        other.settimeout(1)
        assert other.connect_ex(("127.0.0.2", simulator.server_address[1])) != 0
