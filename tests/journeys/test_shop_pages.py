"""The storefront's pages in a real browser: at both widths, in light and dark, and a cart that works without script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from shop.demo.goods import load_goods

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_catalogue_and_the_cart_can_be_read_by_everybody(
    browser: Browser, live_server: Any, look: Callable[..., None]
):
    load_goods()
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    missing: list[str] = []
    page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)

    def read(name: str) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            look(page, f"shop-{name}-{scheme}", part="body")

    page.goto("/")
    read("home")
    page.goto("/p/desk-lamp/")
    read("product")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_role("status")).to_have_text("Desk lamp is in your cart.")
    read("cart")
    context.close()
    assert missing == []


def test_a_cart_is_filled_changed_and_emptied_without_script(browser: Browser, live_server: Any):
    load_goods()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("searchbox").fill("mug")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Enamel mug").click()
    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_label("Promotion code").fill("welcome10")
    page.get_by_role("button", name="Use it").click()
    summary = page.get_by_role("complementary", name="Summary")
    expect(summary).to_contain_text("$25.20")
    page.get_by_role("button", name="EUR").click()
    expect(summary).to_contain_text("€23.40")
    page.get_by_role("button", name="Remove Enamel mug").click()
    expect(page.get_by_role("heading", name="There is nothing in your cart.")).to_be_visible()
    page.get_by_role("button", name="Put it back").click()
    expect(summary).to_contain_text("€23.40")
    context.close()
