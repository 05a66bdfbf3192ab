"""The bundled example files, and small files made from their first order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GOOD, BAD = EXAMPLES / "orders.jsonl", EXAMPLES / "orders-bad.jsonl"


def order_in_file(**changes: Any) -> dict[str, Any]:
    """A good order, two caps for 606.90 SEK, with some fields changed; "a.b" and "lines.0.c" reach inside."""
    with GOOD.open() as file:
        order: dict[str, Any] = json.loads(next(file))
    for path, value in changes.items():
        *outer, last = path.split(".")
        target: Any = order
        for key in outer:
            target = target[int(key) if isinstance(target, list) else key]
        target[last] = value
    return order


def line_of(**changes: Any) -> bytes:
    return json.dumps(order_in_file(**changes)).encode()


def write(folder: Path, *lines: bytes) -> Path:
    file = folder / "orders.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return file
