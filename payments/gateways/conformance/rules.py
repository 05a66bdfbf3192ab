"""What a rule is: a test with a name, which applies or is replaced by the proof that it need not."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from payments.errors import UnsupportedAction
from payments.gateways.base import Gateway, Outcome, Response
from payments.gateways.conformance.bench import Bench

METHODS = {
    "lookup": "lookup",
    "fetch": "fetch",
    "webhooks": "parse_webhook",
    "saved_sources": "store",
    "listing": "list_records",
}
AnyBench = TypeVar("AnyBench", bound=Bench)


class Broken(AssertionError):
    """A rule does not hold, and how."""


def demand(holds: object, sentence: str) -> None:
    if not holds:
        raise Broken(sentence)


def rule(
    name: str, *, needs: str = "", wire: bool = False, source: bool = False
) -> Callable[[Callable[[AnyBench], None]], Callable[[AnyBench], None]]:
    """A rule for gateways that declare the capability `needs`, have a provider (`wire`) and charge a `source`.

    For any other it is replaced: what is not declared is refused by name, what has no wire opens no connection, what
    needs no source refuses to charge one.
    """

    def name_it(test: Callable[[AnyBench], None]) -> Callable[[AnyBench], None]:
        @functools.wraps(test)
        def apply(bench: AnyBench) -> None:
            if needs and not getattr(bench.gateway_class.capabilities, needs):
                demand_refusal(bench, needs)
            elif wire and bench.no_wire:
                demand_no_wire(bench)
            elif source and not bench.gateway_class.source_required:
                demand_no_charge(bench)
            elif not needs or is_there(bench.gateway_class, needs):
                test(bench)  # Else the rule that what is declared is there says so.

        apply.rule = name  # type: ignore[attr-defined]
        return apply

    return name_it


def is_there(gateway: type[Gateway], capability: str) -> bool:
    """Whether the method of a capability is overridden; true of one without a method of its own."""
    method = METHODS.get(capability)
    return method is None or getattr(gateway, method) is not getattr(Gateway, method)


def demand_refusal(bench: Bench, capability: str) -> None:
    try:
        bench.gateway.require(capability)
    except UnsupportedAction as refusal:
        demand(capability in refusal.message, f"The refusal does not name `{capability}`: {refusal.message}")
    else:
        raise Broken(f"`{capability}` is not declared, and not refused.")


def demand_no_charge(bench: Bench) -> None:
    for charge in (bench.gateway.authorize, bench.gateway.purchase):
        refuse(UnsupportedAction, charge, 1_000, None, bench.options())


def demand_no_wire(bench: Bench) -> None:
    """Whoever says that it has no provider behind it opens no connection."""
    with no_connections() as opened:
        authorization = bench.hold()
        bench.gateway.capture(1_000, authorization, bench.options())
        bench.gateway.void(authorization, bench.options())
        bench.gateway.credit(1_000, authorization, bench.options())
    demand(not opened, f"It says that it has no wire ({bench.no_wire}), and connects to {opened}.")


@contextmanager
def no_connections() -> Iterator[list[Any]]:
    opened: list[Any] = []
    before = socket.socket.connect

    def connect(_self: socket.socket, address: Any) -> None:
        opened.append(address)
        raise ConnectionRefusedError(address)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    try:
        yield opened
    finally:
        socket.socket.connect = before  # type: ignore[method-assign]


def refuse(error: type[Exception], call: Callable[..., Any], *args: Any, **named: Any) -> Exception:
    """The exception that the call must raise, that kind and no other."""
    name = getattr(call, "__name__", str(call))
    try:
        answer = call(*args, **named)
    except error as raised:
        return raised
    except Exception as other:
        raise Broken(f"{name} raised {type(other).__name__} ({other}); {error.__name__} is right.") from other
    raise Broken(f"{name} answered {answer!r}; {error.__name__} is right.")


def expect(outcome: Outcome, response: Response) -> Response:
    said = f"{response.outcome} ({response.error_code} {response.message})"
    demand(response.outcome is outcome, f"It answered {said}; {outcome} is right.")
    return response


def rules_of(kit: type[Bench]) -> Mapping[str, Callable[[Bench], None]]:
    """The rules of a kit by name."""
    methods = [getattr(kit, name) for name in dir(kit) if name.startswith("test_")]
    return {method.rule: method for method in methods if hasattr(method, "rule")}


def broken_rules(kit: type[Bench], only: Collection[str] = ()) -> dict[str, str]:
    """The rules that do not hold, with what is wrong; of all rules, or of these. {} is a gateway that conforms."""
    broken = {}
    for name, test in rules_of(kit).items():
        if only and name not in only:
            continue
        bench = kit()
        bench.setup_method()
        try:
            test(bench)
        except Exception as trouble:  # noqa: BLE001 (a rule that cannot be run does not hold)
            broken[name] = f"{type(trouble).__name__}: {trouble}"
        finally:
            bench.teardown_method()
    return broken
