"""A provider with books of its own, which does what it is asked once and answers as it is told to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from payments.errors import GatewayUnavailable
from payments.gateways.base import Capabilities, ConfigField, Fact, Gateway, Outcome, Response, Snapshot
from tests.drills.kill_books import WAITING, Account, Books, Line, accounts_of

OUTCOMES = (
    "approved",
    "declined",
    "action_required",
    "processing",
    "lost_request",  # Nothing was done, and nobody says so.
    "lost_answer",  # It was done, and nobody says so.
    "broken",  # It was done, then a 5xx comes out as an exception that no gateway should raise.
    "wrong_amount",  # It was done rightly; the answer names another amount.
)
FAULTS = ("lost_request", "lost_answer", "broken")


class ProviderBroke(Exception):
    """What a careless adapter lets through after a 5xx."""


class BooksGateway(Gateway):
    """Does once what is asked under one key, and answers as `config["outcome"]` tells it to.

    `watch` is told of every moment of every call, so that somebody can pull the plug there.
    """

    capabilities = Capabilities(
        idempotency_keys=True,
        lookup=True,
        fetch=True,
        partial_capture=True,
        multiple_captures=True,
        void_after_capture=True,
        partial_refund=True,
        visibility_window=timedelta(minutes=5),
    )
    config_fields = (
        ConfigField(name="books", label="The file of its books", required=True),
        ConfigField(name="outcome", label="What becomes of a request"),
        ConfigField(name="on", label="The only kind of request of which it becomes that"),
        ConfigField(name="settled", label="Sales are settled: none can be voided", type=bool),
    )
    watch: ClassVar[Any] = staticmethod(lambda moment: None)

    def authorize(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._take("authorize", amount_minor, "", options)

    def purchase(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._take("purchase", amount_minor, "", options)

    def capture(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._take("capture", amount_minor, authorization, options)

    def void(self, authorization: str, options: Any) -> Response:
        return self._take("void", 0, authorization, options)

    def credit(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._take("refund", amount_minor, authorization, options)

    def lookup(self, *, kind: str, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        self.watch("before lookup")
        found = self.books.find(idempotency_key)
        self.watch("after lookup")
        return answer(found) if found else None

    def fetch(self, authorization: str) -> Snapshot:
        self.watch("before fetch")
        account = self.books.accounts().get(authorization) or Account(authorization, "")
        self.watch("after fetch")
        return Snapshot(
            authorization=authorization,
            authorized_minor=account.authorized,
            captured_minor=account.captured,
            refunded_minor=account.refunded,
            voided=account.voided,
        )

    @property
    def books(self) -> Books:
        return Books(self.config["books"])

    def _take(self, kind: str, amount: int, authorization: str, options: Any) -> Response:
        outcome = self.config.get("outcome") or "approved"
        if self.config.get("on", kind) != kind:
            outcome = "approved"
        self.watch(f"before {kind}")
        line = None if outcome == "lost_request" else self._once(kind, amount, authorization, options, outcome)
        self.watch(f"inside {kind}")
        response = answer(line) if line else None
        self.watch(f"after {kind}")
        if outcome == "broken":
            raise ProviderBroke("500 Internal Server Error")
        if response is None or outcome == "lost_answer":
            raise GatewayUnavailable("The connection was lost.")
        return response

    def _once(self, kind: str, amount: int, authorization: str, options: Any, outcome: str) -> Line:
        """The request under this key as it was taken, now or the first time."""
        key = options["idempotency_key"]
        known = self.books.find(key)
        if known is None:
            self._write(kind, amount, authorization, options, outcome)
            known = self.books.find(key)
            assert known is not None
        return known

    def _write(self, kind: str, amount: int, authorization: str, options: Any, outcome: str) -> None:
        lines = self.books.lines()
        account = accounts_of(lines).get(authorization)
        name = f"{len(lines) + 1:03d}"
        became = outcome if outcome in ("approved", "declined", *WAITING) else "approved"
        sale = kind == "void" and account is not None and not account.held
        if account is not None and not (account.allows(kind, amount, sale=sale and not self.config.get("settled"))):
            became = "declined"
        elif account is None and kind not in ("authorize", "purchase"):  # Only what waits can be let go then.
            waits = any(line.authorization == authorization and line.outcome in WAITING for line in lines)
            became = became if kind == "void" and waits else "declined"
        self.books.write(
            {
                "key": options["idempotency_key"],
                "kind": kind,
                "authorization": authorization or f"au_{name}",
                "amount": amount,
                "order_id": options["order_id"],
                "outcome": became,
                "said": amount + 100 if outcome == "wrong_amount" else amount,
                "final": options.get("final", True),
                "sale": sale,
                "reference": f"{kind}_{name}",
            }
        )


class KeysGateway(BooksGateway):
    """The same provider, which cannot be looked up: all it knows again is an idempotency key."""

    capabilities = Capabilities(
        idempotency_keys=True,
        partial_capture=True,
        multiple_captures=True,
        void_after_capture=True,
        partial_refund=True,
    )


class BlindGateway(BooksGateway):
    """The same provider, of which nothing can be learned afterwards."""

    capabilities = Capabilities(
        partial_capture=True, multiple_captures=True, void_after_capture=True, partial_refund=True
    )


def answer(line: Line) -> Response:
    """What the provider says of a request, now and whenever it is asked for it again."""
    outcome = Outcome(line.outcome)
    page = {"type": "redirect", "url": "https://provider.example/challenge"}
    return Response(
        outcome=outcome,
        authorization=line.authorization,
        reference=line.reference,
        message="" if outcome is Outcome.APPROVED else f"The {line.kind} is {line.outcome}.",
        amount_minor=None if line.kind == "void" else line.said,
        next_action=page if outcome is Outcome.ACTION_REQUIRED else None,
    )


def fact_of(line: Line) -> Fact:
    """The same as a fact, as a webhook would bring it."""
    return Fact(
        kind=line.kind,  # type: ignore[arg-type]
        outcome=Outcome(line.outcome),
        amount_minor=None if line.kind == "void" else line.amount,
        authorization=line.authorization,
        reference=line.reference,
        idempotency_key=line.key,
        order_id=line.order_id,
    )
