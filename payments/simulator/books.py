"""The books: payments, the actions taken on them, and the entries that move money, which are only ever added."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from payments.simulator import cards
from payments.simulator.answers import Answer, Json, missing
from payments.simulator.clock import SECOND, Clock, iso
from payments.simulator.faults import Faults
from payments.simulator.options import Options
from payments.simulator.store import Row, Store

LANES = 4  # Events of one payment share a lane, in which they are delivered one after the other.
ATTEMPTS = ("authorize", "purchase")
PREFIXES = {"authorize": "auth", "purchase": "sale", "capture": "cap", "void": "void", "refund": "ref", "dispute": "dp"}


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the entries of one payment add up to, in minor units."""

    authorized: int = 0
    captured: int = 0
    released: int = 0
    refunded: int = 0
    refunding: int = 0  # Asked for and still processing.

    @property
    def capturable(self) -> int:
        return max(0, self.authorized - self.captured - self.released)

    @property
    def refundable(self) -> int:
        return max(0, self.captured - self.refunded - self.refunding)


class Books:
    """All reading and writing of the books. Callers hold a transaction."""

    def __init__(self, store: Store, clock: Clock, options: Options, faults: Faults) -> None:
        self.store, self.clock, self.options, self.faults = store, clock, options, faults

    def now(self) -> int:
        return self.clock.now()

    # Rows

    def payment(self, id: str) -> Row:
        row = self.store.one("SELECT * FROM payments WHERE id = ?", id)
        if row is None:
            raise missing("payment", id)
        return row

    def action(self, id: str) -> Row:
        row = self.store.one("SELECT * FROM actions WHERE id = ?", id)
        if row is None:
            raise missing("action", id)
        return row

    def attempt(self, payment: str) -> Row:
        """The action that the payment began with."""
        row = self.store.one("SELECT * FROM actions WHERE payment = ? ORDER BY seq LIMIT 1", payment)
        if row is None:
            raise missing("payment", payment)
        return row

    def totals(self, payment: str) -> Totals:
        rows = self.store.all("SELECT kind, SUM(amount) FROM entries WHERE payment = ? GROUP BY kind", payment)
        sums: dict[str, int] = {row[0]: row[1] for row in rows}
        waiting = "SELECT SUM(amount) FROM actions WHERE payment = ? AND kind = 'refund' AND status = 'processing'"
        return Totals(
            authorized=sums.get("authorized", 0),
            captured=sums.get("captured", 0) - sums.get("capture_voided", 0),
            released=sums.get("released", 0),
            refunded=sums.get("refunded", 0) - sums.get("refund_failed", 0),
            refunding=self.store.number(waiting, payment),
        )

    # Writing

    def new_payment(self, *, amount: int, currency: str, **fields: Any) -> str:
        """The id of a new payment. `fields`: text columns of `payments`; what is not given is empty."""
        id = new_id("pay")
        names = "order_id card customer email description return_url notification_url session".split()
        texts = {name: fields.get(name, "") for name in names}
        metadata = json.dumps(fields.get("metadata") or {})
        self.store.add(
            "payments", id=id, amount=amount, currency=currency, metadata=metadata, created=self.now(), **texts
        )
        return id

    def act(self, payment: str, kind: str, amount: int, status: str, **fields: Any) -> str:
        """The id of a new action. `fields`: further columns of `actions`; `origin` is api, page, outside or clock."""
        id, now = new_id(PREFIXES[kind]), self.now()
        row = {"origin": "api", "created": now, "changed": now, **fields}
        self.store.add("actions", id=id, payment=payment, kind=kind, amount=amount, status=status, **row)
        return id

    def change(self, action: str, status: str, reason: str = "", **fields: Any) -> None:
        """What has become of an action. `reason` is a decline code, or "" for none."""
        texts = {"decline_code": reason, "code": "", "message": ""}
        if reason:
            texts.update(code=cards.code_of(reason), message=cards.MESSAGES.get(reason, reason))
        values = {"status": status, "changed": self.now(), **texts, **fields}
        marks = ", ".join(f"{name} = ?" for name in values)
        self.store.run(f"UPDATE actions SET {marks} WHERE id = ?", *values.values(), action)  # noqa: S608

    def enter(self, payment: Row, action: str, kind: str, amount: int, *, net: int = 0, fee: int = 0) -> None:
        """Add one entry, unless it is of nothing. `net` is what it does to the balance, fee included."""
        if amount <= 0:
            return
        now = self.now()
        wait = self.options.settle_after_s * SECOND if kind in ("captured", "capture_voided") else 0
        named = {"payment": payment["id"], "currency": payment["currency"], "order_id": payment["order_id"]}
        moments = {"occurred": now, "available": now + wait}
        self.store.add("entries", action=action, kind=kind, amount=amount, net=net, fee=fee, **named, **moments)

    def release_rest(self, payment: Row, action: str) -> None:
        """Let go of whatever is still held."""
        self.enter(payment, action, "released", self.totals(payment["id"]).capturable)

    def at(self, after_ms: int, deed: str, target: str) -> None:
        """Have something done later: see `later.DEEDS`."""
        self.store.add("timers", at=self.now() + after_ms, deed=deed, target=target)

    # Showing

    def show_action(self, row: Row) -> Json:
        payment = self.payment(row["payment"])
        shown = {name: row[name] for name in "id kind amount status code decline_code message avs cvc reason".split()}
        waits = row["status"] == "requires_action"
        return {
            "object": "action",
            **shown,
            "payment": row["payment"],
            "currency": payment["currency"],
            "order_id": payment["order_id"],
            "final": bool(row["final"]),
            "idempotency_key": row["idempotency_key"],
            "origin": row["origin"],
            "next_action": {"type": "redirect", "url": self.page_of(row, payment)} if waits else None,
            "created": iso(row["created"]),
            "changed": iso(row["changed"]),
        }

    def page_of(self, action: Row, payment: Row) -> str:
        """Where the customer has to go."""
        place = f"pay/{payment['session']}" if payment["session"] else f"challenge/{action['id']}"
        return f"{self.options.base_url}/{place}"

    def show_payment(self, id: str) -> Json:
        row, totals, attempt = self.payment(id), self.totals(id), self.attempt(id)
        ended = totals.authorized > 0 and not totals.capturable and not totals.captured
        gone = "SELECT count(*) FROM actions WHERE payment = ? AND kind = 'void' AND reason = 'expired'"
        status = attempt["status"]
        if status == "succeeded":
            status = "authorized" if totals.capturable else "captured" if totals.captured else "voided"
        card = json.loads(row["card"] or "{}")
        return {
            "object": "payment",
            "id": id,
            "kind": attempt["kind"],
            "status": status,
            "livemode": self.options.live,
            **{name: row[name] for name in "order_id currency amount customer email description".split()},
            "authorized": totals.authorized,
            "captured": totals.captured,
            "capturable": totals.capturable,
            "refunded": totals.refunded,
            "refundable": totals.refundable,
            "voided": ended,
            "expired": bool(self.store.number(gone, id)),
            "expires_at": iso(row["expires_at"]) if totals.capturable else None,
            "session": row["session"] or None,
            "card": {name: card[name] for name in card if name not in ("outcome", "cvc")} or None,
            "metadata": json.loads(row["metadata"]),
            "created": iso(row["created"]),
        }

    def both(self, action: str) -> Json:
        """An action beside its payment as it is now: what answers, lookups and events carry."""
        row = self.action(action)
        return {"action": self.show_action(row), "payment": self.show_payment(row["payment"])}

    def answer(self, action: str) -> Answer:
        """The answer to the request that asked for this action: a decline is 402 with an error."""
        body = self.both(action)
        shown = body["action"]
        if shown["status"] != "declined":
            return Answer.of(body)
        error = {name: shown[name] for name in ("code", "decline_code", "message")}
        return Answer.of({"error": {"type": "card_error", **error}, **body}, 402)

    # Events

    def tell(self, action: str) -> None:
        """Write the event that says what an action has come to; it is delivered after the commit."""
        body = self.both(action)
        self.event(f"{body['action']['kind']}.{body['action']['status']}", body)

    def event(self, type: str, body: Mapping[str, Any]) -> None:
        shown, now = body["action"], self.now()
        payment = self.payment(shown["payment"])
        url = payment["notification_url"] or self.options.webhook_url
        names = ("kind", "idempotency_key", "order_id", "amount")
        fault = self.faults.for_event({"event": type, **{name: shown[name] for name in names}})
        id, name = new_id("evt"), fault.name if fault else ""
        payload = {"id": id, "object": "event", "type": type, "created": iso(now), "livemode": self.options.live}
        special = {"webhook_missing": "missing", "webhook_early": "early"}
        status = special.get(name, "pending") if url else "unaddressed"
        hold = 2 * SECOND if name == "webhook_reordered" else self.options.webhook_delay_ms
        self.store.add(
            "events",
            id=id,
            type=type,
            payment=payment["id"],
            url=url,
            payload=json.dumps({**payload, "data": body}),
            fault=name,
            status=status,
            attempts=0,
            due=now + hold if status == "pending" else None,
            lane=zlib.crc32(payment["id"].encode()) % LANES,
            created=now,
        )
