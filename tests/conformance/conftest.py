"""The scripted gateways, registered as any other, and what the rows of a test share."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from tests.conformance.gateways import REGISTRY, script
from tests.conformance.start import Shop


@pytest.fixture
def shop(db: None, settings: Settings) -> Shop:
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, **REGISTRY}
    script()
    return Shop()
