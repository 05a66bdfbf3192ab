"""What holds for every test: Hypothesis profiles, which tests need PostgreSQL, and the scripted provider."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as site
from django.test import override_settings
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


def is_once(path: Path) -> bool:
    place = path.relative_to(Path(__file__).parent).parts
    return place[0] in ONCE or place[-1] in ONCE_IN_THE_SHOP


def on_postgresql() -> bool:
    from django.db import connection

    return connection.vendor == "postgresql"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Not even read where all of it would be left out."""
    here, drills = Path(__file__).parent, "not drill" not in config.getoption("markexpr")
    if drills or here not in collection_path.parents or not on_postgresql():
        return None
    return is_once(collection_path) or None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs PostgreSQL elsewhere, and there what asks nothing of a database."""
    for item in items:
        if is_once(item.path):
            item.add_marker("once")
    postgresql = on_postgresql()
    stays: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        elsewhere = bool(item.get_closest_marker("once" if postgresql else "postgres"))
        # `make drill` has one database, so that a drill is left out of none for being the same on each.
        stays[not elsewhere or (postgresql and bool(item.get_closest_marker("drill")))].append(item)
    if stays[False]:
        config.hook.pytest_deselected(items=stays[False])
        items[:] = stays[True]


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def as_tests_need_it(django_test_environment: None) -> Iterator[None]:
    """The scripted provider is registered, passwords are hashed quickly, and nobody counts sign-ins and look-ups.

    Nobody guesses the passwords of tests: hashing them well took most of the time of the pages' tests. Tests sign in
    and look up as often as they like; those of the limits switch them on.
    """
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        AXES_ENABLED=False,
        RATE_LIMITS=dict.fromkeys(site.RATE_LIMITS, ""),
        PAYMENT_GATEWAYS={
            **site.PAYMENT_GATEWAYS,
            "scripted": "tests.scripted.ScriptedGateway",
            "narrow": "tests.scripted.NarrowGateway",
        },
    ):
        yield


@pytest.fixture(autouse=True)
def the_shop_s_language() -> Iterator[None]:
    """A request leaves its visitor's language behind, for the thread's next request to replace."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def scripted() -> Iterator[type[ScriptedGateway]]:
    """The provider of the tests, registered as `scripted`; `narrow` is the same with no abilities."""
    ScriptedGateway.reset()
    NarrowGateway.reset()
    yield ScriptedGateway
    ScriptedGateway.reset()
    NarrowGateway.reset()
