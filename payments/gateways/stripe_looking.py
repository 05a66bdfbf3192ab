"""What became of a request that had no answer: in the metadata of intents and refunds, where we wrote its key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from payments.errors import GatewayError, GatewayUnavailable
from payments.gateways import stripe_words as words
from payments.gateways.base import Kind, Response
from payments.gateways.stripe_notices import operation_of
from payments.gateways.stripe_params import capture_name

SEARCH_LAG = timedelta(hours=2)  # A minute on most days; what is younger is listed, and lists are never late.
MOST_PAGES = 100
EXPAND = {"expand": ["latest_charge"]}


class NotSaid(GatewayError):
    """Stripe refused to say."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def pages(read: Callable[[Mapping[str, Any]], Mapping[str, Any]], query: Mapping[str, Any]) -> Iterator[Any]:
    """Everything that a list has, newest first, page by page."""
    after: dict[str, str] = {}
    while True:
        said = read({**query, **after})
        lines = said.get("data")
        if not isinstance(lines, list) or not all(isinstance(each, Mapping) for each in lines):
            raise GatewayUnavailable("Stripe's answer is no list.")
        yield from lines
        if not said.get("has_more") or not lines:
            return
        after = {"starting_after": words.text(lines[-1], "id")}


class Looking:
    """One look-up. `read` asks once, `listed` page by page."""

    def __init__(self, v1: Any, read: Callable[..., Mapping[str, Any]], listed: Callable[..., Any]) -> None:
        self.v1, self.read, self.listed = v1, read, listed

    def up(self, kind: Kind, key: str, order_id: str, authorization: str) -> Response | None:
        if kind == "refund":
            return self._refund(key, authorization)
        if kind in ("capture", "void"):
            return self._later(kind, key, authorization)
        intent = self._intent_of(key, order_id, authorization)
        return words.attempt(intent, kind) if intent is not None else None

    def _later(self, kind: Kind, key: str, authorization: str) -> Response | None:
        """A capture or a void is seen on its intent."""
        intent = self._intent(authorization)
        if intent is None:
            return None
        if kind == "void":
            return words.voided(intent)
        ours = dict(words.captures_of(intent))
        amount = ours.get(capture_name(key))
        if amount is None:
            return None
        alone = amount == intent.get("amount_received", amount)
        found = words.capture(intent, amount, 0)
        return found if alone else words.without_reference(found)

    def _refund(self, key: str, authorization: str) -> Response | None:
        for refund in self.listed(self.v1.refunds.list, {"payment_intent": authorization}):
            if key and operation_of(refund) == key:
                return words.refunded(refund)
        return None

    def _intent(self, authorization: str) -> Mapping[str, Any] | None:
        try:
            return self.read(self.v1.payment_intents.retrieve, authorization, EXPAND) if authorization else None
        except NotSaid as refusal:
            if refusal.status == 404:
                return None
            raise

    def _intent_of(self, key: str, order_id: str, authorization: str) -> Mapping[str, Any] | None:
        known = self._intent(authorization)
        if known is not None and operation_of(known) == key:
            return known
        if not key:
            return None
        searched, found = self._search(key)
        found = found or self._list(key, whole=not searched)
        return self._intent(found) if found else None

    def _search(self, key: str) -> tuple[bool, str]:
        """Whether there is a search (not every account has it), and the intent that it finds."""
        asked = {"query": f'metadata["operation"]:"{_quoted(key)}"', "limit": 2}
        try:
            said = self.read(self.v1.payment_intents.search, asked)
        except NotSaid:
            return False, ""
        hits = said.get("data")
        if not isinstance(hits, list):
            raise GatewayUnavailable("Stripe's answer is no list.")
        names = [words.name_of(each) for each in hits if isinstance(each, Mapping) and operation_of(each) == key]
        return True, next(iter(names), "")

    def _list(self, key: str, *, whole: bool) -> str:
        """The intent among the youngest, which the search may not know yet; among all, where there is no search.

        Raises GatewayUnavailable where there are too many: not having found it would prove nothing.
        """
        since = {} if whole else {"created": {"gte": int(time.time()) - SEARCH_LAG // timedelta(seconds=1)}}
        for number, intent in enumerate(self.listed(self.v1.payment_intents.list, since)):
            if operation_of(intent) == key:
                return words.name_of(intent)
            if number >= MOST_PAGES * 100:
                raise GatewayUnavailable("Stripe has too many intents to look through for one that it cannot search.")
        return ""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
