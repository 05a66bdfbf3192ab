"""The HTTP room: bounded in time and size, asked again only where that is safe, and silent about secrets."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from payments.errors import GatewayError, GatewayUnavailable
from payments.gateways.http import LARGEST_ANSWER, Http, Patience

SECRET = "sk_test_do_not_tell"
SELF_SIGNED = Path(__file__).parent / "certificates/self-signed.pem"  # For localhost, with its key, of no worth.
QUICK = Patience(connect_ms=500, answer_ms=300, tries=2, longest_pause_s=3)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Wire:
    """Answers one after the other: (status, headers, body), or an exception."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def request(self, method, target, body=b"", headers=None):
        self.asked.append((method, target, body, dict(headers)))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def room(*answers, **more):
    pauses = []
    made = Http(
        "https://api.example/base/",
        headers={"Authorization": f"Bearer {SECRET}"},
        patience=QUICK,
        wire=Wire(*answers),
        pause=pauses.append,
        **more,
    )
    made.pauses = pauses
    return made


@contextmanager
def server(talk):
    """A socket that is talked to once by `talk(connection, request)`."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                talk(connection, connection.recv(65_536))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.close()
        thread.join(5)


def over(url, patience=QUICK):
    return Http(url, headers={"Authorization": f"Bearer {SECRET}"}, patience=patience)


def test_what_is_sent_and_what_comes_back():
    made = room((200, {}, b'{"amount": 12.50}'))
    reply = made.ask("POST", "/v1/pay", body={"amount": 1250}, query={"a": "b c"}, key="K-1")
    assert (reply.status, reply.data) == (200, {"amount": Decimal("12.50")})
    [(method, target, body, headers)] = made.wire.asked
    assert (method, target, body) == ("POST", "/base/v1/pay?a=b+c", b'{"amount": 1250}')
    assert headers["Idempotency-Key"] == "K-1" and headers["Authorization"] == f"Bearer {SECRET}"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [400, 401, 402, 404, 409])
def test_a_refusal_is_an_answer(status):
    assert room((status, {}, b'{"error": {}}')).ask("POST", "/x", body={}).status == status


def test_an_answer_without_a_body_says_nothing():
    reply = room((204, {}, b"")).ask("DELETE", "/cards/1")
    assert (reply.status, reply.data) == (204, {})


@pytest.mark.parametrize("status", [100, 301, 302, 307, 408, 425, 500, 502, 503, 504, 599])
def test_what_is_no_answer_is_unknown_and_asked_once(status):
    made = room((status, {"location": "https://elsewhere.example/"}, b"{}"))
    with pytest.raises(GatewayUnavailable, match=str(status)):
        made.ask("POST", "/x", body={}, key="K-1")
    assert len(made.wire.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_is_unknown(body):
    with pytest.raises(GatewayUnavailable):
        room((200, {}, body)).ask("GET", "/x")


@pytest.mark.parametrize(
    "trouble", [ConnectionResetError(), TimeoutError(), http.client.IncompleteRead(b""), socket.gaierror()]
)
def test_silence_is_unknown_and_asked_once_also_with_a_key(trouble):
    made = room(trouble)
    with pytest.raises(GatewayUnavailable):
        made.ask("POST", "/x", body={}, key="K-1")
    assert len(made.wire.asked) == 1


BUSY = (429, {"retry-after": "2"}, b"{}")


def test_too_many_requests_is_asked_again_with_the_same_key_after_the_pause():
    made = room(BUSY, (200, {}, b"{}"))
    assert made.ask("POST", "/x", body={}, key="K-1").status == 200
    assert made.pauses == [2]
    assert made.wire.asked[0] == made.wire.asked[1]


def test_a_question_that_moves_nothing_needs_no_key():
    assert room(BUSY, (200, {}, b"{}")).ask("GET", "/x").status == 200


@pytest.mark.parametrize(
    ("answers", "key", "wanted"),
    [
        ((BUSY,), "", 2),  # Without a key it may be done twice.
        ((BUSY, BUSY), "K-1", 2),  # Only so many tries.
        (((429, {}, b"{}"),), "K-1", None),  # It does not say when.
        (((429, {"retry-after": "60"}, b"{}"),), "K-1", 60),  # Longer than anybody waits.
        (((429, {"retry-after": "Sun, 22 Nov 2026 05:00:00 GMT"}, b"{}"),), "K-1", None),
    ],
)
def test_too_many_requests_is_unknown_otherwise(answers, key, wanted):
    made = room(*answers)
    with pytest.raises(GatewayUnavailable) as silence:
        made.ask("POST", "/x", body={}, key=key)
    assert silence.value.retry_after == wanted
    assert made.wire.answers == []


def test_no_call_is_longer_than_it_says():
    assert QUICK.longest == timedelta(milliseconds=2 * 800) + timedelta(seconds=3)
    assert Patience(tries=1, connect_ms=1, answer_ms=2).longest == timedelta(milliseconds=3)


# Over a socket


def test_an_answer_over_a_socket():
    with server(lambda connection, request: connection.sendall(OK)) as url:
        assert over(url).ask("POST", "/x", body={}).data == {}


def drip(connection, request):
    """A byte now and then: each comes before a socket's own time-out would."""
    try:
        for byte in OK[:-2] + b" " * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        pass


def hang(connection, request):
    connection.settimeout(5)
    while connection.recv(65_536):
        pass


@pytest.mark.parametrize("talk", [drip, hang])
def test_an_answer_that_drips_or_never_comes_is_cut_off_in_time(talk):
    with server(talk) as url:
        began = time.monotonic()
        with pytest.raises(GatewayUnavailable, match="in time"):
            over(url).ask("POST", "/x", body={}, key="K-1")
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (LARGEST_ANSWER + 1),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    ],
    ids=["nothing", "short", "chunk missing", "no http", "too large", "compressed"],
)
def test_half_an_answer_is_unknown(said):
    def talk(connection, request):
        connection.sendall(said)

    with server(talk) as url, pytest.raises(GatewayUnavailable):
        over(url, Patience(connect_ms=500, answer_ms=3_000, tries=1)).ask("POST", "/x", body={})


def test_nobody_there_is_unknown():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(GatewayUnavailable, match="could not be reached"):
        over(url).ask("GET", "/x")


def test_connecting_that_took_too_long_sends_nothing(monkeypatch):
    heard = []
    clock = iter([0, 10**12])
    monkeypatch.setattr("payments.gateways.http.time.monotonic_ns", lambda: next(clock))
    with server(lambda connection, request: heard.append(request)) as url, pytest.raises(GatewayUnavailable):
        over(url).ask("POST", "/x", body={})
    assert heard in ([], [b""])


def test_a_certificate_that_nobody_vouches_for_is_sent_nothing():
    heard = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)

    def listen(listening):
        connection, _ = listening.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                heard.append(secure.recv(65_536))
        except (ssl.SSLError, OSError):
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=listen, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(GatewayUnavailable, match="CertVerification"):
            over(f"https://localhost:{listening.getsockname()[1]}").ask("POST", "/x", body={})
        thread.join(5)
    assert heard in ([], [b""])


# Secrets and addresses


def test_no_error_and_no_log_has_the_secret(caplog):
    caplog.set_level(logging.DEBUG)
    said = []
    for talk in (drip, lambda connection, request: None, lambda connection, request: connection.sendall(b"x\r\n")):
        with server(talk) as url, pytest.raises(GatewayUnavailable) as silence:
            over(url).ask("POST", "/x", body={}, key="K-1")
        said.append(f"{silence.value!r} {silence.value.__cause__!r} {silence.value.__context__!r}")
    assert SECRET not in " ".join(said) + caplog.text


def test_a_secret_that_cannot_be_sent_is_not_shown():
    with pytest.raises(GatewayError, match="line break") as refused:
        Http("https://api.example", headers={"Authorization": f"Bearer {SECRET}\n"}, patience=QUICK)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "address", ["api.example", "ftp://api.example", "https://", "http://api.example", "https://me:pw@api.example"]
)
def test_an_address_that_would_tell_secrets_is_refused(address):
    with pytest.raises(GatewayError):
        Http(address, headers={}, patience=QUICK)


def test_a_plain_address_is_for_this_machine_or_by_wish():
    assert Http("http://127.0.0.1:1", headers={}, patience=QUICK).host == "127.0.0.1"
    assert Http("http://simulator:9000", headers={}, patience=QUICK, plain=True).host == "simulator"
