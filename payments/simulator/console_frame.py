"""What all pages of the console have in common."""

from __future__ import annotations

from urllib.parse import urlencode

from payments.simulator.answers import Answer
from payments.simulator.markup import Html, link, page, tag

PAGE = 25  # Rows of a list.
PLACES = {
    "/console/": "Payments",
    "/console/events": "Events",
    "/console/books": "Books",
    "/console/faults": "Faults",
    "/": "Test cards",
}


def console_page(title: str, *content: object, here: str, status: int = 200) -> Answer:
    links = [link(name, place, aria_current="page" if place == here else None) for place, name in PLACES.items()]
    head = tag("header", tag("strong", "Payment simulator"), tag("nav", *links, aria_label="Console"))
    return page(title, *content, status=status, frame=head)


def pager(place: str, more: int | None, sought: str = "") -> Html | None:
    """The way to older rows, where there are some."""
    if more is None:
        return None
    query = urlencode({"before": more, **({"q": sought} if sought else {})})
    return tag("p", link("Older", f"{place}?{query}"), class_="pager")
