"""The API's paths: which handler answers, and what kind of request it is to the fault schedule."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from payments.simulator import charges, hosted, listing, payouts, refunds, saved_cards, webhooks
from payments.simulator.answers import Answer, Refused, Request
from payments.simulator.books import Books
from payments.simulator.calls import Call

Handler = Callable[[Books, Call], Answer]


@cache
def pattern_of(path: str) -> re.Pattern[str]:
    return re.compile(re.escape(path).replace(r"\*", "([^/]+)"))


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str  # `*` stands for an id.
    kind: str
    handler: Handler

    def ids(self, path: str) -> tuple[str, ...] | None:
        found = pattern_of(self.path).fullmatch(path)
        return tuple(found.groups()) if found else None


ROUTES = (
    Route("POST", "/v1/payments", "pay", charges.pay),  # To the schedule: authorize or purchase.
    Route("GET", "/v1/payments", "list", listing.payments),
    Route("GET", "/v1/payments/*", "fetch", listing.payment),
    Route("POST", "/v1/payments/*/captures", "capture", charges.capture),
    Route("POST", "/v1/payments/*/void", "void", charges.void),
    Route("POST", "/v1/payments/*/refunds", "refund", refunds.refund),
    Route("POST", "/v1/captures", "capture", charges.take),
    Route("GET", "/v1/actions", "lookup", listing.actions),
    Route("GET", "/v1/actions/*", "lookup", listing.action),
    Route("GET", "/v1/records", "list", listing.records),
    Route("POST", "/v1/cards", "store", saved_cards.store),
    Route("GET", "/v1/cards", "list", saved_cards.show_all),
    Route("GET", "/v1/cards/*", "fetch", saved_cards.show_one),
    Route("DELETE", "/v1/cards/*", "forget", saved_cards.forget),
    Route("POST", "/v1/sessions", "session", hosted.create),
    Route("GET", "/v1/sessions/*", "fetch", hosted.show_one),
    Route("POST", "/v1/sessions/*/expire", "session", hosted.expire),
    Route("GET", "/v1/events", "list", webhooks.show_all),
    Route("GET", "/v1/events/*", "fetch", webhooks.show_one),
    Route("GET", "/v1/balance", "list", payouts.balance),
    Route("POST", "/v1/payouts", "payout", payouts.create),
    Route("GET", "/v1/payouts", "list", payouts.show_all),
    Route("GET", "/v1/payouts/*", "list", payouts.report),
)


def find(request: Request, routes: tuple[Route, ...] = ROUTES) -> tuple[Route, tuple[str, ...]]:
    """The route, and the ids that its path names. Raises Refused (404, 405)."""
    fitting = [(route, ids) for route in routes if (ids := route.ids(request.path)) is not None]
    for route, ids in fitting:
        if route.method == request.method:
            return route, ids
    if fitting:
        raise Refused("method_not_allowed", f"{request.method} is not possible here.", status=405)
    raise Refused("url_unknown", f"There is nothing at {request.path}.", status=404)
