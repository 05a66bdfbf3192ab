"""The laws hold after every step of a shop to which anything may happen; at its end the books are equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.laws.machine import Shop
from tests.laws.sandbox import examples

pytestmark = pytest.mark.django_db
CALM = list(HealthCheck)


@pytest.fixture(autouse=True)
def _the_provider(settings: Any) -> None:
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "bookkeeping": "tests.laws.provider.BookKeeping"}
    settings.REACTIONS = {"order.completed": ["tests.laws.test_any_order.receive"]}


def test_a_shop_to_which_anything_happens():
    run_state_machine_as_test(
        Shop, settings=settings(max_examples=5, stateful_step_count=25, deadline=None, suppress_health_check=CALM)
    )


@pytest.mark.drill
def test_many_shops_to_which_anything_happens(capsys: pytest.CaptureFixture[str]):
    Shop.counts.clear()
    run_state_machine_as_test(
        Shop,
        settings=settings(
            max_examples=examples(150), stateful_step_count=50, deadline=None, suppress_health_check=CALM
        ),
    )
    with capsys.disabled():
        steps, shops, operations = (Shop.counts[each] for each in ("steps", "shops", "operations"))
        print(
            f"\nThe machine: {steps} steps and {operations} operations in {shops} shops, "
            "every law after each step, 0 differences."
        )
