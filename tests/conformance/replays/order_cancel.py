"""Calling an order off: what becomes of each of its payments."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.decisions import (
    ALWAYS_GATEWAY_ERROR,
    DECLINED_VOID,
    EVERY_REQUEST_KEPT,
    PARTLY_REFUNDED,
    PAYMENT_BY_PAYMENT,
    UNKNOWN,
)
from tests.conformance.observe import Watch, money, raised, raised_in_solidus
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import EARLIER, Shop, settled
from tests.conformance.tables import Row
from tests.scripted import ScriptedGateway

Part = dict[str, Any]  # What became of one payment.


def replay(row: Row, shop: Shop) -> Expectation:
    order = shop.order()
    parts = _parts(row)
    payments = [shop.payment(order, part["state"], part["amount"], refunded=part["given"]) for part in parts]
    settled(order)
    watches = [Watch(payment) for payment in payments]
    gateways.script(void=row["void_outcome"], credit=row["credit_outcome"])
    error = raised(order.cancel)[1]
    order.refresh_from_db()
    return {
        "raised": error,
        "payments": [_seen(watch) for watch in watches],
        "order_state": order.state,
        "payment_state": order.payment_state,
        "payment_total": money(order.payment_total),
        "outstanding_balance": money(order.outstanding_balance),
    }


def _parts(row: Row) -> list[Part]:
    """The payments as they begin; what was refunded earlier was refunded on the first completed one."""
    refunded, parts = row["refund_on_first_completed"], []
    for state, amount in row["payments"]:
        given = None
        if state == "completed" and refunded:
            given, refunded = (amount if refunded == "full" else f"{refunded}.00"), None
        parts.append({"state": state, "amount": amount, "given": given})
    return parts


def _seen(watch: Watch) -> Part:
    seen = watch.look()
    calls = []
    for verb, *arguments, options in ScriptedGateway.calls:
        originator = options["originator"]
        if watch.payment.pk == (originator.pk if isinstance(originator, Payment) else originator.payment_id):
            calls.append([verb, arguments[0]])
    return {
        "state": seen["state"],
        "amount": seen["amount"],
        "response_code": seen["response_code"],
        "journal": seen["journal"],
        "captured": seen["captured"],
        "refunds": [refund[:2] for refund in seen["refunds"]],
        "calls": calls,
    }


def solidus(row: Row) -> Expectation:
    calls = list(row["gateway_calls"])
    payments = []
    for part, after in zip(_parts(row), row["payments_after"], strict=True):
        state, amount, code, logged, captured, refunds = after
        mine = []
        if _is_undone(part) and calls:
            mine.append(calls.pop(0))
            while calls and calls[0][0] == "credit":
                mine.append(calls.pop(0))
        payments.append(
            {
                "state": state,
                "amount": amount,
                "response_code": code,
                "journal": ["ok"] * logged,
                "captured": captured,
                "refunds": refunds,
                "calls": mine,
            }
        )
    assert not calls
    return {
        "raised": raised_in_solidus(row["exception"], row["message"]),
        "payments": payments,
        "order_state": row["order_state"],
        "payment_state": row["payment_state"],
        "payment_total": row["payment_total"],
        "outstanding_balance": row["outstanding_balance"],
    }


# Where we part


def _is_undone(part: Part) -> bool:
    return part["state"] in ("pending", "completed") and part["given"] != part["amount"]


def _zipped(row: Row) -> list[tuple[Part, Part]]:
    """Each payment as it began, with what Solidus made of it."""
    return list(zip(_parts(row), solidus(row)["payments"], strict=True))


def _credited(row: Row, part: Part) -> Part:
    """A refund of what is left, nothing else asked."""
    left = Decimal(part["amount"]) - Decimal(part["given"] or 0)
    code = "GW-CREDIT" if row["credit_outcome"] == "success" else None
    earlier = [[part["given"], "R0"]] if part["given"] else []
    return {
        "state": "completed",
        "amount": part["amount"],
        "response_code": EARLIER,
        "journal": [],
        "captured": [],
        "refunds": [*earlier, [f"{left:.2f}", code]],
        "calls": [["credit", int(left * 100)]],
    }


def _voided(row: Row, part: Part) -> Part:
    """A void of the whole, and for a sale whose void is declined the credit of it."""
    outcome = row["void_outcome"]
    kept = _credited(row, part) if part["state"] == "completed" and outcome == "decline" else None
    done = outcome == "success"
    return {
        "state": "void" if done else part["state"],
        "amount": part["amount"],
        "response_code": "GW-VOID" if done else EARLIER,
        "journal": [{"success": "ok", "decline": "fail", "connection_error": "unknown"}[outcome]],
        "captured": [],
        "refunds": kept["refunds"] if kept else [],
        "calls": [["void", EARLIER], *(kept["calls"] if kept else [])],
    }


def _undone(row: Row, part: Part) -> Part:
    return _credited(row, part) if part["state"] == "completed" and part["given"] else _voided(row, part)


def _partly_refunded(part: Part) -> bool:
    return part["state"] == "completed" and bool(part["given"]) and _is_undone(part)


def _some(row: Row, concerned: Callable[[Part], bool]) -> bool:
    """Whether Solidus asked the gateway for such a payment, before one of them failed."""
    return any(after["calls"] and concerned(part) for part, after in _zipped(row))


def _change(
    row: Row, wanted: Expectation, concerned: Callable[[Part], bool], change: Callable[[Part, Part], Part]
) -> Expectation:
    payments = [
        after | change(part, after) if was["calls"] and concerned(part) else after
        for (part, was), after in zip(_zipped(row), wanted["payments"], strict=True)
    ]
    return wanted | {"payments": payments}


def _rest_refunded(row: Row, wanted: Expectation) -> Expectation:
    if row["void_outcome"] == "connection_error":
        wanted["raised"] = None  # Nobody asks for the void that was lost.
    return _change(row, wanted, _partly_refunded, lambda part, after: _credited(row, part))


def _payment_by_payment(row: Row, wanted: Expectation) -> Expectation:
    """All are tried, what is in checkout becomes invalid, and the order shows what was given back."""
    payments = []
    for (part, was), after in zip(_zipped(row), wanted["payments"], strict=True):
        if part["state"] == "checkout":
            payments.append(after | {"state": "invalid"})
        else:
            payments.append(_undone(row, part) if _is_undone(part) and not was["calls"] else after)
    paid = sum((_left(each) for each in payments), Decimal(0))
    return wanted | {
        "raised": wanted["raised"] or next(filter(None, map(_trouble, payments)), None),
        "payments": payments,
        "payment_state": "credit_owed" if paid else "void",
        "payment_total": f"{paid:.2f}",
        "outstanding_balance": f"{-paid:.2f}",
    }


def _left(after: Part) -> Decimal:
    given = sum((Decimal(amount) for amount, code in after["refunds"] if code), Decimal(0))
    return Decimal(after["amount"]) - given if after["state"] == "completed" else Decimal(0)


def _trouble(after: Part) -> str | None:
    if "unknown" in after["journal"]:
        return "GatewayUnavailable"
    declined = after["journal"] == ["fail"] and after["state"] == "pending"
    return "PaymentDeclined" if declined or any(code is None for _, code in after["refunds"]) else None


def _refused(row: Row, wanted: Expectation) -> Expectation:
    wanted = _change(row, wanted, lambda part: part["state"] == "pending", lambda part, after: _voided(row, part))
    return wanted | {"raised": "PaymentDeclined"}


def _is_void_asked(part: Part) -> bool:
    return not _partly_refunded(part)


def _silent(row: Row) -> bool:
    return row["void_outcome"] == "connection_error" and _some(row, _is_void_asked)


RULES = (
    Rule(PARTLY_REFUNDED, lambda row: _some(row, _partly_refunded), _rest_refunded),
    Rule(
        PAYMENT_BY_PAYMENT,
        lambda row: bool(row["exception"]) or any(state == "checkout" for state, _ in row["payments"]),
        _payment_by_payment,
    ),
    Rule(
        UNKNOWN,
        _silent,
        lambda row, wanted: _change(row, wanted, _is_void_asked, lambda part, after: {"journal": ["unknown"]}),
    ),
    Rule(ALWAYS_GATEWAY_ERROR, _silent, lambda row, wanted: wanted | {"raised": "GatewayUnavailable"}),
    Rule(
        EVERY_REQUEST_KEPT,
        lambda row: row["void_outcome"] == "decline" and _some(row, _is_void_asked),
        lambda row, wanted: _change(row, wanted, _is_void_asked, lambda part, after: {"journal": ["fail"]}),
    ),
    Rule(
        DECLINED_VOID,
        lambda row: row["void_outcome"] == "decline" and _some(row, lambda part: part["state"] == "pending"),
        _refused,
    ),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
