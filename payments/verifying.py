"""Notices that nobody signed: anybody may have sent them, so what they say is only a hint where to look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from hashlib import sha256

from django.utils import timezone

from payments.errors import GatewayUnavailable, InvalidSignature
from payments.gateways.base import Fact, Gateway, Kind, Outcome, Snapshot, WebhookNotice
from payments.models import Operation, Payment, PaymentMethod
from payments.money import to_minor

Find = Callable[[PaymentMethod, Fact], Payment | None]


def signs_its_notices(gateway: Gateway) -> bool:
    """Whether `parse_webhook` proves who spoke. A gateway whose provider signs nothing has `signs_webhooks = False`."""
    return bool(getattr(gateway, "signs_webhooks", True))


def confirmed(notice: WebhookNotice, method: PaymentMethod, gateway: Gateway, find: Find) -> WebhookNotice:
    """The notice with what the provider says when asked, in place of what the body said.

    Only what names a payment of ours is asked about. Raises InvalidSignature where the provider does not confirm it,
    GatewayUnavailable where it does not answer. The event is known by what was fetched, since anybody can make up ids.
    """
    facts = []
    for claimed in notice.facts:
        payment = find(method, claimed)
        if payment is None:
            raise InvalidSignature("The notice is not signed, and is about nothing of ours.")
        facts.append(_asked(claimed, payment, gateway))
    digest = sha256(repr([sorted(_identity(fact).items()) for fact in facts]).encode()).hexdigest()
    return replace(notice, event_id=f"fetched:{digest}" if facts else "", facts=facts)


def _asked(claimed: Fact, payment: Payment, gateway: Gateway) -> Fact:
    """What became of the deed that is claimed, of our own knowledge and the provider's."""
    if claimed.disputed:
        raise InvalidSignature("The notice is not signed, and nobody can be asked about a dispute.")
    operation = (
        payment.operations.filter(idempotency_key=claimed.idempotency_key, kind=claimed.kind).first()
        if claimed.idempotency_key
        else None
    )
    key = operation.idempotency_key if operation else ""
    if not gateway.capabilities.lookup:
        return _compared(claimed, payment, operation, gateway)
    try:
        answer = gateway.lookup_knowing(
            kind=claimed.kind,
            idempotency_key=key,
            order_id=f"{payment.order.number}-{payment.number}",
            authorization=claimed.authorization or payment.response_code,
            reference=claimed.reference,
        )
    except GatewayUnavailable:
        payment.operations.filter(state="waiting").update(next_try_at=timezone.now())  # It is worth a look soon.
        raise
    if answer is None:
        raise InvalidSignature("The notice is not signed, and the provider knows nothing of it.")
    return Fact.from_response(claimed.kind, answer, idempotency_key=key)


def _compared(claimed: Fact, payment: Payment, operation: Operation | None, gateway: Gateway) -> Fact:
    """A claim that the provider's sums bear out to the minor unit. Only deeds can be seen in sums."""
    code = payment.response_code or claimed.authorization
    if not gateway.capabilities.fetch or not code or claimed.outcome is not Outcome.APPROVED:
        raise InvalidSignature("The notice is not signed, and its provider cannot be asked about it.")
    held = gateway.fetch(code)
    if held.authorization != code or not _bears_out(claimed, payment, operation, held):
        raise InvalidSignature("The notice is not signed, and the provider's books do not bear it out.")
    return Fact(
        kind=claimed.kind,
        outcome=Outcome.APPROVED,
        amount_minor=claimed.amount_minor,
        authorization=code,
        idempotency_key=operation.idempotency_key if operation else "",
    )


def _bears_out(claimed: Fact, payment: Payment, operation: Operation | None, held: Snapshot) -> bool:
    if claimed.kind == "void":
        return held.voided
    theirs = {"authorize": held.authorized_minor, "refund": held.refunded_minor}.get(claimed.kind, held.captured_minor)
    alike: tuple[Kind, ...] = ("purchase", "capture") if claimed.kind in ("purchase", "capture") else (claimed.kind,)
    known = payment.operations.filter(kind__in=alike, state="succeeded")
    ours = sum(to_minor(each.amount) for each in known if operation is None or each.pk != operation.pk)
    return claimed.amount_minor is not None and theirs == ours + claimed.amount_minor


def _identity(fact: Fact) -> dict[str, object]:
    """What makes two fetches the same event: not the wording, nor the page where a customer is sent."""
    said = asdict(fact)
    return {name: said[name] for name in ("kind", "outcome", "amount_minor", "authorization", "reference")}
