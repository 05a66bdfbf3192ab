"""Gateways for the payment page: one that takes test numbers and is scripted, one whose fields are a script's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments.errors import PaymentDeclined
from payments.gateways.base import Response
from tests.scripted import ScriptedGateway


class Numbers(ScriptedGateway):
    """Takes raw numbers as `bogus` does, and answers as it is told to."""

    takes_card_numbers = True

    def supports(self, source: Any) -> bool:
        return bool(source.number or source.token)

    def tokenize(self, source: Any) -> str:
        return source.token or f"tok-{source.number}"


class Fields(ScriptedGateway):
    """Its fragment is told a key, and posts a token that the provider describes."""

    csp_sources = {"script-src": ("https://js.provider.example",), "frame-src": ("https://js.provider.example",)}

    def client_config(self, order_info: Mapping[str, Any]) -> dict[str, Any]:
        return {"key": "pk_test_1", "amount": order_info.get("amount_minor"), "country": order_info.get("country")}

    def supports(self, source: Any) -> bool:
        return bool(source.token or getattr(source, "is_hosted", False))

    def describe(self, token: str) -> dict[str, Any]:
        if token == "tok_unknown":
            raise PaymentDeclined("No such token.", "not_found")
        return {"brand": "visa", "last_four": "4242", "month": 12, "year": 2040, "name": "Ada"}

    def purchase(self, amount_minor: int, source: Any, options: Any) -> Response:
        return super().purchase(amount_minor, source.token, options)


class OutOfReach(Fields):
    """Its script is where nobody answers."""

    def client_config(self, order_info: Mapping[str, Any]) -> dict[str, Any]:
        return {"authorization": "sandbox_1", "script_url": "http://127.0.0.1:9/js"}
