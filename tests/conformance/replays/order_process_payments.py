"""Processing, authorizing and capturing all payments of an order."""

from __future__ import annotations

from django.conf import settings
from django.test import override_settings

from orders.models import Order
from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.decisions import EXCEPTIONS, UNKNOWN
from tests.conformance.observe import money, raised, raised_in_solidus
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop, settled
from tests.conformance.tables import Row
from tests.scripted import ScriptedGateway

METHODS = {
    "process_payments!": Order.process_payments,
    "authorize_payments!": Order.authorize_payments,
    "capture_payments!": Order.capture_payments,
}


def replay(row: Row, shop: Shop) -> Expectation:
    order = shop.order("confirm", row["total"])
    method = shop.method(auto_capture=row["auto_capture"])
    payments = [shop.payment(order, state, amount, method=method) for state, amount in row["payments"]]
    seen = {payment.pk: payment.operations.count() for payment in payments}
    settled(order)
    _script(row["outcomes_in_call_order"])
    allowed = settings.PAYMENTS | {"ALLOW_CHECKOUT_ON_GATEWAY_ERROR": row["allow_checkout_on_gateway_error"]}
    with override_settings(PAYMENTS=allowed):
        error = raised(lambda: METHODS[row["method"]](order))[1]
    order.refresh_from_db()
    return {
        "went_on": error is None,
        "raised": error,
        "calls": [list(call[:2]) for call in ScriptedGateway.calls],
        "payments": [_shown(payment.pk, seen[payment.pk]) for payment in payments],
        "payment_total": money(order.payment_total),
    }


def _script(outcomes: list[str]) -> None:
    """Answers in the order of the calls; what is asked beyond them succeeds."""
    gateways.script()
    padded = [*outcomes, *["success"] * 3]
    ScriptedGateway.script = {
        verb: [gateways.answer(verb, outcome) for outcome in padded] for verb in ("authorize", "purchase")
    }


def _shown(pk: int, seen: int) -> list[object]:
    payment = Payment.objects.get(pk=pk)
    added = list(payment.operations.order_by("sequence"))[seen:]
    captured = [money(each.amount) for each in added if each.kind == "purchase" and each.state == "succeeded"]
    return [payment.state, money(payment.amount), payment.response_code, len(added), captured]


def solidus(row: Row) -> Expectation:
    assert row["exception"] is None
    return {
        "went_on": bool(row["return"]),
        "raised": None,
        "calls": row["gateway_calls"],
        "payments": row["payments_after"],
        "payment_total": row["payment_total"],
    }


# Where we part


def _raised(row: Row, wanted: Expectation) -> Expectation:
    """The error that Solidus wrote on the order; an order that was covered early is no failure."""
    if not row["order_errors"]:
        return wanted | {"went_on": True}
    return wanted | {"raised": raised_in_solidus("Spree::Core::GatewayError", row["order_errors"][0])}


def _unknown(row: Row, wanted: Expectation) -> Expectation:
    """The payment that was asked last has no answer; that is on record."""
    return wanted | {
        "payments": [
            [state, amount, code, 1 if [started[0], state] == ["checkout", "processing"] else count, captured]
            for started, (state, amount, code, count, captured) in zip(row["payments"], wanted["payments"], strict=True)
        ]
    }


RULES = (
    Rule(EXCEPTIONS, lambda row: not row["return"], _raised),
    Rule(UNKNOWN, lambda row: "Unable to connect to gateway." in row["order_errors"], _unknown),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
