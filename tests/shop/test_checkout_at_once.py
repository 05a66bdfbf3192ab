"""The same order placed by several requests at the same moment: one order, one question, one charge."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django_fsm import TransitionNotAllowed

from payments.errors import PaymentBusy
from payments.models import Operation
from shop import cart
from shop.models import PaymentAttempt
from tests.scripted import ScriptedGateway, declined, ok
from tests.shop.storefront import Customer, bogus, stocked

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(db, settings):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "bogus": "tests.shop.gateways.Numbers"}
    bogus()
    return stocked()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """All of them, begun at the same moment, each on a connection of its own."""
    together = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        together.wait(10)
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result() for each in [pool.submit(run, act) for act in acts]]


def another_tab(customer: Customer) -> Customer:
    tab = Customer()
    tab.carry(customer.order)
    return tab


def ready(product) -> tuple[Customer, str]:
    ada = Customer().ready(product)
    ada.pay_by()
    return ada, ada.agreed()


def asked() -> int:
    return len([call for call in ScriptedGateway.calls if call[0] == "purchase"])


def test_placed_four_times_at_once(product):
    ada, agreed = ready(product)
    tabs = [ada, *(another_tab(ada) for _ in range(3))]
    answers = at_once(*(lambda tab=tab: tab.place(agreed) for tab in tabs))
    assert {answer.status_code for answer in answers} == {302}
    assert asked() == 1
    order = ada.order
    assert (order.state, str(order.payment_total.amount), order.payments.count()) == ("complete", "30.00", 1)
    assert order.stock_holds.get().quantity == 1
    product.refresh_from_db()
    assert product.stock == 4


def test_a_second_click_while_the_provider_thinks_is_told_to_wait(product):
    ada, agreed = ready(product)
    tab, seen = another_tab(ada), []

    def think(_options: Any) -> Any:
        seen.append(tab.place(agreed))
        seen.append(tab.client.get(seen[0]["Location"]).content.decode())
        seen.append(tab.pay_by()["Location"])
        return ok("GW-1")

    ScriptedGateway.script = {"purchase": think}
    first = ada.place(agreed)
    assert first["Location"] == seen[0]["Location"] == seen[2]
    assert "Your payment is being confirmed" in seen[1]
    assert asked() == 1
    assert ada.order.state == "complete"


def test_a_cart_that_is_changed_while_the_order_is_placed(product):
    ada, agreed = ready(product)
    line = ada.order.line_items.get()

    def change() -> Any:
        try:
            cart.set_quantity(ada.order, line, 2)
        except (PaymentBusy, TransitionNotAllowed) as refused:
            return type(refused).__name__
        return "changed"

    _placed, changed = at_once(lambda: ada.place(agreed), change)
    order = ada.order
    if changed == "changed":
        assert asked() == 0
        assert order.state != "complete"
    else:
        assert (order.state, str(order.payment_total.amount)) == ("complete", "30.00")


def test_the_last_piece_is_sold_once(product):
    type(product).objects.update(stock=1)
    both = [ready(product), ready(product)]
    answers = at_once(*(lambda who=who, agreed=agreed: who.place(agreed) for who, agreed in both))
    assert sorted(answer["Location"].split("/")[1] for answer in answers) == ["cart", "order"]
    assert sorted(who.order.state for who, _agreed in both) == ["complete", "confirm"]
    assert asked() == 1


def test_many_cards_at_once_do_not_slip_through_the_limit(product, settings):
    settings.CHECKOUT = {"DECLINES_PER_CARD": "", "DECLINES_PER_ORDER": "", "DECLINES_PER_IP": "2/hour"}
    ScriptedGateway.script = {"purchase": lambda _options: declined()}
    product.stock = 50
    product.save()
    thieves = [ready(product) for _ in range(5)]
    answers = at_once(*(lambda who=who, agreed=agreed: who.place(agreed) for who, agreed in thieves))
    assert sorted(answer.status_code for answer in answers) == [302, 302, 429, 429, 429]
    assert asked() == Operation.objects.count() == 2
    assert PaymentAttempt.objects.filter(stopped_by="ip").count() == 3
