"""Journeys through the pages in a real Chromium. Where none is installed they are left out, and one line says so.

BROWSER=required makes a missing Chromium an error. PICTURES=folder keeps a picture of each screen, at both widths.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.core.management import call_command
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.chromium import CHROMIUM

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")

# Playwright's event loop runs in this thread; Django's ORM is used from here only between its steps.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    journeys = [item for item in items if here in item.path.parents]
    for item in journeys:
        item.add_marker(pytest.mark.postgres)  # Browsers need connections of their own.
        item.add_marker(pytest.mark.journey)
    if journeys and not CHROMIUM:
        if os.environ.get("BROWSER") == "required":
            raise pytest.UsageError("No Chromium was found: install Debian's package chromium.")
        config.hook.pytest_deselected(items=journeys)
        items[:] = [item for item in items if item not in journeys]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def theme(transactional_db: None) -> None:
    """The pages as staff see them."""
    call_command("loaddata", "back_office_theme", verbosity=0)


@pytest.fixture
def signed_in(browser: Browser, live_server: Any, theme: None) -> Iterator[Callable[..., Page]]:
    """A browser of its own for a member of staff: signed_in("mira") is a superuser's page."""
    contexts: list[BrowserContext] = []

    def open_page(name: str, *, size: Any = None) -> Page:
        user = User.objects.filter(username=name).first() or User.objects.create_superuser(name, password="secret")
        viewport: Any = size or DESKTOP
        context = browser.new_context(viewport=viewport, base_url=live_server.url, timezone_id="UTC")
        contexts.append(context)
        page = context.new_page()
        page.goto("/admin/login/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill("secret")
        page.get_by_role("button", name="Log in").click()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def look() -> Callable[..., None]:
    """Hold a screen to what holds for all: no serious finding of axe in our own part, no sideways scrolling."""

    def look_at(page: Page, name: str, *, part: str = ".ec-page") -> None:
        for device, size in (("phone", PHONE), ("desktop", DESKTOP)):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert too_wide <= 0, f"{name} is {too_wide} px too wide on a {device}"
            folder = os.environ.get("PICTURES")
            if folder:
                page.screenshot(path=Path(folder) / f"{name}-{device}.png", full_page=True)
        report = Axe().run(page, context=part)
        found = [
            f"{each['id']}: {node['html']}"
            for each in report.response["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
            if 'id="searchbar"' not in node["html"]  # Django's own.
        ]
        assert found == []

    return look_at
