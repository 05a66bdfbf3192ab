"""The page in the documentation says what the tests say."""

from __future__ import annotations

from tests.conformance.report import PAGE, page


def test_the_page_is_up_to_date() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(), "Run: python -m tests.conformance.report"
