"""A shop whose provider is the simulator's engine in this process: it delivers its notices to the view itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from django.test import Client

from payments.gateways.simulator import SimulatorGateway
from payments.models import CreditCard, HostedSource, PaymentMethod
from payments.simulator.engine import Engine
from payments.simulator.in_process import Transport
from payments.simulator.options import Options
from tests.factories import card_recipe, make_order

SECRETS = {"WIRED_KEY": "sk_test_wired", "WIRED_HOOK": "whsec_wired"}
CONFIG = {"secret_key": "WIRED_KEY", "webhook_secret": "WIRED_HOOK"}
ORIGIN = "http://shop.example"
CHALLENGE = "4000 0000 0000 3220"


class WiredGateway(SimulatorGateway):
    """The simulator's gateway, with the engine of the test in place of a socket."""

    engine: ClassVar[Engine]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.http.wire = Transport(type(self).engine)
        self.http.pause = lambda _seconds: None


class Provider:
    """The engine, the customer at its pages, and what it delivered: `posted` has (path, headers, body, status)."""

    def __init__(self, settings: Any) -> None:
        self.posted: list[tuple[str, dict[str, str], bytes, int]] = []
        self.deaf = False
        options = Options(secret_key=SECRETS["WIRED_KEY"], webhook_secret=SECRETS["WIRED_HOOK"])
        self.engine = Engine(options=options, sender=self.deliver)
        WiredGateway.engine = self.engine
        settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "wired": WiredGateway}
        settings.PAYMENT_SECRETS = SECRETS
        settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": ORIGIN}
        settings.ALLOWED_HOSTS = ["shop.example", "testserver"]

    def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        assert url.startswith(ORIGIN)
        if self.deaf:
            raise ConnectionRefusedError
        status = post(urlsplit(url).path, body, headers)
        self.posted.append((urlsplit(url).path, dict(headers), body, status))
        return status

    def deliver_due(self) -> int:
        return self.engine.webhooks.deliver_due()

    def fault(self, *rules: dict[str, Any]) -> None:
        self.engine.call("POST", "/_faults", {"rules": list(rules)})

    def deed(self, payment: Any, deed: str, **more: Any) -> None:
        self.engine.call("POST", "/_events", {"payment": payment.response_code, "deed": deed, **more})

    def advance(self, seconds: int) -> None:
        self.engine.call("POST", "/_clock", {"advance": seconds})

    # The customer's browser

    def visit(self, url: str, **form: str) -> str:
        """Where the page leads: the address it redirects to, or "" if it stays."""
        parts = urlsplit(url)
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": self.engine.options.base_url}
        method, body = ("POST", urlencode(form).encode()) if form else ("GET", b"")
        _status, told, _text = Transport(self.engine).request(method, parts.path, body, headers)
        return told.get("location", "")

    def pay(self, payment: Any, *, number: str = CHALLENGE, passed: str = "yes") -> str:
        """The customer types a card, and meets the challenge if there is one. The address to come back to."""
        url = payment.operations.get(state="waiting").next_action["url"]
        back = self.visit(url, number=number, expiry="12/40", cvc="123", name="Ada")
        return self.visit(back, passed=passed) if "/challenge/" in back else back


def post(path: str, body: bytes | str, headers: Mapping[str, str] | None = None, **more: Any) -> int:
    named = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
    response = Client(enforce_csrf_checks=True).post(
        path, data=body, content_type="application/json", headers=named, **more
    )
    assert response.content == b""
    return response.status_code


def wired_method(**facts: Any) -> PaymentMethod:
    made = {"name": "Card", "code": "card", "gateway": "wired", "config": CONFIG, "auto_capture": True}
    return PaymentMethod.objects.create(**(made | facts))


def hosted_payment(method: PaymentMethod | None = None, total: str = "48.00") -> Any:
    """A placed order whose payment waits for its customer on the provider's page."""
    order = make_order(total)
    payment = order.add_payment(method or wired_method(), source=HostedSource.objects.create())
    order.complete()
    payment.refresh_from_db()
    return payment


def card(name: str = "visa") -> CreditCard:
    made: CreditCard = card_recipe.make(token=f"tok_{name}")
    return made
