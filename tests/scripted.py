"""A provider that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from payments.errors import GatewayUnavailable
from payments.gateways.base import Capabilities, Gateway, Outcome, Response, Snapshot

EVERYTHING = Capabilities(
    idempotency_keys=True,
    lookup=True,
    fetch=True,
    partial_capture=True,
    multiple_captures=True,
    void_after_capture=True,
    partial_refund=True,
    visibility_window=timedelta(minutes=5),
)


class ScriptedGateway(Gateway):
    """`script` maps a verb (or "*") to a Response, an exception, or a callable that makes either."""

    capabilities = EVERYTHING
    script: ClassVar[dict[str, Any]] = {}
    calls: ClassVar[list[tuple[Any, ...]]] = []
    books: ClassVar[dict[str, Response]] = {}
    snapshot: ClassVar[Snapshot | None] = None

    @classmethod
    def reset(cls) -> None:
        cls.script, cls.calls, cls.books, cls.snapshot = {}, [], {}, None

    def authorize(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._answer("authorize", options, amount_minor, source, options)

    def purchase(self, amount_minor: int, source: Any, options: Any) -> Response:
        return self._answer("purchase", options, amount_minor, source, options)

    def capture(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._answer("capture", options, amount_minor, authorization, options)

    def void(self, authorization: str, options: Any) -> Response:
        return self._answer("void", options, authorization, options)

    def credit(self, amount_minor: int, authorization: str, options: Any) -> Response:
        return self._answer("credit", options, amount_minor, authorization, options)

    def lookup(self, *, kind: str, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        type(self).calls.append(("lookup", kind, idempotency_key))
        return self.books.get(idempotency_key)

    def fetch(self, authorization: str) -> Snapshot:
        type(self).calls.append(("fetch", authorization))
        if self.snapshot is None:
            raise GatewayUnavailable("The test has set no snapshot.")
        return self.snapshot

    def _answer(self, verb: str, options: Any, *asked: Any) -> Response:
        cls = type(self)
        cls.calls.append((verb, *asked))
        answer = cls.script.get(verb, cls.script.get("*", ok(f"GW-{verb.upper()}")))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if callable(answer) and not isinstance(answer, type):
            answer = answer(options)
        if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
            raise answer
        cls.books[options["idempotency_key"]] = answer
        return answer


class NarrowGateway(ScriptedGateway):
    """The same provider with no abilities beyond the five verbs."""

    capabilities = Capabilities()


def ok(authorization: str = "GW-1", **facts: Any) -> Response:
    return Response(outcome=Outcome.APPROVED, authorization=authorization, **facts)


def declined(message: str = "Declined.", **facts: Any) -> Response:
    return Response(outcome=Outcome.DECLINED, message=message, error_code="card_declined", **facts)


def waiting(authorization: str = "GW-WAIT", **facts: Any) -> Response:
    return Response(
        outcome=Outcome.ACTION_REQUIRED,
        authorization=authorization,
        next_action={"type": "redirect", "url": "https://provider.example/challenge"},
        **facts,
    )
