"""No secret and no card number in anything that is stored, logged, raised or shown."""

from __future__ import annotations

import io
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from typing import Any

from payments.gateways.conformance.bench import FAULTS, Bench
from payments.gateways.conformance.rules import demand, rule


class SecrecyRules(Bench):
    @rule("no-secret-is-told")
    def test_no_secret_is_told(self) -> None:
        told = self.everything_told()
        found = [number for number, secret in enumerate(self.secrets, start=1) if secret in told]
        demand(not found, f"Secret {found} of this kit is in an answer, an error or a log.")
        leaving = [secret for secret in self.secrets for body in self.sent() if secret.encode() in body]
        demand(not leaving, "A secret is in the body of a request, where logs of the provider and of proxies have it.")

    @rule("no-card-number-is-told")
    def test_no_card_number_is_told(self) -> None:
        told = self.everything_told()
        numbers = [source.number for source in self.every_source() if getattr(source, "number", "")]
        found = [number[-4:] for number in numbers if number in re.sub(r"(?<=\d)[ -](?=\d)", "", told)]
        demand(not found, f"The card number that ends in {found} is in an answer, an error or a log.")
        if not self.gateway_class.takes_card_numbers:
            sent = [number[-4:] for number in numbers for body in self.sent() if number.encode() in body]
            demand(not sent, f"The card number that ends in {sent} is sent, and takes_card_numbers is not declared.")

    def every_source(self) -> list[Any]:
        sources = [self.source("approve"), self.source("challenge"), self.source("process"), *self.declines().values()]
        return [source for source in sources if source is not None]

    def everything_told(self) -> str:
        """All that a tour through good and bad days leaves behind, as one text."""
        told: list[str] = []
        with overheard(told):
            for ask in self.tour():
                try:
                    told.append(repr(ask()))
                except Exception as error:  # noqa: BLE001 (whatever it is, what it says is what counts)
                    told += _said_by(error)
            told += [repr(self.gateway), str(self.gateway)]
        return "\n".join(told)

    def tour(self) -> Iterator[Callable[[], Any]]:
        gateway, abilities = self.gateway, self.gateway_class.capabilities
        held, taken = self.hold(), self.taken()
        if self.gateway_class.source_required:
            for source in self.every_source():
                yield partial(gateway.authorize, 1_000, source, self.options())
        yield lambda: gateway.capture(1_000, held, self.options())
        yield lambda: self.give_back(1_000, taken)
        yield lambda: gateway.void("nobody-has-this", self.options())
        if abilities.fetch:
            yield lambda: gateway.fetch("nobody-has-this")
        if not self.no_wire:
            for fault in FAULTS:
                self.spoil(fault)
                yield lambda: gateway.purchase(1_000, self.source("approve"), self.options())
        if abilities.webhooks:
            yield from self.tour_of_notices(held if self.notified[0] == "authorize" else taken)

    def tour_of_notices(self, authorization: str) -> Iterator[Callable[[], Any]]:
        parse = self.gateway.parse_webhook
        for body in (*self.notices(authorization), b"{"):
            yield partial(parse, *self.seal(body))
            yield partial(parse, {}, body)


def _said_by(error: BaseException) -> Iterable[str]:
    """The error as a log or an error page has it: its chain, its arguments, its traceback."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    yield from (f"{each!r} {each} {each.args}" for each in chain)
    yield "".join(traceback.format_exception(error))


@contextmanager
def overheard(told: list[str]) -> Iterator[None]:
    """Whatever is logged, at any level, or printed."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(f"{record.getMessage()} {record.args} {record.exc_text or ''}")
            if record.exc_info and record.exc_info[1]:
                told.extend(_said_by(record.exc_info[1]))

    ear, root, printed = Ear(), logging.getLogger(), io.StringIO()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            yield
    finally:
        root.removeHandler(ear)
        root.setLevel(level)
        told.append(printed.getvalue())
