"""Lists page by page, the search that knows the youngest not yet, and what is shown in full where an id would be."""

from __future__ import annotations

import re
from typing import Any

from tests.providers.stripe_server.forms import whole
from tests.providers.stripe_server.refusals import invalid, missing
from tests.providers.stripe_server.world import World, copied

Params = dict[str, Any]
QUERY = re.compile(r'metadata\["(\w+)"\]:"((?:[^"\\]|\\.)*)"')
EXPANDABLE = {
    "latest_charge": ("charge",),
    "balance_transaction": ("balance_transaction",),
    "charge": ("charge",),
    "payment_intent": ("payment_intent",),
    "payment_method": ("payment_method",),
    "customer": ("customer",),
    "source": ("charge", "refund", "dispute"),
}


def listed(world: World, what: str, params: Params, *, url: str, **equal: str) -> dict[str, Any]:
    """Newest first."""
    rows = [each for each in world.all(what)[::-1] if all(each.get(name) == value for name, value in equal.items())]
    bounds = params.get("created") or {}
    if isinstance(bounds, dict):
        tests = {"gte": lambda at, b: at >= b, "gt": lambda at, b: at > b, "lt": lambda at, b: at < b}
        tests["lte"] = lambda at, b: at <= b
        for name in bounds:
            bound = whole(bounds, name)
            rows = [each for each in rows if tests[name](each["created"], bound)]
    if params.get("starting_after"):
        names = [each["id"] for each in rows]
        if params["starting_after"] not in names:
            raise missing(what, params["starting_after"], param="starting_after")
        rows = rows[names.index(params["starting_after"]) + 1 :]
    limit = whole(params, "limit", default=10)
    if not 1 <= limit <= 100:
        raise invalid("Invalid limit: it must be between 1 and 100.", param="limit")
    return {"object": "list", "data": rows[:limit], "has_more": len(rows) > limit, "url": url}


def search(world: World, params: Params) -> dict[str, Any]:
    if not world.options.search:
        raise invalid("The search feature is temporarily unavailable in your region.", status=400)
    found = QUERY.fullmatch(params.get("query", ""))
    if found is None:
        raise invalid("Search query could not be parsed.", param="query")
    name, value = found[1], re.sub(r"\\(.)", r"\1", found[2])
    seen = world.now() - world.options.search_lag_s
    rows = [
        each
        for each in world.all("payment_intent")[::-1]
        if each["metadata"].get(name) == value and each["created"] <= seen
    ]
    limit = whole(params, "limit", default=10)
    url = "/v1/payment_intents/search"
    return {"object": "search_result", "data": rows[:limit], "has_more": len(rows) > limit, "url": url}


def shown(world: World, said: dict[str, Any], expand: Any) -> dict[str, Any]:
    """A copy with what `expand` names in full."""
    answer: dict[str, Any] = copied(said)
    for path in expand if isinstance(expand, list) else ():
        steps = str(path).split(".")
        holders = answer.get("data", []) if steps[0] == "data" else [answer]
        steps = steps[1:] if steps[0] == "data" else steps
        for holder in holders:
            _expand(world, holder, steps)
    return answer


def _expand(world: World, holder: dict[str, Any], steps: list[str]) -> None:
    first, *rest = steps
    if first not in EXPANDABLE or first not in holder:
        raise invalid(f"This property cannot be expanded ({first}).", param="expand")
    if isinstance(holder[first], str):
        tables = (world.tables.get(what, {}) for what in EXPANDABLE[first])
        found = next((table[holder[first]] for table in tables if holder[first] in table), None)
        holder[first] = copied(found) if found is not None else holder[first]
    if rest and isinstance(holder[first], dict):
        _expand(world, holder[first], rest)
