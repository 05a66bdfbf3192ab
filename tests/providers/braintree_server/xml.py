"""Braintree's XML: what a client sends becomes dicts, what the server says becomes elements with dashes and types."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import date, datetime
from decimal import Decimal
from typing import Any

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'


class Collection(list[Any]):
    """Entries that are no array on the wire: one element after the other, each a (name, content) pair."""


TRUTH = {"true": True, "1": True, "false": False, "0": False}


class NotXml(Exception):
    """The body is no XML that this server takes."""


def read(body: bytes) -> dict[str, Any]:
    """One request as {name: content}; names come with underscores, and dashes are taken for them. {} for no body."""
    if not body.strip():
        return {}
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise NotXml("no document types here")
    try:
        root = ET.fromstring(body)
    except ET.ParseError as error:
        raise NotXml(str(error)) from error
    return {_name(root): _content(root)}


def _name(element: ET.Element) -> str:
    return element.tag.replace("-", "_")


def _content(element: ET.Element) -> Any:
    kind = element.get("type", "")
    if kind == "array":
        return [_content(child) for child in element]
    if len(element):
        return {_name(child): _content(child) for child in element}
    text = element.text or ""
    if kind == "boolean":
        return TRUTH.get(text.strip(), False)
    if kind == "integer":
        return int(text)
    return None if element.get("nil") == "true" else text


def write(name: str, content: Any) -> bytes:
    """An answer. What a value is, its type says: dict, list, bool, int, datetime, date, None, Decimal, text."""
    return HEAD + ET.tostring(_element(name, content), encoding="utf-8")


def _element(name: str, content: Any) -> ET.Element:
    element = ET.Element(name.replace("_", "-"))
    if isinstance(content, dict):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list):
        element.set("type", "collection" if isinstance(content, Collection) else "array")
        element.extend(_element(_one_of(name, each), _bare(each)) for each in content)
    elif content is None:
        element.set("nil", "true")
    else:
        kind, element.text = _text(content)
        if kind:
            element.set("type", kind)
    return element


def _one_of(name: str, each: Any) -> str:
    """What one entry of a list is called: an entry with a name of its own is a (name, content) pair."""
    return each[0] if isinstance(each, tuple) else {"status_history": "status-event"}.get(name, "item")


def _bare(each: Any) -> Any:
    return each[1] if isinstance(each, tuple) else each


def _text(content: Any) -> tuple[str, str]:
    if isinstance(content, bool):
        return "boolean", "true" if content else "false"
    if isinstance(content, int):
        return "integer", str(content)
    if isinstance(content, datetime):
        return "datetime", content.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(content, date):
        return "date", content.isoformat()
    if isinstance(content, Decimal):
        return "", format(content, "f")
    return "", str(content)
