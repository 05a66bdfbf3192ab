"""A provider that keeps honest books of its own, outside our database, and loses answers when told to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar

from payments.errors import GatewayUnavailable
from payments.gateways.base import Fact, Gateway, Outcome, Response, Snapshot
from tests.scripted import EVERYTHING

FAULTS = "declined lost_request lost_answer crash_before crash_after waiting misquoted short".split()


class Crash(BaseException):
    """The asker's process dies."""


@dataclass
class Account:
    """What one authorization comes to, in whole minor units."""

    order_id: str
    kind: str
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    released: bool = False

    @property
    def held(self) -> int:
        return 0 if self.released or self.kind == "purchase" else self.authorized - self.captured


@dataclass
class Request:
    """One deed, asked by us (with a key) or by somebody at the provider's dashboard."""

    kind: Any
    code: str
    order_id: str
    amount: int
    key: str = ""
    final: bool = False
    reference: str = ""
    outcome: Outcome | None = None  # None: it waits.
    heard: bool = True

    def fact(self, *, with_key: bool) -> Fact:
        return Fact(
            kind=self.kind,
            outcome=self.outcome or Outcome.PROCESSING,
            amount_minor=self.amount,
            currency="USD",
            authorization=self.code,
            reference=self.reference,
            order_id=self.order_id,
            idempotency_key=self.key if with_key else "",
        )


@dataclass
class Books:
    accounts: dict[str, Account] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    fault: str = ""

    def by_key(self, key: str) -> Request | None:
        return next((each for each in self.requests if each.key == key), None)

    def of(self, order_id: str) -> list[Account]:
        return [account for account in self.accounts.values() if account.order_id == order_id]

    def enter(self, request: Request) -> Request:
        self.requests.append(request)
        if request.kind in ("authorize", "purchase"):
            request.code = f"A{next(self.numbers)}"
            self.accounts[request.code] = Account(request.order_id, request.kind)
        return request

    def settle(self, request: Request, *, willing: bool = True) -> Request:
        """Do it, if it can be done; from now on there is something to tell of."""
        request.reference = request.reference or f"R{next(self.numbers)}"
        account = self.accounts.get(request.code)
        done = willing and account is not None and self._do(account, request)
        request.outcome, request.heard = Outcome.APPROVED if done else Outcome.DECLINED, False
        return request

    def _do(self, account: Account, request: Request) -> bool:
        match request.kind:
            case "authorize" | "purchase" if not account.released:
                account.authorized = request.amount
                account.captured = request.amount if request.kind == "purchase" else 0
            case "capture" if request.amount <= account.held:
                account.captured += request.amount
                account.released = request.final
            case "refund" if request.amount <= account.captured - account.refunded:
                account.refunded += request.amount
            case "void" if self._can_void(account):
                account.released = True
                account.captured = 0 if account.kind == "purchase" else account.captured
            case _:
                return False
        return True

    def _can_void(self, account: Account) -> bool:
        unsettled = account.kind == "purchase" and not account.refunded
        return not account.released and (account.held > 0 or not account.authorized or unsettled)


class BookKeeping(Gateway):
    capabilities = EVERYTHING
    books: ClassVar[Books] = Books()

    def authorize(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._serve("authorize", "", amount_minor, options)

    def purchase(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._serve("purchase", "", amount_minor, options)

    def capture(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._serve("capture", authorization, amount_minor, options)

    def void(self, authorization: str, options: Any) -> Response:
        return self._serve("void", authorization, 0, options)

    def credit(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._serve("refund", authorization, amount_minor, options)

    def lookup(self, *, kind: str, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        request = self.books.by_key(idempotency_key)
        return answer_to(request) if request else None

    def fetch(self, authorization: str) -> Snapshot:
        account = self.books.accounts[authorization]
        return Snapshot(
            authorization=authorization,
            authorized_minor=account.authorized,
            captured_minor=account.captured,
            refunded_minor=account.refunded,
            voided=account.released,
        )

    def _serve(self, kind: str, code: str, amount: int, options: Any) -> Response:
        books, key = self.books, options["idempotency_key"]
        fault, books.fault = books.fault, ""
        if fault in ("lost_request", "crash_before"):
            raise Crash if fault == "crash_before" else GatewayUnavailable
        assert books.by_key(key) is None, f"{key} was asked twice"
        if fault == "short" and kind != "void":
            amount //= 2
        request = books.enter(Request(kind, code, options["order_id"], amount, key, options.get("final", False)))
        if fault != "waiting":
            books.settle(request, willing=fault != "declined")
        elif kind not in ("authorize", "purchase"):
            request.reference = f"R{next(books.numbers)}"
        if fault in ("lost_answer", "crash_after"):
            raise Crash if fault == "crash_after" else GatewayUnavailable
        return answer_to(request, says=amount + 1 if fault == "misquoted" and kind != "void" else None)


def answer_to(request: Request, says: int | None = None) -> Response:
    return Response(
        outcome=request.outcome or Outcome.PROCESSING,
        authorization=request.code,
        reference=request.reference,
        amount_minor=None if request.kind == "void" else (says or request.amount),
    )
