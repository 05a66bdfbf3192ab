"""What Braintree sends by itself: XML in base64, signed with the private key, as a form."""

from __future__ import annotations

import hashlib
import hmac
from base64 import encodebytes
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tests.providers.braintree_server.xml import write


def notification(kind: str, subject: dict[str, Any], timestamp: datetime) -> bytes:
    """The XML of a notice about one thing: {"transaction": …}, {"dispute": …}."""
    return write("notification", {"kind": kind, "timestamp": timestamp, "subject": subject})


def sealed(xml: bytes, *, public_key: str, private_key: str) -> bytes:
    """The form in which it arrives. The signature is HMAC-SHA1, its key the SHA-1 of the private key."""
    payload = encodebytes(xml)
    digest = hmac.new(hashlib.sha1(private_key.encode()).digest(), payload, hashlib.sha1).hexdigest()
    return urlencode({"bt_signature": f"{public_key}|{digest}", "bt_payload": payload}).encode()


def told_of(transaction: dict[str, Any], timestamp: datetime) -> bytes | None:
    """What is sent of a transaction as it is now; None where Braintree sends nothing. Nothing is sent of a hold."""
    kinds = {
        "settled": "transaction_settled",
        "settlement_declined": "transaction_settlement_declined",
    }
    kind = kinds.get(transaction["status"])
    if kind == "transaction_settlement_declined" and transaction["type"] == "credit":
        kind = "refund_failed"
    return notification(kind, {"transaction": dict(transaction)}, timestamp) if kind else None


def dispute(kind: str, transaction: dict[str, Any], timestamp: datetime) -> bytes:
    """A notice of a dispute: `kind` is opened, lost, won, …"""
    status = {"opened": "open"}.get(kind, kind)
    about = {
        "id": f"dp{transaction['id']}",
        "amount": transaction["amount"],
        "amount_disputed": transaction["amount"],
        "currency_iso_code": transaction["currency_iso_code"],
        "case_number": "CASE-1",
        "created_at": timestamp,
        "kind": "chargeback",
        "merchant_account_id": transaction["merchant_account_id"],
        "reason": "fraud",
        "received_date": timestamp.date(),
        "reply_by_date": timestamp.date(),
        "status": status,
        "updated_at": timestamp,
        "status_history": [("status_history", {"status": status, "timestamp": timestamp})],
        "evidence": [],
        "transaction": {name: transaction[name] for name in ("id", "amount", "created_at", "order_id")},
        "date_opened": timestamp.date(),
    }
    return notification(f"dispute_{kind}", {"dispute": about}, timestamp)
