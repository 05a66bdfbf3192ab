"""Every verb of a payment, from every state, with every kind of source and every answer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from payments.models import Payment
from tests.conformance import gateways
from tests.conformance.decisions import (
    ALWAYS_GATEWAY_ERROR,
    CAPTURE_NEEDS_AUTHORIZATION,
    DECLINED_CAPTURE,
    DECLINED_VOID,
    EVERY_REQUEST_KEPT,
    MONEY_STAYS,
    NOBODY_ASKED,
    SOURCE_GONE,
    UNKNOWN,
)
from tests.conformance.observe import Watch, calls_in_solidus, history, order_sums, raised, raised_in_solidus
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import EARLIER, Shop, settled
from tests.conformance.tables import Row
from tests.laws.sandbox import undone

GATEWAY = {
    "required_present": "card",
    "required_missing": "card",
    "required_present_unsupported": "unsupported",
    "not_required": "check",
}
VERBS: dict[str, Callable[[Payment], Any]] = {
    "process!": Payment.process,
    "authorize!": Payment.authorize,
    "purchase!": Payment.purchase,
    "capture!(full)": Payment.capture,
    "capture!(4000)": lambda payment: payment.capture(Decimal("40.00")),
    "void_transaction!": Payment.void_transaction,
    "cancel!": Payment.cancel,
}


START = ("order_state", "source", "auto_capture", "payment_state")


def replay(row: Row, shop: Shop) -> Expectation:
    payment = shop.begin(tuple(row[name] for name in START), lambda: start(row, shop))
    with undone():
        watch = Watch(payment)
        gateways.script(every=row["outcome"])
        returned, error = raised(lambda: VERBS[row["action"]](payment))
        return {
            "raised": error,
            "answered": returned is not None,
            "calls": gateways.asked(payment),
            "payments": payment.order.payments.count(),
            **watch.look(),
            **order_sums(payment.order),
        }


def start(row: Row, shop: Shop) -> Payment:
    order = shop.order(row["order_state"])
    method = shop.method(GATEWAY[row["source"]], auto_capture=row["auto_capture"])
    payment = shop.payment(order, row["payment_state"], method=method, source="present" in row["source"])
    settled(order)
    return payment


def solidus(row: Row) -> Expectation:
    return {
        "raised": raised_in_solidus(row["exception"], row["message"]),
        "answered": bool(row["gateway_calls"]) and not row["exception"],
        "calls": calls_in_solidus(row["gateway_calls"]),
        "payments": row["payments_in_order"],
        "state": row["state_after"],
        "amount": row["amount_after"],
        "response_code": row["response_code_after"],
        "avs": row["avs"],
        "cvv": row["cvv"],
        "journal": row["log_entries"],
        "history": history(*(state for change in row["state_changes"] for state in change.split(">"))),
        "captured": row["capture_events"],
        "refunds": row["refunds"],
        "order_payment_state": row["order_payment_state_after"],
        "order_payment_total": row["order_payment_total_after"],
    }


# Where we part

COLLECTING = ("process!", "authorize!", "purchase!")
CAPTURING = ("capture!(full)", "capture!(4000)")
UNDOING = ("void_transaction!", "cancel!")
SILENT = ("connection_error", "other_exception")
SILENCE = {"connection_error": "GatewayUnavailable", "other_exception": "RuntimeError"}


def _holds_nothing(row: Row) -> bool:
    held = row["payment_state"] in ("pending", "completed")
    return row["action"] in UNDOING and not held and bool(row["gateway_calls"])


def _nobody_asked(row: Row, wanted: Expectation) -> Expectation:
    state = row["payment_state"]
    refused = state in ("failed", "invalid")
    after = state if refused else "void"
    return (
        wanted
        | _untouched(row)
        | {
            "raised": "TransitionNotAllowed" if refused else None,
            "state": after,
            "history": history(state, after),
            "order_payment_state": "failed" if row["order_state"] == "complete" else None,
        }
    )


def _untouched(row: Row) -> Expectation:
    """Nobody was asked and nothing came of it."""
    return {
        "answered": False,
        "calls": [],
        "state": row["payment_state"],
        "amount": "100.00",
        "response_code": EARLIER,
        "avs": None,
        "cvv": None,
        "journal": [],
        "history": None,
        "captured": [],
        "refunds": [],
        "order_payment_total": "0.00",
    }


def _lacks_authorization(row: Row) -> bool:
    captures = row["action"] in CAPTURING and row["payment_state"] in ("checkout", "processing")
    return captures and row["source"] != "not_required"


def _unsupported(row: Row, wanted: Expectation) -> Expectation:
    due = "balance_due" if row["order_state"] == "complete" else None
    return wanted | _untouched(row) | {"raised": "UnsupportedAction", "order_payment_state": due}


def _source_gone(row: Row) -> bool:
    """Solidus then finds the payment invalid, and neither captures it nor keeps what the gateway answered."""
    if row["source"] != "required_missing" or row["payment_state"] not in ("pending", "completed"):
        return False
    if row["action"] in CAPTURING:
        return bool(row["payment_state"] == "pending")
    return row["action"] in UNDOING and row["outcome"] == "success"


def _without_source(row: Row, wanted: Expectation) -> Expectation:
    """As a row with its source ends."""
    if row["action"] in CAPTURING:
        wanted = _captured(row, wanted)
    else:
        failed = "failed" if row["order_state"] == "complete" else None
        wanted |= {"state": "void", "response_code": "GW-VOID", "order_payment_state": failed}
        wanted |= {"order_payment_total": "0.00"}
    return wanted | {"history": history(row["payment_state"], wanted["state"])}


def _captured(row: Row, wanted: Expectation) -> Expectation:
    amount = "100.00" if row["action"] == "capture!(full)" else "40.00"
    live = row["order_state"] == "complete"
    wanted["calls"] = [["capture", int(amount.replace(".", "")), EARLIER, "Payment"]]
    if row["outcome"] in SILENT:
        return wanted | {"raised": SILENCE[row["outcome"]], "state": "processing"}
    if row["outcome"] == "decline":
        failed = "failed" if live else None
        ended = {"raised": "PaymentDeclined", "state": "failed", "journal": ["fail"]}
        return wanted | ended | {"order_payment_state": failed}
    paid = "paid" if amount == "100.00" else "balance_due"
    return wanted | {
        "raised": None,
        "answered": True,
        "state": "completed",
        "amount": amount,
        "response_code": "GW-CAPTURE",
        "avs": "D",
        "cvv": "M",
        "journal": ["ok"],
        "captured": [amount],
        "order_payment_state": paid if live else None,
        "order_payment_total": amount,
    }


def _asked_again(row: Row) -> bool:
    """A second attempt on money that was taken. (Solidus tells an order in checkout only of its end.)"""
    again = row["payment_state"] == "completed" and row["action"] in COLLECTING and bool(row["gateway_calls"])
    return again and (row["order_state"] == "complete" or row["outcome"] == "decline" or _bought_twice(row))


def _bought_twice(row: Row) -> bool:
    return row["outcome"] == "success" and bool(row["gateway_calls"][0][0] == "purchase")


def _money_stays(row: Row, wanted: Expectation) -> Expectation:
    twice = _bought_twice(row)
    if row["order_state"] == "complete":
        wanted["order_payment_state"] = "credit_owed" if twice else "paid"
    if row["outcome"] == "decline":
        wanted |= {"state": "completed", "history": None}
    return wanted | {"order_payment_total": "200.00" if twice else "100.00"}


def _is_asked(row: Row) -> bool:
    nobody = _holds_nothing(row) or _lacks_authorization(row)
    return not nobody and (bool(row["gateway_calls"]) or _source_gone(row))


RULES = (
    Rule(NOBODY_ASKED, _holds_nothing, _nobody_asked),
    Rule(CAPTURE_NEEDS_AUTHORIZATION, _lacks_authorization, _unsupported),
    Rule(SOURCE_GONE, _source_gone, _without_source),
    Rule(
        UNKNOWN,
        lambda row: row["outcome"] in SILENT and _is_asked(row),
        lambda row, wanted: wanted | {"journal": ["unknown"]},
    ),
    Rule(
        ALWAYS_GATEWAY_ERROR,
        lambda row: row["exception"] == "ActiveMerchant::ConnectionError" and _is_asked(row),
        lambda row, wanted: wanted | {"raised": "GatewayUnavailable"},
    ),
    Rule(
        DECLINED_CAPTURE,
        lambda row: row["outcome"] == "decline" and bool(row["capture_events"]) and not _lacks_authorization(row),
        lambda row, wanted: wanted | {"amount": "100.00", "captured": []},
    ),
    Rule(
        EVERY_REQUEST_KEPT,
        lambda row: row["action"] == "cancel!" and row["outcome"] == "decline" and _is_asked(row),
        lambda row, wanted: wanted | {"journal": ["fail"]},
    ),
    Rule(
        DECLINED_VOID,
        lambda row: row["payment_state"] == "pending" and row["action"] == "cancel!" and row["outcome"] == "decline",
        lambda row, wanted: wanted | {"calls": wanted["calls"][:1], "refunds": []},
    ),
    Rule(MONEY_STAYS, _asked_again, _money_stays),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
