"""Write the parts of docs/ that the code knows best: states, their tables, the map. A test holds them to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models
from django_fsm import can_proceed

from orders.models import Order
from payments.admin.gateway_abilities import WORDS
from payments.gateways.base import Gateway
from payments.gateways.registry import gateway_class
from payments.models import Operation, Payment
from payments.models.operation import UNANSWERED, UNSETTLED

PAGES = (
    *("reference/payment-states.md", "reference/order-states.md", "reference/gateways/matrix.md"),
    "explanation/the-rooms.md",
)
GENERATED = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end of generated -->)", re.DOTALL
)

# Where a transition returns its target, the ways to fire it. Each is tried from each state.
WAYS: dict[str, list[dict[str, Any]]] = {
    "confirm_late": [{"target": Payment.State.PENDING}, {"target": Payment.State.COMPLETED}],
    "step": [{"payment_required": True}, {"payment_required": False}],
}

PAYMENT_MEANINGS = {
    Payment.State.CHECKOUT: "Made, and nobody has been asked.",
    Payment.State.PROCESSING: "A provider has been asked, and the question is not settled: open, unknown or waiting.",
    Payment.State.PENDING: "Authorized: the money is held and not (or not wholly) taken.",
    Payment.State.COMPLETED: "The money was taken.",
    Payment.State.FAILED: "The provider refused, or the request surely never happened.",
    Payment.State.VOID: "What was held was let go, or it was given up before anybody was asked.",
    Payment.State.INVALID: "Replaced by a newer payment, or its source does not fit its payment method.",
}
ORDER_MEANINGS = {
    Order.State.CART: "Lines are being collected.",
    Order.State.ADDRESS: "Address and e-mail are asked for.",
    Order.State.DELIVERY: "Delivery is chosen.",
    Order.State.PAYMENT: "A payment is chosen. Passed over where nothing is to be paid.",
    Order.State.CONFIRM: "Ready to be placed; stays here while a payment is unknown or waiting.",
    Order.State.COMPLETE: "Placed.",
    Order.State.CANCELED: "Called off after it was complete.",
}
PAYMENT_STATE_MEANINGS = {
    Order.PaymentState.BALANCE_DUE: "Less was paid than the order costs.",
    Order.PaymentState.FAILED: "It has payments, none of them counts, and the balance is not zero.",
    Order.PaymentState.CREDIT_OWED: "More was paid than the order costs.",
    Order.PaymentState.PAID: "What was paid is what it costs.",
    Order.PaymentState.VOID: "Canceled, and nothing is left of what was paid.",
}
OPERATION_MEANINGS = {
    Operation.State.OPEN: "Asked, and no answer is recorded.",
    Operation.State.UNKNOWN: "The answer was lost, or cannot be trusted.",
    Operation.State.WAITING: "The customer must act, or the provider will say later.",
    Operation.State.SUCCEEDED: "Done.",
    Operation.State.DECLINED: "The provider said no.",
    Operation.State.CANCELED: "It surely never happened.",
}

PLAIN_MODULES = {"apps.py": "Its name for Django.", "wsgi.py": "How a web server starts the site."}

Edge = tuple[str, str, str]  # From, event, to.


class Command(BaseCommand):
    help = "Write the state diagrams, their tables and the map of the rooms in docs/ anew from the code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")

    def handle(self, *, check: bool, **options: Any) -> None:
        stale = [path for path, text in pages() if path.read_text(encoding="utf-8") != text]
        if check and stale:
            names = ", ".join(path.name for path in stale)
            raise CommandError(f"Out of date: {names}. Run: manage.py generate_docs")
        for path, text in pages():
            if path in stale:
                path.write_text(text, encoding="utf-8")
            self.stdout.write(f"{path.relative_to(settings.BASE_DIR)}: {'written' if path in stale else 'up to date'}")


def pages() -> Iterator[tuple[Path, str]]:
    """Every page with generated parts, as it should be."""
    for name in PAGES:
        path = Path(settings.BASE_DIR) / "docs" / name
        yield path, GENERATED.sub(_fill, path.read_text(encoding="utf-8"))


def _fill(part: re.Match[str]) -> str:
    return f"{part['begin']}\n{PARTS[part['name']]()}\n\n{part['end']}"


def edges(model: type[models.Model]) -> list[Edge]:
    """Every way from state to state, found by firing each event from each state, in memory."""
    machine: Any = model._meta.get_field("state")
    events = {found.name for found in machine.get_all_transitions(model)}
    ways = ((str(state), event) for state, _label in machine.choices for event in sorted(events))
    return [(state, event, target) for state, event in ways for target in _targets(model, state, event)]


def _targets(model: type[models.Model], state: str, event: str) -> list[str]:
    targets: dict[str, None] = {}
    for arguments in WAYS.get(event, [{}]):
        record: Any = model(state=state)
        if can_proceed(getattr(record, event)):
            getattr(record, event)(**arguments)
            targets[str(record.state)] = None
    return list(targets)


def diagram(model: type[models.Model], start: str) -> str:
    """A mermaid diagram, the events between the same two states on one arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, event, target in edges(model):
        arrows.setdefault((state, target), []).append(event)
    lines = [f"    {state} --> {target}: {', '.join(events)}" for (state, target), events in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {start}", *lines, "```"])


def transitions(model: type[models.Model]) -> str:
    """One row an event: from where it may be fired, and where it leads."""
    by_event: dict[str, dict[str, list[str]]] = {}
    for state, event, target in edges(model):
        by_event.setdefault(event, {}).setdefault(state, []).append(target)
    rows = []
    for event, found in sorted(by_event.items()):
        by_targets: dict[str, list[str]] = {}
        for state, targets in found.items():
            by_targets.setdefault(_codes(targets, " or "), []).append(state)
        rows += [(f"`{event}`", _codes(states), targets) for targets, states in by_targets.items()]
    return _table(("event", "from", "to"), rows)


def meanings(choices: Iterable[Any], known: Mapping[Any, str]) -> str:
    return _table(("state", "means"), [(f"`{state.value}`", known[state]) for state in choices])


def operation_states() -> str:
    rows = [
        (
            f"`{state.value}`",
            OPERATION_MEANINGS[state],
            _yes(state.value in UNANSWERED),
            _yes(state.value in UNSETTLED),
        )
        for state in Operation.State
    ]
    return _table(("state", "means", "blocks its payment", "unsettled"), rows)


def gateway_matrix() -> str:
    """What each gateway of ours declares, one column each; what a payment method's settings take away is not in it."""
    found = {key: gateway_class(key) for key in sorted(settings.PAYMENT_GATEWAYS)}
    ours = {key: gateway for key, gateway in found.items() if gateway.__module__.startswith("payments.gateways.")}
    rows = [(str(words), *(_yes(_can(each, name)) for each in ours.values())) for name, words in WORDS.items()]
    more: dict[str, Callable[[type[Gateway]], str]] = {
        "needs a card or another source": lambda each: _yes(each.source_required),
        "a hold lasts": lambda each: _time(each.capabilities.authorization_lifetime) or "it does not say",
        "a deed is seen within": lambda each: _time(each.capabilities.visibility_window) or "at once",
        "one call takes at most": lambda each: _time(each.longest_call),
        "currencies": lambda each: str(len(each.capabilities.currencies or ()) or "all"),
    }
    rows += [(words, *(says(each) for each in ours.values())) for words, says in more.items()]
    return _table(("it can", *(f"`{key}`" for key in ours)), rows)


def _can(gateway: type[Gateway], name: str) -> bool:
    return bool(getattr(gateway.capabilities, name))


def _time(span: timedelta | None) -> str:
    """The span in the largest unit that it is a whole number of; "" for none."""
    seconds = int(span.total_seconds()) if span else 0
    units = {"day": 86_400, "minute": 60, "second": 1}
    unit = next((name for name, size in units.items() if seconds and seconds % size == 0 and seconds > size), "second")
    return f"{seconds // units[unit]} {unit}s" if seconds else ""


def room(name: str) -> str:
    """Every module of a room with its first line, folder by folder; empty ones aside."""
    root = Path(settings.BASE_DIR)
    found = [path for path in sorted((root / name).rglob("*.py")) if "migrations" not in path.parts]
    lines = []
    for path in sorted(found, key=lambda path: (path.parent, path.name)):
        source = path.read_text(encoding="utf-8")
        if source.strip():
            said = ast.get_docstring(ast.parse(source)) or PLAIN_MODULES[path.name]
            lines.append(f"- `{path.relative_to(root).as_posix()}`: {said.splitlines()[0]}")
    return "\n".join(lines)


def _codes(names: Iterable[str], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


PARTS: dict[str, Callable[[], str]] = {
    "payment-diagram": lambda: diagram(Payment, Payment.State.CHECKOUT),
    "payment-states": lambda: meanings(Payment.State, PAYMENT_MEANINGS),
    "payment-transitions": lambda: transitions(Payment),
    "operation-states": operation_states,
    "operation-kinds": lambda: ", ".join(f"`{kind.value}`" for kind in Operation.Kind),
    "gateway-matrix": gateway_matrix,
    "order-diagram": lambda: diagram(Order, Order.State.CART),
    "order-states": lambda: meanings(Order.State, ORDER_MEANINGS),
    "order-transitions": lambda: transitions(Order),
    "order-payment-states": lambda: meanings(Order.PaymentState, PAYMENT_STATE_MEANINGS),
    **{f"room-{name}": partial(room, name) for name in ("shop", "orders", "payments")},
}
