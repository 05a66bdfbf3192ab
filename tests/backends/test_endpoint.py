"""Joanie's address for notifications, and the one of each payment method."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from payments.backends import BasePaymentBackend, ParseNotificationFailed
from payments.models import Payment, WebhookEvent
from payments.simulator.webhooks import HEADER
from tests.backends.catalogue import case
from tests.backends.conftest import ADDRESS, seen
from tests.factories import make_method
from tests.payments.inbox_shop import Provider, hosted_payment, wired_method

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ROUTE = "/api/v1.0/payments/notifications"


class Listening(BasePaymentBackend):
    """Keeps what it hears, and refuses what says "refuse"."""

    heard: list[bytes] = []

    def handle_notification(self, request):
        if b"refuse" in request.body:
            raise ParseNotificationFailed("I do not understand.")
        if b"break" in request.body:
            raise ConnectionError("The provider cannot be asked.")
        self.heard.append(request.body)


@pytest.fixture
def listening(settings):
    Listening.heard.clear()
    settings.PAYMENTS = {**settings.PAYMENTS, "BACKENDS": {"scripted": Listening}}
    return make_method(name="Card")


def post(path=ROUTE, body=b"{}", content_type="application/json", **more):
    return Client(enforce_csrf_checks=True).post(path, body, content_type=content_type, **more)


@case(129)
def test_129_taken_in(listening):
    """What is taken in is answered with 200 and nothing else."""
    response = post(body=b'{"hello": 1}')
    assert (response.status_code, response.content) == (200, b"")
    assert Listening.heard == [b'{"hello": 1}']


@case(130)
def test_130_refused(listening):
    """What the backend cannot parse is answered with 400 and its message; what it could not ask, with 503."""
    response = post(body=b"refuse")
    assert (response.status_code, response.content) == (400, b"I do not understand.")
    assert post(body=b"break").status_code == 503


@case(131)
@pytest.mark.parametrize("verb", ["get", "put", "delete", "head"])
def test_131_only_post(listening, verb):
    """Only POST is for notifications."""
    assert getattr(Client(), verb)(ROUTE).status_code == 405


@case(133)
@pytest.mark.parametrize("path", [ROUTE, f"{ROUTE}/", f"{ROUTE}/card", f"{ROUTE}/card/"])
def test_133_with_and_without_a_slash(listening, path):
    """With a trailing slash and without, of the default method and of one by name."""
    assert post(path).status_code == 200


@case(134)
def test_134_a_stray_header(listening):
    """A stray Authorization header is ignored."""
    assert post(headers={"authorization": "Bearer nonsense"}).status_code == 200


@case(135)
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_135_raw_bytes(listening, content_type):
    """Whatever its type, the backend gets the raw bytes."""
    assert post(body=b"a=1&b=\xff", content_type=content_type).status_code == 200
    assert Listening.heard == [b"a=1&b=\xff"]


@case(136)
def test_136_too_much(listening):
    """More than 64 KiB is refused unread."""
    assert post(body=b"x" * 65_536).status_code == 200
    assert post(body=b"x" * 65_537).status_code == 413
    assert len(Listening.heard) == 1


@case(138)
def test_138_an_unknown_method(listening):
    """A payment method that nobody knows is not found."""
    assert post(f"{ROUTE}/nobody").status_code == 404
    assert post("/payments/webhooks/nobody/").status_code == 404


def test_the_dummy_is_told_by_form_or_json(dummy, order):
    payment_id = dummy.create_payment(order, ADDRESS)["payment_id"]
    assert Client(enforce_csrf_checks=True).post(f"{ROUTE}/dummy", {"type": "payment"}).status_code == 400
    said = {"type": "payment", "id": payment_id, "state": "success"}
    assert Client(enforce_csrf_checks=True).post(f"{ROUTE}/dummy", said).status_code == 200
    assert post(f"{ROUTE}/dummy/", json.dumps(said)).status_code == 200
    assert seen(order) == ("complete", "paid", "100.00")


def test_a_provider_may_use_either_address(settings):
    provider = Provider(settings)
    payment = hosted_payment(wired_method())
    sent = []
    provider.engine.webhooks.sender = lambda url, headers, body: sent.append((headers, body)) or 200
    provider.pay(payment)
    provider.deliver_due()
    provider.engine.close()
    [headers, body] = sent[-1]
    named = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    for path in (ROUTE, "/payments/webhooks/card/"):
        assert post(path, body, headers=named).status_code == 200
    assert WebhookEvent.objects.count() == 1
    assert Payment.objects.get().state == "completed"
    assert post(ROUTE, body, headers={**named, HEADER: "x"}).content == b"Cannot parse notification."
