"""Stripe's form encoding: `card[checks][cvc]=pass`, `expand[0]=x` and `expand[]=x`, to nested dicts and lists."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.providers.stripe_server.refusals import invalid

STEP = re.compile(r"\[([^\[\]]*)\]")


def parse(encoded: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded)):
        first, bracket, _rest = name.partition("[")
        path = [first, *STEP.findall(name)] if bracket else [first]
        target = found
        for step in path[:-1]:
            target = target.setdefault(step, {})
            if not isinstance(target, dict):
                raise invalid(f"Invalid object: {name}", param=name)
        last = path[-1] if path[-1] else str(len(target))
        target[last] = value
    return {name: _listed(value) for name, value in found.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def demand_known(params: dict[str, Any], accepted: dict[str, Any], prefix: str = "") -> None:
    """Refuse a parameter that is not in `accepted`: a nested dict of names, in which `...` is anything."""
    for name, value in params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if name not in accepted:
            raise invalid(f"Received unknown parameter: {path}", param=path, code="parameter_unknown")
        inner = accepted[name]
        if isinstance(inner, dict):
            if not isinstance(value, dict):
                raise invalid(f"Invalid object: {path}", param=path)
            demand_known(value, inner, path)


def whole(params: dict[str, Any], name: str, *, default: int | None = None) -> int:
    value = params.get(name, default)
    if isinstance(value, int):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"-?\d{1,15}", value):
        what = "Missing required param" if value is None else "Invalid integer"
        raise invalid(
            f"{what}: {name}.", param=name, code="parameter_missing" if value is None else "parameter_invalid"
        )
    return int(value)


def truth(params: dict[str, Any], name: str, *, default: bool = False) -> bool:
    value = params.get(name)
    if value is None:
        return default
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", param=name)
    return value == "true"


def word(params: dict[str, Any], name: str, *choices: str, default: str = "") -> str:
    value = params.get(name, default)
    if not isinstance(value, str) or (choices and value not in choices):
        raise invalid(f"Invalid {name}: must be one of {', '.join(choices)}", param=name)
    return value
