"""The observed rows of Solidus, as bundled in `oracle/`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "oracle"


@dataclass(frozen=True, eq=False)
class Row:
    """One call on the real Solidus: what it started from, what was asked, and what it left behind."""

    table: str
    index: int
    values: dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    def __str__(self) -> str:
        return f"{self.table}[{self.index}]"


@cache
def rows(table: str) -> tuple[Row, ...]:
    data = json.loads((FOLDER / f"{table}.json").read_text(encoding="utf-8"))
    return tuple(
        Row(table, index, dict(zip(data["columns"], values, strict=True))) for index, values in enumerate(data["rows"])
    )
