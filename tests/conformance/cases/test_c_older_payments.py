"""C. Older payments become invalid."""

from __future__ import annotations

import pytest

from payments.gateways.base import Fact, Outcome
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import NEW_PAYMENT
from tests.conformance.start import Shop

AREA = "C"


@case("C", 38)
def test_c_038_another_method(shop: Shop) -> None:
    """An older payment in checkout becomes invalid also where the new one has another method."""
    order = shop.order()
    old = shop.payment(order, "checkout", method=shop.method("check"))
    order.add_payment(shop.method(), source=shop.card)
    old.refresh_from_db()
    assert old.state == "invalid"


@case("C", 39)
def test_c_039_a_list_that_was_read_before(shop: Shop) -> None:
    """The order's payments show it, also where they had been read before."""
    order = shop.order()
    shop.payment(order, "checkout")
    assert [each.state for each in order.payments.all()] == ["checkout"]
    order.add_payment(shop.method(), source=shop.card)
    assert [each.state for each in order.payments.all()] == ["invalid", "checkout"]


@case("C", 42, NEW_PAYMENT)
def test_c_042_a_new_payment_that_fails(shop: Shop) -> None:
    """A new payment makes the older one invalid, whatever becomes of itself."""
    order = shop.order()
    old = shop.payment(order, "checkout")
    new = order.add_payment(shop.method(), source=shop.card)
    new.apply(Fact(kind="authorize", outcome=Outcome.DECLINED, amount_minor=10000))
    old.refresh_from_db()
    assert (old.state, new.state) == ("invalid", "failed")


@case("C", 43)
@pytest.mark.parametrize("state", ["pending", "completed", "processing"])
def test_c_043_payments_that_are_under_way(shop: Shop, state: str) -> None:
    """Older payments that are pending, completed or processing are left as they are."""
    order = shop.order()
    old = shop.payment(order, state)
    order.add_payment(shop.method(), source=shop.card)
    old.refresh_from_db()
    assert old.state == state


NOT_APPLICABLE = {
    40: ("Store credit does not become invalid by a card payment.", "Store credit is not built yet."),
}
