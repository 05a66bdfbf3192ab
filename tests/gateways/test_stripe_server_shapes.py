"""The stand-in beside Stripe's own lists: what it says and takes is what the SDK and the reference objects name.

`stripe_objects.json` are ten of the example objects that Stripe publishes with stripe-mock (MIT).
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import typing
from pathlib import Path

import pytest
import stripe

from tests.gateways.stripe_benches import StripeBench, card_named
from tests.providers.stripe_server import cards, routes, world

KNOWN = json.loads((Path(__file__).parent / "stripe_objects.json").read_text(encoding="utf-8"))
OBJECTS = {
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "balance_transaction": stripe.BalanceTransaction,
    "customer": stripe.Customer,
    "payment_method": stripe.PaymentMethod,
    "setup_intent": stripe.SetupIntent,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "account": stripe.Account,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
# What the newest version no longer has, of objects that the reference gives as an earlier one wrote them.
GONE = {"charge": {"refunds", "source"}, "payment_intent": {"source"}}
PARAMS = {
    "POST payment_intents": "PaymentIntentCreateParams",
    "POST payment_intents/confirm": "PaymentIntentConfirmParams",
    "POST payment_intents/capture": "PaymentIntentCaptureParams",
    "POST payment_intents/cancel": "PaymentIntentCancelParams",
    "GET payment_intents/one": "PaymentIntentRetrieveParams",
    "GET payment_intents": "PaymentIntentListParams",
    "GET payment_intents/search": "PaymentIntentSearchParams",
    "POST refunds": "RefundCreateParams",
    "GET refunds": "RefundListParams",
    "GET refunds/one": "RefundRetrieveParams",
    "GET charges": "ChargeListParams",
    "GET charges/one": "ChargeRetrieveParams",
    "GET balance_transactions": "BalanceTransactionListParams",
    "GET events": "EventListParams",
    "POST customers": "CustomerCreateParams",
    "GET customers": "CustomerListParams",
    "GET payment_methods/one": "PaymentMethodRetrieveParams",
    "POST payment_methods/detach": "PaymentMethodDetachParams",
    "POST setup_intents": "SetupIntentCreateParams",
    "POST setup_intents/cancel": "SetupIntentCancelParams",
    "GET setup_intents/one": "SetupIntentRetrieveParams",
    "GET account": "AccountRetrieveCurrentParams",
    "GET webhook_endpoints": "WebhookEndpointListParams",
}


def annotated(cls):
    """A class's own names, and those of the classes that it is made of."""
    return {
        name: note for base in reversed(cls.__mro__) for name, note in vars(base).get("__annotations__", {}).items()
    }


def inner(cls, name, note):
    """The class that a field's annotation names, if it is one of the object's own."""
    written = note if isinstance(note, str) else getattr(note, "__forward_arg__", "") or str(note)
    for base in cls.__mro__:
        for each in vars(base).values():
            named = inspect.isclass(each) and re.search(rf"\b{each.__name__}\b", written)
            if named and each.__qualname__.startswith(cls.__qualname__):
                return each
    return getattr(cls, "".join(part.title() for part in name.split("_")), None)


def strange(said, cls, path=""):
    """The fields of an answer that the SDK's class has not."""
    names = annotated(cls)
    found = []
    for name, value in said.items():
        if name not in names:
            found.append(f"{path}{name}")
        elif isinstance(value, dict) and (nested := inner(cls, name, names[name])) is not None:
            found += strange(value, nested, f"{path}{name}.")
    return found


@pytest.fixture(scope="module")
def said():
    """One of everything that the stand-in writes, after a tour through it."""
    bench = StripeBench()
    bench.setup_method()
    gateway, options = bench.gateway, bench.options
    held = gateway.authorize(1_000, card_named("pm_card_visa"), options(shipping_address=ADDRESS)).authorization
    gateway.capture(300, held, options(final=False))
    gateway.capture(200, held, options())
    gateway.credit(100, held, options())
    gateway.purchase(1_000, card_named("pm_card_createDispute"), options())
    gateway.purchase(1_000, card_named("pm_card_threeDSecure2Required"), options())
    gateway.purchase(1_000, card_named("pm_card_visa_chargeDeclined"), options())
    gateway.void(bench.hold(), options())
    gateway.store(card_named("pm_card_visa"), options())
    tables = {what: bench.world.all(what) for what in OBJECTS if bench.world.all(what)}
    tables["event"] = bench.world.events
    tables["account"] = [routes.ACCOUNT]
    yield tables
    bench.teardown_method()


ADDRESS = {"name": "Ada", "address1": "1 Way", "city": "Rome", "zip": "1", "country": "IT", "state": "", "phone": "1"}


def test_the_tour_has_seen_everything(said):
    assert set(said) == set(OBJECTS) - {"webhook_endpoint"}


@pytest.mark.parametrize("what", [each for each in OBJECTS if each != "webhook_endpoint"])
def test_no_answer_has_a_field_that_the_sdk_does_not_know(said, what):
    assert {name for each in said[what] for name in strange(each, OBJECTS[what])} == set()


@pytest.mark.parametrize("what", [each for each in OBJECTS if each not in ("webhook_endpoint", "account", "event")])
def test_no_field_of_the_reference_objects_is_left_out(said, what):
    wanted = set(KNOWN["resources"][what]) & set(annotated(OBJECTS[what])) - GONE.get(what, set())
    assert [sorted(wanted - set(each)) for each in said[what] if wanted - set(each)] == []


@pytest.mark.parametrize("what", [each for each in OBJECTS if each not in ("webhook_endpoint", "account")])
def test_values_are_of_the_kinds_that_the_reference_objects_have(said, what):
    reference, wrong = KNOWN["resources"][what], []
    for each in said[what]:
        for name in set(each) & set(reference):
            ours, theirs = each[name], reference[name]
            if ours is not None and theirs is not None and type(ours) is not type(theirs):
                wrong.append((name, ours, theirs))
    assert wrong == []


def typed_dict(name):
    snake = "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
    module = importlib.import_module(f"stripe.params.{snake}")
    return module, getattr(module, name)


@pytest.mark.parametrize("route", PARAMS)
def test_every_parameter_that_is_taken_is_one_of_the_sdks(route):
    assert unknown(routes.ACCEPTED[route], *typed_dict(PARAMS[route])) == []


def unknown(accepted, module, cls, path=""):
    names = annotated(cls)
    found = []
    for name, deeper in accepted.items():
        if name not in names:
            found.append(f"{path}{name}")
        elif isinstance(deeper, dict):
            note = str(names[name])
            classes = [each for each in vars(module).values() if inspect.isclass(each) and each is not cls]
            nested = [
                each
                for each in classes
                if f"'{each.__name__}" in note or f"|{each.__name__}" in note or f'"{each.__name__}' in note
            ]
            assert nested, (path, name, note)
            found += min((unknown(deeper, module, each, f"{path}{name}.") for each in nested), key=len)
    return found


def test_every_route_is_laid_beside_the_sdk():
    assert set(PARAMS) == set(routes.ACCEPTED)


def test_the_version_is_the_sdks_and_ours():
    from payments.gateways.stripe_settings import API_VERSION

    assert stripe.api_version == API_VERSION == world.API_VERSION  # Looked at anew with every new SDK.


def test_the_tables_of_currencies_were_written_twice_and_agree():
    from payments.gateways import stripe_amounts
    from tests.providers.stripe_server import intents

    assert {each.upper() for each in intents.CURRENCIES} == stripe_amounts.TAKEN


def test_it_imports_neither_the_sdk_nor_ours():
    for path in (Path(world.__file__).parent).glob("*.py"):
        lines = [
            line.split()[1] for line in path.read_text("utf-8").splitlines() if line.startswith(("import ", "from "))
        ]
        assert not {line.partition(".")[0] for line in lines} & {"stripe", "payments", "orders", "shop", "django"}, path


def test_every_decline_code_of_its_cards_is_in_our_table():
    from payments.gateways.stripe_codes import CODES

    said_no = {card.decline_code or card.code for card in cards.BY_NAME.values() if card.code}
    assert said_no <= set(CODES)


def test_our_error_codes_are_the_sdks():
    """Of the codes that the SDK lists, those that cards and intents can have are in our table or mean nothing to us."""
    listed = {
        code
        for each in typing.get_args(annotated(stripe.PaymentIntent.LastPaymentError)["code"])
        for code in typing.get_args(each)
        if isinstance(code, str)
    }
    from payments.gateways.stripe_codes import CODES

    about_cards = {code for code in listed if code.startswith(("card_", "charge_", "amount_too", "incorrect_"))}
    known_not = {"card_decline_rate_limit_exceeded", "charge_invalid_parameter", "charge_not_refundable"}
    assert about_cards - set(CODES) - known_not == set()
