"""The oracle's scripted gateway: the same answers, and a record of what it was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from payments.errors import GatewayUnavailable
from payments.gateways.base import Response
from tests.scripted import EVERYTHING, ScriptedGateway, declined, ok

SOLIDUS_KEYS = frozenset(
    "email customer customer_id ip order_id originator shipping tax subtotal discount currency"
    " billing_address shipping_address".split()
)


class CardGateway(ScriptedGateway):
    """Wants a source. It says nothing about captures without an authorization, nor above one."""


class UnsupportedGateway(CardGateway):
    """Wants a source, and takes none of those there are."""

    def supports(self, source: Any) -> bool:
        return False


class CheckGateway(ScriptedGateway):
    """Needs no source, and captures without an authorization, as money that arrives by itself."""

    capabilities = replace(EVERYTHING, capture_without_authorization=True)
    source_required = False


REGISTRY = {
    f"scripted_{each.__name__.removesuffix('Gateway').lower()}": f"{each.__module__}.{each.__name__}"
    for each in (CardGateway, UnsupportedGateway, CheckGateway)
}


def answer(verb: str, outcome: str) -> Response | Exception:
    """What the oracle's gateway answers to `verb`."""
    match outcome:
        case "success":
            return ok(f"GW-{verb.upper()}", avs_code="D", cvv_code="M")
        case "decline":
            return declined(f"declined {verb}")
        case "connection_error":
            return GatewayUnavailable("gateway unreachable")
        case _:
            return RuntimeError("unexpected gateway bug")


def script(**outcomes: str) -> None:
    """Have each verb answered so; `every` stands for all of the five."""
    ScriptedGateway.reset()
    verbs = ("authorize", "purchase", "capture", "void", "credit")
    every = outcomes.pop("every", None)
    wanted = dict.fromkeys(verbs, every) if every else outcomes
    ScriptedGateway.script = {verb: answer(verb, outcome) for verb, outcome in wanted.items() if outcome}


def asked(payment: Any) -> list[list[Any]]:
    """What the gateways were asked since `script`, in the oracle's notation.

    Every call must carry all the option keys of Solidus (cancel and refund pass fewer there) and its own
    idempotency key; of the options, only whom they name as originator is written down.
    """
    if not ScriptedGateway.calls:
        return []
    keys = set(payment.operations.values_list("idempotency_key", flat=True))
    found = []
    for verb, *arguments, options in ScriptedGateway.calls:
        assert set(options) >= SOLIDUS_KEYS
        assert options["idempotency_key"] in keys
        shown = ["<source>" if hasattr(each, "token") else each for each in arguments]
        found.append([verb, *shown, type(options["originator"]).__name__])
    return found
