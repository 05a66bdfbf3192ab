"""What a load balancer is told: alive, and ready or why not."""

from __future__ import annotations

import re

import pytest
from django.db import OperationalError, connection

from tests.factories import make_method

READY = {"status": "ready", "reasons": []}


def broken(execute, sql, params, many, context):
    raise OperationalError("connection to server at db.internal, user shop, password hunter2 failed")


@pytest.mark.django_db
def test_ready(client):
    make_method()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, READY)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_alive_whatever_the_database_does(client):
    with connection.execute_wrapper(broken):
        answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.django_db
def test_a_database_that_does_not_answer(client):
    with connection.execute_wrapper(broken):
        answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unready", "reasons": ["The database does not answer."]}


@pytest.mark.django_db
def test_migrations_that_are_not_applied(client, settings):
    settings.MIGRATION_MODULES = {}  # The tables of the tests are made without them.
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    [reason] = answer.json()["reasons"]
    assert re.fullmatch(r"\d+ migrations are not applied, the first is \w+\.0001_initial\.", reason)


@pytest.mark.django_db
def test_a_payment_method_that_cannot_be_asked(client, settings, monkeypatch):
    settings.PAYMENT_SECRETS = {"OTHER": "sk_live_1"}
    monkeypatch.delenv("CARD_KEY", raising=False)
    make_method(gateway="gone", code="old")
    make_method(gateway="simulator", code="card", config={"secret_key": "CARD_KEY"})
    make_method(gateway="broken", code="bad")
    make_method(gateway="gone", code="off", active=False)
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "broken": "nowhere.Gateway"}
    answer = client.get("/health/ready")

    assert answer.status_code == 503
    reasons = answer.json()["reasons"]
    assert len(reasons) == 3
    assert reasons[0].startswith("Payment method “old”: No gateway “gone”")
    assert reasons[1] == (
        "Payment method “card”: The secret that “secret_key” names is in neither settings nor environment."
    )
    assert reasons[2] == "Payment method “bad”: Its gateway cannot be imported."
    assert "CARD_KEY" not in answer.text and "sk_live_1" not in answer.text
    settings.PAYMENT_SECRETS = {"CARD_KEY": "sk_live_1"}
    assert len(client.get("/health/ready").json()["reasons"]) == 2


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_it_is_only_asked(client, path):
    assert client.post(path).status_code == 405
