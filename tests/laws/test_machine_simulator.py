"""Whatever the simulator does to requests, answers and notices: the laws hold, and its books are ours at the end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.laws.machine_simulator import ORIGIN, SECRETS, SimulatedShop
from tests.laws.sandbox import examples

pytestmark = pytest.mark.django_db
CALM = list(HealthCheck)


@pytest.fixture(autouse=True)
def _the_provider(settings: Any) -> None:
    settings.PAYMENT_GATEWAYS = {"machine": "tests.laws.machine_simulator.MachineGateway"}
    settings.PAYMENT_SECRETS = SECRETS
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": ORIGIN}
    settings.REACTIONS = {}


def run(shops: int, steps: int) -> None:
    calm = settings(max_examples=shops, stateful_step_count=steps, deadline=None, suppress_health_check=CALM)
    run_state_machine_as_test(SimulatedShop, settings=calm)


def test_a_shop_whose_provider_misbehaves():
    run(4, 20)


@pytest.mark.drill
def test_many_shops_whose_provider_misbehaves(capsys: pytest.CaptureFixture[str]):
    SimulatedShop.counts.clear()
    run(examples(150), 50)
    told = SimulatedShop.counts
    with capsys.disabled():
        print(
            f"\nThe machine over the simulator: {told['steps']} steps and {told['operations']} operations in "
            f"{told['shops']} shops, {told['faults']} faults, {told['notices']} notices of {told['events']} events, "
            f"{told['left to staff']} left to staff, 0 differences."
        )
