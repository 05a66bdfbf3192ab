"""The catalog of what customers read: gathered from the source, laid beside a language's file, and compiled.

Babel does gettext's work, so that nothing has to be installed for it. What staff read is not in it: the back office
speaks the shop's own language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)
PYTHON = (
    "shop/*.py",
    "shop/accounts/*.py",
    "shop/checkout/*.py",
    "shop/mail/*.py",
    "orders/creating.py",
    "orders/invoices.py",
    "orders/models/invoice.py",
    "orders/models/states.py",
    "payments/adding.py",
    "payments/models/credit_card.py",
    "payments/views.py",
    "payments/wallet.py",
)
TEMPLATES = ("*.html", "shop/**/*.*", "payments/*.html", "gateways/*.html", "orders/*.html")
STAFF = {"shop/dev.py", "shop/time_zone.py", "shop/urls.py", "templates/shop/time_zone.html"}
STAFF_FOLDERS = ("templates/shop/dev/",)
LAZY = {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, **LAZY}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def languages() -> list[str]:
    """Those that need a file: all but the one that the source is written in."""
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_file(language: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / "django.po"


def mo_file(language: str) -> Path:
    return po_file(language).with_suffix(".mo")


# The source


def gathered() -> Catalog:
    """Every message of the source, with the files that it is in."""
    catalog = Catalog()
    for path in _files():
        name = path.relative_to(ROOT).as_posix()
        for line, message, comments, context in _messages(path):
            catalog.add(message, locations=[(name, line)], auto_comments=comments, context=context)
    return catalog


def _files() -> Iterator[Path]:
    found = [path for pattern in PYTHON for path in ROOT.glob(pattern)]
    found += [path for pattern in TEMPLATES for path in (ROOT / "templates").glob(pattern)]
    for path in sorted(set(found)):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and name not in STAFF and not name.startswith(STAFF_FOLDERS):
            yield path


def _messages(path: Path) -> Iterator[Any]:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Between brackets Python minds no indentation, of which what is left of a template has any.
        text = f"({templatize(text, origin=str(path))}\n)"
    return extract("python", BytesIO(text.encode()), keywords=KEYWORDS, comment_tags=("Translators:",))


# A language's files


def known(language: str) -> Catalog:
    """What its file has; empty where there is none."""
    path = po_file(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def write(language: str) -> None:
    """Bring its file up to date: new messages wait for their translation, what nobody says any more is dropped."""
    catalog = known(language)
    catalog.update(gathered(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Everycent", "", ""
    catalog.last_translator = catalog.language_team = ""
    catalog.header_comment = f"# What customers read, in {catalog.locale.english_name if catalog.locale else language}."
    path = po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_by_file=True, include_lineno=False)
    with mo_file(language).open("wb") as file:
        write_mo(file, known(language))


def problems(language: str) -> list[str]:
    """What is not as it has to be: missing, left over, untranslated, fuzzy, other placeholders, not compiled."""
    kept, wanted = known(language), gathered()
    found = [f"missing: {message.id!r}" for message in wanted if message.id and _of(kept, message) is None]
    for message in kept:
        if not message.id:
            continue
        if _of(wanted, message) is None:
            found.append(f"left over: {message.id!r}")
        elif message.fuzzy or not all(_texts(message.string)):
            found.append(f"not translated: {message.id!r}")
        elif any(_placeholders(text) != _placeholders(_texts(message.id)[-1]) for text in _texts(message.string)[-1:]):
            found.append(f"other placeholders: {message.id!r}")
    return [*found, *_compiled_wrongly(language, kept)]


def _compiled_wrongly(language: str, kept: Catalog) -> list[str]:
    path, compiled = mo_file(language), BytesIO()
    if not path.exists():
        return ["not compiled"]
    write_mo(compiled, kept)
    return [] if path.read_bytes() == compiled.getvalue() else ["compiled from other words"]


def _of(catalog: Catalog, message: Message) -> Message | None:
    return catalog.get(message.id, message.context)


def _texts(said: Any) -> list[str]:
    return list(said) if isinstance(said, list | tuple) else [said]


def _placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))
