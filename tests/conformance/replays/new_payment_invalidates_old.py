"""What a new payment does to the one that is there."""

from __future__ import annotations

from orders.models import Order
from payments.gateways.base import Fact, Outcome
from payments.models import Payment
from tests.conformance.decisions import NEW_PAYMENT
from tests.conformance.observe import order_sums
from tests.conformance.rule import Expectation, NotApplicable, Rule
from tests.conformance.start import Shop, settled
from tests.conformance.tables import Row

NEW = "50.00"  # The table does not say; two completed payments owe credit, a new one alone leaves a balance.
# How a payment comes into a state, once it is there: by what a provider says of it.
FACTS = {
    "pending": Fact(kind="authorize", outcome=Outcome.APPROVED, amount_minor=5000),
    "processing": Fact(kind="authorize", outcome=Outcome.PROCESSING, amount_minor=5000),
    "completed": Fact(kind="purchase", outcome=Outcome.APPROVED, amount_minor=5000),
    "failed": Fact(kind="authorize", outcome=Outcome.DECLINED, amount_minor=5000),
}


def replay(row: Row, shop: Shop) -> Expectation:
    order = shop.order()
    existing = shop.payment(order, row["existing_state"])
    settled(order)
    new = _add(row, shop, order)
    return {
        "existing": Payment.objects.get(pk=existing.pk).state,
        "new": Payment.objects.get(pk=new.pk).state,
        "order_payment_state": order_sums(order)["order_payment_state"],
    }


def _add(row: Row, shop: Shop, order: Order) -> Payment:
    card = row["new_payment_kind"] == "card"
    new = order.add_payment(shop.method("card" if card else "check"), shop.card if card else None, amount=NEW)
    state = row["new_payment_state"]
    if state in FACTS:
        new.apply(FACTS[state])
    elif state == "void":
        new.void_transaction()
    elif state == "invalid":
        order.payments.filter(pk=new.pk).update(state=state)
        settled(order)
    return new


def solidus(row: Row) -> Expectation:
    assert row["return"] is True and row["exception"] is None
    return {
        "existing": row["existing_state_after"],
        "new": row["new_state_after"],
        "order_payment_state": row["order_payment_state"],
    }


RULES = (
    Rule(
        NEW_PAYMENT,
        lambda row: row["existing_state"] == "checkout" and row["new_payment_state"] in ("failed", "invalid"),
        lambda row, wanted: wanted | {"existing": "invalid", "order_payment_state": "failed"},
    ),
)
NOT_APPLICABLE: tuple[NotApplicable, ...] = ()
