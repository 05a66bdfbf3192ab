"""Cancel: void if still possible, else refund; with earlier refunds, and with every answer to either."""

from __future__ import annotations

from tests.conformance import gateways
from tests.conformance.decisions import (
    ALWAYS_GATEWAY_ERROR,
    CODES,
    DECLINED_VOID,
    EVERY_REQUEST_KEPT,
    FAILED_REFUND,
    NOBODY_ASKED,
    NOTHING_LEFT,
    PARTLY_REFUNDED,
    REFUND_WITHOUT_MONEY,
    UNKNOWN,
)
from tests.conformance.observe import Watch, calls_in_solidus, order_sums, raised, raised_in_solidus
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import EARLIER, Shop, settled
from tests.conformance.tables import Row

SHOWN = ("state", "response_code", "journal", "refunds")


def replay(row: Row, shop: Shop) -> Expectation:
    order = shop.order()
    refunded = row["already_refunded"]
    payment = shop.payment(order, row["payment_state"], refunded=str(refunded) if refunded else None)
    settled(order)
    watch = Watch(payment)
    gateways.script(void=row["void_outcome"], credit=row["credit_outcome"])
    error = raised(payment.cancel)[1]
    seen = watch.look()
    told = order_sums(order)
    settled(order)
    return {
        "raised": error,
        "calls": gateways.asked(payment),
        **{name: seen[name] for name in SHOWN},
        **told,
        **{f"recalculated_{name}": value for name, value in order_sums(order).items()},
    }


def solidus(row: Row) -> Expectation:
    return {
        "raised": raised_in_solidus(row["exception"], row["message"]),
        "calls": calls_in_solidus(row["gateway_calls"]),
        "state": row["state_after"],
        "response_code": row["response_code_after"],
        "journal": row["log_entries"],
        "refunds": row["refunds"],
        "order_payment_state": row["order_payment_state"],
        "order_payment_total": row["payment_total"],
        "recalculated_order_payment_state": row["after_recalculate_payment_state"],
        "recalculated_order_payment_total": row["after_recalculate_payment_total"],
    }


# Where we part


def _earlier(row: Row) -> list[list[object]]:
    return [[f"{row['already_refunded']}.00", "R0", 0]] if row["already_refunded"] else []


def _order(state: str, total: str) -> Expectation:
    return {
        "order_payment_state": state,
        "order_payment_total": total,
        "recalculated_order_payment_state": state,
        "recalculated_order_payment_total": total,
    }


def _holds_nothing(row: Row) -> bool:
    return row["payment_state"] not in ("pending", "completed")


def _nobody_asked(row: Row, wanted: Expectation) -> Expectation:
    refused = row["payment_state"] in ("failed", "invalid")
    return (
        wanted
        | _order("failed", "0.00")
        | {
            "raised": "TransitionNotAllowed" if refused else None,
            "calls": [],
            "state": row["payment_state"] if refused else "void",
            "response_code": EARLIER,
            "journal": [],
            "refunds": _earlier(row),
        }
    )


def _sold(row: Row, refunded: int | None) -> bool:
    return row["payment_state"] == "completed" and row["already_refunded"] == refunded


def _refund_of_the_rest(row: Row, wanted: Expectation) -> Expectation:
    """As if no void had been asked for; where Solidus got as far as the credit, that answer stays."""
    credited = row["credit_outcome"]
    done = credited in (None, "success")
    rest = ["70.00", "GW-CREDIT", 1] if done else ["70.00", None, 0]
    if done:
        wanted |= _order("balance_due", "0.00")
    return wanted | {
        "raised": None if done else wanted["raised"],
        "calls": [["credit", 7000, EARLIER, "Refund"]],
        "state": "completed",
        "response_code": EARLIER,
        "journal": [],
        "refunds": [*_earlier(row), rest],
    }


def _nothing_left(row: Row, wanted: Expectation) -> Expectation:
    return (
        wanted
        | _order("balance_due", "0.00")
        | {
            "raised": None,
            "calls": [],
            "state": "completed",
            "response_code": EARLIER,
            "journal": [],
            "refunds": _earlier(row),
        }
    )


def _void_asked(row: Row, *outcomes: str) -> bool:
    asked = row["payment_state"] == "pending" or _sold(row, None)
    return asked and row["void_outcome"] in outcomes


def _held_and_declined(row: Row) -> bool:
    return row["payment_state"] == "pending" and row["void_outcome"] == "decline"


def _with_source(row: Row) -> bool:
    """Calls that reach the gateway here, and carry the source there."""
    return bool(row["gateway_stores_profiles"]) and _void_asked(row, "success", "decline", "connection_error")


def without_sources(row: Row, wanted: Expectation) -> Expectation:
    return wanted | {"calls": [[each for each in call if each != "<source>"] for call in wanted["calls"]]}


RULES = (
    Rule(NOBODY_ASKED, _holds_nothing, _nobody_asked),
    Rule(PARTLY_REFUNDED, lambda row: _sold(row, 30), _refund_of_the_rest),
    Rule(NOTHING_LEFT, lambda row: _sold(row, 100), _nothing_left),
    Rule(
        REFUND_WITHOUT_MONEY,
        lambda row: row["payment_state"] != "completed" and bool(row["already_refunded"]),
        lambda row, wanted: wanted | _order(wanted["order_payment_state"], f"-{row['already_refunded']}.00"),
    ),
    Rule(CODES, _with_source, without_sources),
    Rule(
        UNKNOWN,
        lambda row: _void_asked(row, "connection_error"),
        lambda row, wanted: wanted | {"journal": ["unknown"]},
    ),
    Rule(
        ALWAYS_GATEWAY_ERROR,
        lambda row: _void_asked(row, "connection_error"),
        lambda row, wanted: wanted | {"raised": "GatewayUnavailable"},
    ),
    Rule(
        EVERY_REQUEST_KEPT,
        lambda row: _void_asked(row, "decline"),
        lambda row, wanted: wanted | {"journal": ["fail"]},
    ),
    Rule(
        DECLINED_VOID,
        _held_and_declined,
        lambda row, wanted: (
            wanted | {"raised": "PaymentDeclined", "calls": wanted["calls"][:1], "refunds": _earlier(row)}
        ),
    ),
    Rule(
        FAILED_REFUND,
        lambda row: (
            row["payment_state"] == "completed"
            and row["credit_outcome"] in ("decline", "connection_error")
            and row["refunds"][-1][1] is None
        ),
        lambda row, wanted: wanted | _order(wanted["order_payment_state"], wanted["order_payment_total"]),
    ),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
