"""The checklist before going live: what it ticks off, what it warns of, what it stops at."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from payments.gateways.stripe_settings import API_VERSION
from payments.models import PaymentMethod, WebhookEvent
from tests.providers.stripe_server import routes
from tests.providers.stripe_server.server import Server
from tests.providers.stripe_server.world import Options

pytestmark = pytest.mark.django_db
ORIGIN = "https://shop.example"
ADDRESS = f"{ORIGIN}/payments/webhooks/stripe/"
SECRETS = {"KEY": "sk_test_0123456789", "LIVE": "sk_live_0123456789", "WEBHOOK": "whsec_0123456789"}


@pytest.fixture(scope="module")
def provider():
    server = Server(Options(secret_key=SECRETS["KEY"])).start()
    yield server
    server.stop()


@pytest.fixture
def method(provider, settings):
    from django.urls import reverse

    settings.PAYMENT_SECRETS = SECRETS
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": ORIGIN}
    settings.SHOP = {**getattr(settings, "SHOP", {}), "CURRENCIES": ["USD", "JPY"]}
    provider.engine.world.tables.clear()
    provider.engine.world.options.secret_key = SECRETS["KEY"]
    config = {"secret_key": "KEY", "webhook_secret": "WEBHOOK", "publishable_key": "pk_test_1", "retries": 0}
    made = PaymentMethod.objects.create(name="Stripe", gateway="stripe", config={**config, "base_url": provider.url})
    endpoint(provider, url=ORIGIN + reverse("payments:webhook", args=["stripe"]))
    WebhookEvent.objects.create(
        payment_method=made,
        dedupe_key="evt_1",
        type="charge.captured",
        payload={},
        facts=[],
        received_at=timezone.now(),
    )
    return made


def endpoint(provider, **facts):
    said = {"enabled_events": ["*"], "status": "enabled", "api_version": API_VERSION, "created": 1, **facts}
    provider.engine.world.tables["webhook_endpoint"] = {"we_1": {"id": "we_1", "object": "webhook_endpoint", **said}}


def run(*more):
    said, code = StringIO(), 0
    try:
        call_command("check_payment_method", "stripe", "--no-knock", "--json", *more, stdout=said)
    except SystemExit as stop:
        code = stop.code
    return code, {line["name"]: line for line in map(json.loads, said.getvalue().splitlines())}


def test_everything_is_ticked_off(method):
    code, said = run()
    assert {name: line["state"] for name, line in said.items()} == dict.fromkeys(said, "ok")
    assert code == 0
    assert set(said) >= {
        "settings", "secret_key", "publishable_key", "webhook_secret", "account", "address", "webhook", "api_version",
        "currencies", "last_seen", "offered",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"test_mode": False}, "secret_key"),
        ({"config": {"publishable_key": "pk_live_1"}}, "publishable_key"),
        ({"config": {"publishable_key": ""}}, "publishable_key"),
        ({"config": {"webhook_secret": ""}}, "webhook_secret"),
        ({"config": {"secret_key": "NOT_THERE"}}, "settings"),
        ({"config": {"api_version": "2019-12-03"}}, "api_version"),
    ],
)
def test_what_is_wrong_with_our_settings_is_a_problem(method, change, name):
    config = change.pop("config", {})
    PaymentMethod.objects.filter(pk=method.pk).update(**change, config={**method.config, **config})
    code, said = run()
    assert (code, said[name]["state"]) == (1, "problem"), said


@pytest.mark.parametrize(
    ("change", "name", "word"),
    [
        ({"url": "https://elsewhere.example/"}, "webhook", "No endpoint"),
        ({"status": "disabled"}, "webhook", "disabled"),
        ({"enabled_events": ["charge.captured"]}, "webhook", "not told of"),
        ({"api_version": "2024-04-10"}, "api_version", "2024-04-10"),
        ({"api_version": None}, "api_version", "own"),
    ],
)
def test_what_is_wrong_with_the_endpoint_is_a_problem(method, provider, change, name, word):
    kept = provider.engine.world.tables["webhook_endpoint"]["we_1"]
    endpoint(provider, **{"url": kept["url"], **change})
    code, said = run()
    assert (code, said[name]["state"]) == (1, "problem")
    assert word in said[name]["says"]


def test_an_account_that_may_not_charge_stops_live_mode_only(method, provider, settings):
    closed = {**routes.ACCOUNT, "charges_enabled": False, "requirements": {"disabled_reason": "requirements.past_due"}}
    provider.engine.world.hidden["account"] = closed
    try:
        code, said = run()
        assert (code, said["account"]["state"]) == (0, "warning")
        provider.engine.world.options.secret_key = SECRETS["LIVE"]
        live = {**method.config, "secret_key": "LIVE", "publishable_key": "pk_live_1"}
        PaymentMethod.objects.filter(pk=method.pk).update(test_mode=False, config=live)
        code, said = run()
        assert (code, said["account"]["state"]) == (1, "problem")
        assert "past_due" in said["account"]["says"]
    finally:
        del provider.engine.world.hidden["account"]


def test_a_key_that_opens_nothing_and_a_silent_provider_are_problems(method, provider):
    provider.engine.world.options.secret_key = "sk_test_another"
    code, said = run()
    assert (code, said["stripe"]["state"]) == (1, "problem")
    PaymentMethod.objects.update(config={**method.config, "base_url": "http://127.0.0.1:9"})
    code, said = run()
    assert (code, said["stripe"]["state"]) == (1, "problem")


def test_warnings_are_for_a_person_to_judge(method, settings):
    WebhookEvent.objects.all().delete()
    settings.SHOP = {**settings.SHOP, "CURRENCIES": ["USD", "CLF"]}
    PaymentMethod.objects.update(active=False)
    code, said = run()
    assert code == 0
    assert [name for name, line in said.items() if line["state"] == "warning"] == [
        "offered", "last_seen", "currencies",
    ]  # fmt: skip


def test_without_an_address_no_notice_can_come(method, settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": ""}
    code, said = run()
    assert (code, said["address"]["state"], said["webhook"]["state"]) == (1, "problem", "problem")


def test_it_knocks_at_its_own_door(method, settings, live_server):
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": live_server.url}
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_payment_method", "stripe", stdout=said)  # Stripe has no endpoint of that address.
    assert "✓ reached: It answers, and refuses what is not signed." in said.getvalue()
    assert "! address:" in said.getvalue()
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": "http://127.0.0.1:9"}
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("check_payment_method", "stripe", stdout=said)
    assert "✗ reached: Nobody answers there" in said.getvalue()


def test_a_method_that_is_not_there_is_named():
    with pytest.raises(CommandError, match="no payment method nothing"):
        call_command("check_payment_method", "nothing")


def test_a_gateway_without_a_provider_has_only_our_own_lines():
    PaymentMethod.objects.create(name="Check", code="check", gateway="check")
    said = StringIO()
    call_command("check_payment_method", "check", stdout=said)
    assert said.getvalue().splitlines()[-1] == "Ready."
