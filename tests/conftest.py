"""What holds for every test: Hypothesis profiles, which tests need PostgreSQL, and the scripted provider."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from tests.chromium import CHROMIUM
from tests.scripted import NarrowGateway, ScriptedGateway

hypothesis_settings.register_profile("default", deadline=None)
hypothesis_settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis_settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_report_header() -> str:
    return f"browser journeys: {CHROMIUM or 'they do not run, no Chromium was found'}"


# What these test has no database of Django's, or is the same words on every one: once, on SQLite, is enough.
ONCE = ("simulator", "conformance_kit", "gateways", "test_docs.py", "test_architecture.py")
ONCE_IN_THE_SHOP = ("test_demo.py", "test_serve_demo_shop.py")  # They run on an SQLite of their own.


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs PostgreSQL elsewhere, and there what asks nothing of a database."""
    from django.db import connection

    here = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(here).parts
        if place[0] in ONCE or place[-1] in ONCE_IN_THE_SHOP:
            item.add_marker("once")
    mark = "once" if connection.vendor == "postgresql" else "postgres"
    left_out = [item for item in items if item.get_closest_marker(mark)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(mark)]


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Nobody guesses the passwords of tests: hashing them well took most of the time of the pages' tests."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def nobody_counts(settings: Any) -> None:
    """Tests sign in and look up as often as they like; those of the limits switch them on."""
    settings.AXES_ENABLED = False
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, "")


@pytest.fixture(autouse=True)
def the_shop_s_language() -> Iterator[None]:
    """A request leaves its visitor's language behind, for the thread's next request to replace."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def scripted(settings: Any) -> Iterator[type[ScriptedGateway]]:
    """The provider of the tests, registered as `scripted`; `narrow` is the same with no abilities."""
    settings.PAYMENT_GATEWAYS = {
        **settings.PAYMENT_GATEWAYS,
        "scripted": "tests.scripted.ScriptedGateway",
        "narrow": "tests.scripted.NarrowGateway",
    }
    ScriptedGateway.reset()
    NarrowGateway.reset()
    yield ScriptedGateway
    ScriptedGateway.reset()
    NarrowGateway.reset()
