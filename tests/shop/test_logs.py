"""Log lines name the request, the order, the payment and the operation, and never anything secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta

import pytest
from django.conf import settings as project
from django.utils import timezone

from payments.batch import Selection, plan, run
from payments.errors import GatewayError, GatewayUnavailable
from payments.gateways.base import Fact, Outcome
from payments.logs import JsonFormatter, TextFormatter, about, scrubbed
from payments.models import CreditCard, Operation, PaymentMethod
from payments.pacing import Pacing
from payments.recovery import recover_due
from tests.factories import authorized, fact, make_method, make_order, make_payment
from tests.scripted import ScriptedGateway, declined, ok

CARD, CVV, MAIL, TOKEN = "4111111111111111", "987", "ada.byron@example.com", "tok_1Nabcdef"
SECRET = "sk-very-secret-4f2a"
SENSITIVE = (CARD, "4111 1111 1111 1111", "4111-1111-1111-1111", MAIL, TOKEN, SECRET, "BGS-approves", "hunter2")


@pytest.fixture
def lines():
    """What is written to the log meanwhile, as JSON lines and as text."""
    streams = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(stream) for stream in streams]
    root, level = logging.getLogger(), logging.getLogger().level
    for handler, formatter in zip(handlers, (JsonFormatter(), TextFormatter()), strict=True):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)

    class Lines:
        @property
        def json(self):
            return [json.loads(line) for line in streams[0].getvalue().splitlines()]

        @property
        def all(self):
            return streams[0].getvalue() + streams[1].getvalue()

    yield Lines()
    root.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)


def ours(lines, **ids):
    return [line for line in lines.json if all(line.get(name) == value for name, value in ids.items())]


# Whom a line is about


@pytest.mark.django_db
def test_a_verb_names_order_payment_and_operation(lines):
    payment = authorized()
    payment.capture()

    place = {"order": payment.order.number, "payment": payment.number}
    assert [line["says"] for line in ours(lines, **place, operation=1)] == ["authorize is succeeded"]
    [capture] = ours(lines, **place, operation=2)
    assert {name: capture[name] for name in ("level", "logger", "says")} == {
        "level": "info",
        "logger": "payments.logs",
        "says": "capture is succeeded",
    }
    assert capture["at"].endswith("+00:00")


@pytest.mark.django_db
def test_batch_and_recovery_name_them_too(lines):
    ScriptedGateway.script = {"capture": RuntimeError("boom")}
    payment = authorized()
    list(run(plan(Selection(), "capture"), "capture", pacing=Pacing({}), workers=1))
    place = {"order": payment.order.number, "payment": payment.number}
    assert ours(lines, **place, logger="payments.batch", level="error")
    ScriptedGateway.script = {}
    Operation.objects.filter(state="unknown").update(answered_at=timezone.now() - timedelta(hours=1))
    list(recover_due(at_once=True))
    assert [line["says"] for line in ours(lines, **place, operation=2)] == ["capture is unknown", "capture is canceled"]


def test_nothing_stays_behind(lines):
    with about(order="R1"), about(payment="P1"):
        logging.getLogger("x").info("within")
    logging.getLogger("x").info("after")

    within, after = lines.json
    assert (within["order"], within["payment"]) == ("R1", "P1")
    assert "order" not in after and "payment" not in after
    assert "x: within [order=R1 payment=P1]" in lines.all


def test_a_request_keeps_the_name_that_it_came_with(client, lines):
    response = client.get("/health/live", headers={"X-Request-ID": "edge-7f3a.12_b"})
    assert response["X-Request-ID"] == "edge-7f3a.12_b"
    client.get("/nowhere/", headers={"X-Request-ID": "edge-7f3a.12_b"})
    assert "Not Found: /nowhere/" in [line["says"] for line in ours(lines, request="edge-7f3a.12_b")]


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "a b c d e f", "evil\tname12", "{}{}{}{}{}", MAIL])
def test_a_name_that_is_not_well_formed_is_replaced(client, given):
    name = client.get("/health/live", headers={"X-Request-ID": given})["X-Request-ID"]
    assert name != given
    assert len(name) == 32


# What no line says


@pytest.mark.django_db
def test_no_line_of_any_verb_or_error_says_anything_secret(lines, settings):
    settings.PAYMENT_SECRETS = {"CARD_KEY": SECRET}
    leak = RuntimeError(f"{CARD} {MAIL} token={TOKEN} {SECRET} postgres://ada:hunter2@db/shop password=hunter2")
    bogus = PaymentMethod.objects.create(name="Card", gateway="bogus", auto_capture=False)
    order = make_order(email=MAIL)
    card = CreditCard.objects.create(number=CARD, verification_value=CVV, month=12, year=2030, name="Ada Byron")
    payment = order.add_payment(bogus, source=card)
    order.complete()
    payment.refresh_from_db()
    payment.capture()
    payment.refund("10")
    for answer in (leak, GatewayUnavailable(str(leak)), declined(str(leak)), ok(TOKEN, reference=TOKEN)):
        for kind in ("authorize", "purchase"):
            ScriptedGateway.script = {kind: answer}
            paid = make_payment(order=make_order(email=MAIL))
            with suppress(GatewayError, RuntimeError):
                getattr(paid, kind)()
        ScriptedGateway.script = {}
        held = authorized(order=make_order(email=MAIL))
        ScriptedGateway.script = {"*": answer}
        for verb in ("capture", "void_transaction", "cancel"):
            with suppress(Exception):
                getattr(held, verb)()
    list(run(plan(Selection(), "capture"), "capture", pacing=Pacing({}), workers=1))
    list(recover_due(at_once=True))

    assert len(lines.json) > 10
    assert_nothing_secret(lines)


@pytest.mark.django_db
def test_no_line_of_a_webhook_says_anything_secret(lines):
    payment = authorized()
    told = {"message": f"{CARD} {MAIL}", "reference": TOKEN, "authorization": payment.response_code}
    payment.apply(fact("capture", amount_minor=10000, params={"card": CARD}, **told))
    payment.apply(Fact(kind="refund", outcome=Outcome.DECLINED, amount_minor=1, message=SECRET))

    assert ours(lines, payment=payment.number, says="capture is succeeded")
    assert_nothing_secret(lines, SECRET)


@pytest.mark.django_db
def test_no_line_of_a_request_that_breaks_says_anything_secret(client, lines, settings, admin_user):
    settings.PAYMENT_SECRETS = {"CARD_KEY": SECRET}
    client.raise_request_exception = False
    make_method(gateway="scripted")
    response = client.post("/admin/login/", {"username": MAIL, "password": "hunter2", "number": CARD})
    assert response.status_code == 200
    client.get(f"/orders/{CARD}/?token={TOKEN}&email={MAIL}")
    client.get(f"/{CARD}/{MAIL}/{SECRET}/")
    logging.getLogger("django.db").error('Key (email)=(%s) already exists: "%s"', MAIL, CARD)
    try:
        raise ValueError(f"{MAIL} {CARD}") from KeyError(TOKEN)
    except ValueError:
        logging.getLogger("payments").exception("%s broke", TOKEN)

    assert_nothing_secret(lines)


def assert_nothing_secret(lines, *aside):
    said = lines.all
    assert [secret for secret in SENSITIVE if secret in said and secret not in aside] == []


@pytest.mark.parametrize(
    ("text", "scrubbed_text"),
    [
        (f"card {CARD} declined", "card [number] declined"),
        ("4111-1111 1111-1111", "[number]"),
        ("Bearer abc.def-1", "[credentials]"),
        ("cvv: 987, month 12", "cvv: [secret], month 12"),
        ('{"api_key": "x1"}', '{"api_key": [secret]"}'),
        ("Order R123456789 of 2026-12-24 18:00:00.123456 is 12.34 USD", None),
        ("Payment DLWZTLBK: capture #2 DLWZTLBK-capture-2 of 1234567.89", None),
    ],
)
def test_what_is_scrubbed_and_what_stays(text, scrubbed_text):
    assert scrubbed(text) == (scrubbed_text or text)


# The settings


@pytest.mark.parametrize(("debug", "form"), [("true", "text"), ("false", "json")])
def test_text_for_people_in_development_and_json_otherwise(debug, form):
    code = "import django; django.setup(); import logging; logging.getLogger('shop').warning('Card %s', '4' * 16)"
    environment = {"DJANGO_SETTINGS_MODULE": "shop.settings", "DEBUG": debug, "SECRET_KEY": "x", "PATH": ""}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=environment,
        cwd=project.BASE_DIR,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    [line] = ran.stderr.splitlines()
    if form == "json":
        assert json.loads(line)["says"] == "Card [number]"
    else:
        assert line.endswith("WARNING shop: Card [number]")
