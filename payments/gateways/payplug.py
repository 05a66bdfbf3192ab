"""PayPlug over its REST API: a page of its own, kept cards in one click, capture later, refunds in parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from payments.errors import GatewayUnavailable, UnsupportedAction
from payments.gateways import payplug_notices as notices
from payments.gateways import payplug_params as params
from payments.gateways import payplug_words as words
from payments.gateways.base import (
    Capabilities,
    ConfigField,
    DeclineCode,
    GatewayOptions,
    Kind,
    Outcome,
    Response,
    Snapshot,
    WebhookNotice,
)
from payments.gateways.payplug_account import ADDRESS, PayPlugAccount, payment_path

PER_PAGE, PAGES = 50, 40  # How far the list of payments is read before it is too far.
SKEW = timedelta(hours=1)  # How far PayPlug's clock may be from ours.


class PayPlugGateway(PayPlugAccount):
    """There are no idempotency keys: nothing is sent twice, and a lost answer is found by what we wrote on it."""

    capabilities = Capabilities(
        lookup=True,
        fetch=True,
        partial_refund=True,
        hosted_page=True,
        saved_sources=True,
        webhooks=True,
        authorization_lifetime=timedelta(days=7),
        visibility_window=timedelta(minutes=10),
        currencies=frozenset({"EUR"}),
    )
    config_fields: ClassVar[tuple[ConfigField, ...]] = (
        ConfigField(
            name="secret_key",
            label="Secret key",
            required=True,
            secret=True,
            help="sk_test_… for test mode, sk_live_… otherwise: the key decides which it is.",
        ),
        ConfigField(
            name="without_saved_cards",
            label="Keep no cards",
            type=bool,
            help="For accounts whose plan does not have one-click payments.",
        ),
        ConfigField(name="base_url", label="Address", help=f"Of a stand-in for PayPlug; {ADDRESS} if empty."),
    )
    signs_webhooks: ClassVar[bool] = False

    # The verbs

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._open({"authorized_amount": amount_minor}, source, options, "authorize")

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._open({"amount": amount_minor}, source, options, "purchase")

    def _open(self, asked: dict[str, int], source: Any, options: GatewayOptions, kind: Kind) -> Response:
        """A kept card is charged; a source without a token is paid on PayPlug's page."""
        said: dict[str, Any] = {**asked, **params.payment(options)}
        if token := self.tokenize(source):
            said |= {"payment_method": token, "initiator": params.initiator(options)}
        elif not options.get("return_url"):
            raise UnsupportedAction("PayPlug's page needs an address to come back to: set PUBLIC_ORIGIN.")
        elif getattr(source, "to_keep", False) and options.get("customer_id") and self.keeps_cards():
            said["allow_save_card"] = True  # The page asks its customer once more.
        reply = self.ask("POST", "/v1/payments", said)
        if reply.status == 403:  # Nothing is there that could be in the wrong state: the account may not do this.
            return replace(words.refused(reply.status, reply.data), error_code=DeclineCode.CONFIG_ERROR)
        if reply.status >= 400:
            return words.refused(reply.status, reply.data)
        if words.attempt_kind(words.in_currency(reply.data, options)) != kind:
            raise GatewayUnavailable(f"PayPlug's answer is no {kind}.")
        return words.attempt(reply.data)

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        """All of what is held, or nothing: so it is looked at first."""
        if not authorization:
            raise self._cannot("capture without an authorization", "capture_without_authorization")
        reply = self.ask("GET", payment_path(authorization))
        if reply.status >= 400:
            return words.refused(reply.status, reply.data)
        if reason := _not_captured(reply.data):
            return Response(outcome=Outcome.DECLINED, message=reason[1], error_code=reason[0])
        held = words.held_amount(words.in_currency(reply.data, options))
        if amount_minor > held:
            wrong = f"{held} is held, which is less."
            return Response(outcome=Outcome.DECLINED, message=wrong, error_code=DeclineCode.INVALID_AMOUNT)
        if amount_minor < held:
            raise self._cannot("capture a part of what is held", "partial_capture")
        reply = self.ask("PATCH", payment_path(authorization), {"captured": True})
        if reply.status >= 400:
            return words.refused(reply.status, reply.data)
        taken = words.captured(words.in_currency(reply.data, options))
        if taken is None:
            raise GatewayUnavailable("PayPlug does not say that it was captured.")
        return taken

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        """Aborts it: a hold that was not captured, or a page that nobody has paid on."""
        reply = self.ask("PATCH", payment_path(authorization), {"aborted": True})
        if reply.status >= 400:
            return words.refused(reply.status, reply.data)
        ended = words.let_go(words.in_currency(reply.data, options))
        if ended is None:
            raise GatewayUnavailable("PayPlug does not say that it was aborted.")
        return ended

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        said = {"amount": amount_minor, "metadata": params.metadata(options)}
        reply = self.ask("POST", f"{payment_path(authorization)}/refunds", said)
        if reply.status >= 400:
            return words.refused(reply.status, reply.data)
        return words.given_back(words.in_currency(reply.data, options))

    # Evidence

    def lookup(self, *, kind: Kind, idempotency_key: str, order_id: str, authorization: str) -> Response | None:
        return self.lookup_knowing(
            kind=kind, idempotency_key=idempotency_key, order_id=order_id, authorization=authorization
        )

    def lookup_knowing(
        self,
        *,
        kind: Kind,
        idempotency_key: str,
        order_id: str,
        authorization: str,
        reference: str = "",
        since: datetime | None = None,
    ) -> Response | None:
        """Objects are fetched by their names; a payment whose name was lost is looked for in the list.

        Who asks without saying since when may have the handle from anybody: then the payment has to be the order's.
        """
        found = self.payment(authorization) if authorization else None
        if kind not in ("authorize", "purchase"):
            if found is None or not (since or words.is_named(found, order_id, "")):
                return None
            if kind == "refund":
                return self._refund(found, order_id, idempotency_key, reference)
            return words.captured(found) if kind == "capture" else words.let_go(found)
        if found is not None and not words.is_named(found, order_id, idempotency_key):
            found = None
        if found is None and (since or not authorization):
            found = self._in_the_list(order_id, idempotency_key, since)
        return words.attempt(found) if found and words.attempt_kind(found) == kind else None

    def _refund(self, payment: Mapping[str, Any], order_id: str, key: str, reference: str) -> Response | None:
        """The refund with our key, or of that name; without either, the only one that nobody has put a key on."""
        id, known = words.text(payment, "id"), words.whole(payment, "amount_refunded")
        refunds = words.listed(self.read(f"{payment_path(id)}/refunds") or {})
        if sum(words.whole(each, "amount") for each in refunds) < known:
            raise GatewayUnavailable("PayPlug's list of refunds is not whole.")
        if reference:
            refunds = [each for each in refunds if each.get("id") == reference]
            named = [each for each in refunds if not key or words.is_named(each, "", key)]
            return words.given_back(named[0]) if named else None
        one = words.the_one(refunds, order_id if key else "", key)
        return words.given_back(one) if one else None

    def _in_the_list(self, order_id: str, key: str, since: datetime | None) -> Mapping[str, Any] | None:
        """The payment that carries our names, among all or among those that are not older than `since`.

        Raises GatewayUnavailable where the list goes on for too long: then nobody knows.
        """
        named = (each for each in self._newest(since) if words.is_named(each, order_id, key))
        return next(named, None) if key else words.the_one(list(named), order_id, key)

    def _newest(self, since: datetime | None) -> Iterator[Mapping[str, Any]]:
        """The list as PayPlug pages it: it can be asked for neither by our names nor by time."""
        until = int((since - SKEW).timestamp()) if since else None
        for page in range(PAGES):
            payments = words.listed(self.read("/v1/payments", {"page": page, "per_page": PER_PAGE}) or {})
            yield from payments
            made = [words.whole(each, "created_at") for each in payments]
            newest_first = made == sorted(made, reverse=True) and len(made) > 1
            if not made or (until is not None and newest_first and made[-1] < until):
                return
        raise GatewayUnavailable(f"PayPlug's list has more than {PAGES * PER_PAGE} payments to look through.")

    def fetch(self, authorization: str) -> Snapshot:
        return words.snapshot(self.known(authorization), datetime.now(UTC))

    # Notices

    def parse_webhook(self, headers: Mapping[str, str], body: bytes) -> list[WebhookNotice]:
        return [notices.notice(body)]


def _not_captured(said: Mapping[str, Any]) -> tuple[DeclineCode, str] | None:
    """Why a payment cannot be captured: a code and a sentence; None if it can."""
    if words.is_paid(said):
        return DeclineCode.ALREADY_CAPTURED, "All of it was captured already."
    if words.part(said, "failure") and words.was_held(said):
        return DeclineCode.AUTHORIZATION_EXPIRED, "It is held no more."
    if not words.was_held(said) or words.part(said, "failure"):
        return DeclineCode.WRONG_STATE, "Nothing is held."
    return None
