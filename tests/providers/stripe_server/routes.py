"""Which requests there are, and which parameters each takes: no others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.providers.stripe_server import intents, ledger, lists, people
from tests.providers.stripe_server.forms import demand_known, truth
from tests.providers.stripe_server.refusals import Refusal
from tests.providers.stripe_server.world import World

Params = dict[str, Any]
ANY: Any = ...
ADDRESS = dict.fromkeys(("line1", "line2", "city", "state", "postal_code", "country"), ANY)
CREATED = dict.fromkeys(("gt", "gte", "lt", "lte"), ANY)
LIST = {"created": CREATED, "ending_before": ANY, "expand": ANY, "limit": ANY, "starting_after": ANY}
ACCEPTED: dict[str, dict[str, Any]] = {
    "POST payment_intents": {
        **dict.fromkeys(("amount", "currency", "capture_method", "confirm", "customer", "description", "expand"), ANY),
        **dict.fromkeys(("metadata", "off_session", "payment_method", "return_url", "use_stripe_sdk"), ANY),
        **dict.fromkeys(("allowed_payment_method_types", "setup_future_usage", "statement_descriptor_suffix"), ANY),
        "payment_method_options": {"card": {"request_multicapture": ANY}},
        "shipping": {"name": ANY, "phone": ANY, "address": ADDRESS},
    },
    "POST payment_intents/confirm": dict.fromkeys(
        ("expand", "off_session", "payment_method", "return_url", "use_stripe_sdk"), ANY
    ),
    "POST payment_intents/capture": dict.fromkeys(("amount_to_capture", "expand", "final_capture", "metadata"), ANY),
    "POST payment_intents/cancel": {"cancellation_reason": ANY, "expand": ANY},
    "GET payment_intents/one": {"expand": ANY},
    "GET payment_intents": {**LIST, "customer": ANY},
    "GET payment_intents/search": dict.fromkeys(("expand", "limit", "page", "query"), ANY),
    "POST refunds": dict.fromkeys(("amount", "charge", "expand", "metadata", "payment_intent", "reason"), ANY),
    "GET refunds": {**LIST, "charge": ANY, "payment_intent": ANY},
    "GET refunds/one": {"expand": ANY},
    "GET charges": {**LIST, "customer": ANY, "payment_intent": ANY},
    "GET charges/one": {"expand": ANY},
    "GET balance_transactions": {**LIST, "source": ANY, "type": ANY},
    "GET events": {**LIST, "type": ANY},
    "POST customers": dict.fromkeys(("description", "email", "expand", "metadata", "name"), ANY),
    "GET customers": {**LIST, "email": ANY},
    "GET payment_methods/one": {"expand": ANY},
    "POST payment_methods/detach": {"expand": ANY},
    "POST setup_intents": {
        **dict.fromkeys(("allowed_payment_method_types", "confirm", "customer", "expand", "metadata"), ANY),
        **dict.fromkeys(("payment_method", "return_url", "usage", "use_stripe_sdk"), ANY),
    },
    "POST setup_intents/cancel": {"cancellation_reason": ANY, "expand": ANY},
    "GET setup_intents/one": {"expand": ANY},
    "GET account": {"expand": ANY},
    "GET webhook_endpoints": {name: ANY for name in LIST if name != "created"},
}


def _one(what: str) -> Callable[[World, str, Params], dict[str, Any]]:
    return lambda world, name, _params: world.get(what, name)


def _list(what: str, url: str, *names: str) -> Callable[[World, Params], dict[str, Any]]:
    return lambda world, params: lists.listed(
        world, what, params, url=url, **{name: params[name] for name in names if name in params}
    )


def _events(world: World, params: Params) -> dict[str, Any]:
    """Of the last thirty days."""
    kept = {each["id"]: each for each in world.events if each["created"] > world.now() - 30 * 86_400}
    world.tables["event"] = kept
    return _list("event", "/v1/events", "type")(world, params)


def _account(world: World, _params: Params) -> dict[str, Any]:
    return dict(world.hidden.get("account") or ACCOUNT)


ACCOUNT: dict[str, Any] = {
    "id": "acct_1StandIn",
    "object": "account",
    "capabilities": {"card_payments": "active", "transfers": "active"},
    "charges_enabled": True,
    "country": "US",
    "default_currency": "usd",
    "details_submitted": True,
    "email": "shop@example.com",
    "payouts_enabled": True,
    "requirements": {"disabled_reason": None, "currently_due": []},
    "type": "standard",
}
OPEN: dict[str, Callable[[World, Params], dict[str, Any]]] = {
    "POST payment_intents": intents.create,
    "GET payment_intents": _list("payment_intent", "/v1/payment_intents", "customer"),
    "GET payment_intents/search": lists.search,
    "POST refunds": ledger.create_refund,
    "GET refunds": _list("refund", "/v1/refunds", "charge", "payment_intent"),
    "GET charges": _list("charge", "/v1/charges", "customer", "payment_intent"),
    "GET balance_transactions": _list("balance_transaction", "/v1/balance_transactions", "source", "type"),
    "GET events": _events,
    "POST customers": people.create_customer,
    "GET customers": _list("customer", "/v1/customers", "email"),
    "POST setup_intents": people.create_setup,
    "GET account": _account,
    "GET webhook_endpoints": _list("webhook_endpoint", "/v1/webhook_endpoints"),
}
NAMED: dict[str, Callable[[World, str, Params], dict[str, Any]]] = {
    "POST payment_intents/confirm": intents.confirm,
    "POST payment_intents/capture": intents.capture,
    "POST payment_intents/cancel": intents.cancel,
    "GET payment_intents/one": _one("payment_intent"),
    "GET refunds/one": _one("refund"),
    "GET charges/one": _one("charge"),
    "GET payment_methods/one": people.retrieve_payment_method,
    "POST payment_methods/detach": people.detach,
    "POST setup_intents/cancel": people.cancel_setup,
    "GET setup_intents/one": _one("setup_intent"),
}
PATH = re.compile(r"/v1/(\w+)(?:/([\w%.-]+))?(?:/(\w+))?")


def answer(world: World, method: str, path: str, params: Params) -> dict[str, Any]:
    """What is answered to a request that may be made. Raises Refusal."""
    found = PATH.fullmatch(path)
    if found is None:
        raise _unknown(method, path)
    room, name, deed = found.groups()
    if name == "search":
        name, room = None, "payment_intents/search"
    route = f"{method} {room}" if name is None else f"{method} {room}/{deed or 'one'}"
    if route not in ACCEPTED:
        raise _unknown(method, path)
    demand_known(params, ACCEPTED[route])
    if params.get("confirm") is not None:
        truth(params, "confirm")
    said = OPEN[route](world, params) if name is None else NAMED[route](world, name, params)
    return lists.shown(world, said, params.get("expand"))


def _unknown(method: str, path: str) -> Refusal:
    error = {"type": "invalid_request_error", "message": f"Unrecognized request URL ({method}: {path})."}
    return Refusal(404, error)
