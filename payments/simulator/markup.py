"""HTML that cannot be broken into: every text is escaped where it becomes a part of a page."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from payments.simulator.answers import Answer
from payments.simulator.clock import iso

NOTHING = "–"
VOID_TAGS = {"input", "meta", "link", "br"}
POLICY = "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """`tag("a", "Back", href="/", class_="quiet")`. An attribute of None or False is left out; True stands alone."""
    written = ""
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        named = key.rstrip("_").replace("_", "-")
        written += f" {named}" if value is True else f' {named}="{text(value)}"'
    if name in VOID_TAGS:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{''.join(text(each) for each in content if each is not None)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    return Html(text(between).join(text(each) for each in parts))


def link(words: object, href: str, **attributes: object) -> Html:
    return tag("a", words, href=href, **attributes)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str = "Nothing here yet.", look: str = ""
) -> Html:
    """A table that becomes a list of cards on a phone. A head that begins with `#` is a column of numbers."""
    lines = [tag("tr", *(cell_of(head, cell) for head, cell in zip(heads, row, strict=True))) for row in rows]
    if not lines:
        return tag("p", empty, class_="quiet")
    head = tag("tr", *(tag("th", head.lstrip("#"), scope="col", class_=side_of(head)) for head in heads))
    return tag("div", tag("table", tag("thead", head), tag("tbody", *lines), class_=look or None), class_="scroll")


def cell_of(head: str, value: object) -> Html:
    """One cell; the look `none` leaves it out where there is little room."""
    looks = [side_of(head), "none" if value == NOTHING else None]
    return tag("td", value, data_label=head.lstrip("#"), class_=" ".join(filter(None, looks)) or None)


def side_of(head: str) -> str | None:
    return "end" if head.startswith("#") else None


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names and values side by side; what is empty is left out."""
    shown = [tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs if value not in (None, "")]
    return tag("dl", *shown, class_="facts")


def badge(status: str) -> Html:
    return tag("span", status.replace("_", " "), class_=f"badge {status}")


def when(moment: int | None) -> Html:
    """A time to read, exact in its title."""
    exact = iso(moment)
    return tag("time", f"{exact[:10]} {exact[11:19]}", datetime=exact, title=exact) if exact else text("")


def post(action: str, *content: object, **attributes: object) -> Html:
    return tag("form", *content, method="post", action=action, **attributes)


def button(words: str, **attributes: object) -> Html:
    return tag("button", words, type="submit", **attributes)


def note(words: object, kind: str = "good") -> Html:
    return tag("p", words, class_=f"note {kind}", role="status" if kind == "good" else "alert")


def page(title: str, *content: object, status: int = 200, frame: object = None, look: str = "") -> Answer:
    """A whole page. `frame` is what stands above the content; `look` is `sheet` for one that a customer sees."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} · Payment simulator"),
        tag("link", rel="icon", href="data:,"),
        tag("link", rel="stylesheet", href="/style.css"),
    )
    body = tag("body", frame, tag("main", *content), class_=look or None)
    document = f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return Answer(status=status, body=document.encode("utf-8", "replace"), headers=headers)


def redirect(to: str) -> Answer:
    return Answer(status=303, body=b"", headers={"Location": to, "Cache-Control": "no-store"})
