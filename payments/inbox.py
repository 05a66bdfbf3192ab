"""The provider's errand: a notice is verified, stored once, and used; what is stored is sure to be used."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from hashlib import sha256
from typing import Any, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import BooleanField, CharField, F, Func, QuerySet
from django.utils import timezone

from payments.actors import Actor, Origin
from payments.errors import GatewayError, InvalidAmount, InvalidSignature, UnreadableNotice
from payments.gateways.base import Fact, WebhookNotice
from payments.known_methods import KnownMethod, known_method, read_method
from payments.limiting import admit
from payments.models import Operation, Payment, PaymentMethod, WebhookEvent
from payments.models.webhook_event import LEASE, PAUSES, write_facts
from payments.verifying import confirmed, signs_its_notices

logger = logging.getLogger(__name__)

WEBHOOK = Actor(Origin.WEBHOOK)
BATCH = 500  # Events of the inbox that are in memory at once while it is replayed.
State = WebhookEvent.State
RECEIVED, IGNORED = State.RECEIVED.value, State.IGNORED.value
LONGEST_KEY = cast("CharField[str, str]", WebhookEvent._meta.get_field("dedupe_key")).max_length or 0
COLUMNS = (
    *("dedupe_key", "type", "payload", "facts", "verified_by", "received_at"),
    *("state", "next_try_at", "applied_at"),
)
# The method's row is looked at again while the event is stored: one that has changed since it was read has no id
# here, and a row without a method is refused. So a method that is kept in memory can never be an old one.
INSERT = f"""
    INSERT INTO "{WebhookEvent._meta.db_table}"
           ("payment_method_id", "tries", "last_error", {", ".join(f'"{name}"' for name in COLUMNS)})
    VALUES (
        (SELECT "id" FROM "{PaymentMethod._meta.db_table}"
          WHERE "id" = %s AND "code" = %s AND "gateway" = %s AND "test_mode" = %s AND CAST("config" AS text) = %s),
        0, '', {", ".join(["%s"] * len(COLUMNS))}
    )
    ON CONFLICT DO NOTHING RETURNING "id"
"""  # noqa: S608 (our own names)
ATTRIBUTES = (
    *("id", "payment_method_id", "dedupe_key", "type", "payload", "facts", "verified_by", "received_at"),
    *("state", "tries", "next_try_at", "last_error", "applied_at", "payment_id"),
)
write_json = DjangoJSONEncoder().encode

# The condition of the keys' index, word for word: as a parameter, SQLite would not see that the index has them all.
HAS_KEY = Func(F("idempotency_key"), template="NOT (%(expressions)s = '')", output_field=BooleanField())
HAS_HANDLE = Func(F("authorization"), template="NOT (%(expressions)s = '')", output_field=BooleanField())


class NoInbox(LookupError):
    """No payment method of that code takes notices."""


class MethodChanged(GatewayError):
    """The payment method is no longer as it was when it was read."""


# Receiving


def receive(code: str, headers: Mapping[str, str], body: bytes, *, sender: str = "") -> list[WebhookEvent]:
    """Verify a notice for the payment method `code`, store what is new in it, use it. Returns the new events.

    Raises NoInbox, InvalidSignature, UnreadableNotice, TooManyNotices (of this `sender`, unsigned); GatewayError where
    it could not be verified and a database error where it could not be stored. Whatever happens after it is stored is
    ours to try again, and raises nothing.
    """
    known = known_method(code)
    try:
        return _receive(known or _read(code), headers, body, sender)
    except (InvalidSignature, UnreadableNotice, GatewayError):
        if known is None:
            raise
        fresh = _read(code)
        if fresh.row == known.row:
            raise
    return _receive(fresh, headers, body, None)  # Its settings have changed since it was read.


def _receive(known: KnownMethod, headers: Mapping[str, str], body: bytes, sender: str | None) -> list[WebhookEvent]:
    """`sender` is counted; None was counted before."""
    method, reader = known.method, known.reader()
    if not reader.capabilities.webhooks:
        raise NoInbox(method.code)
    notices = reader.parse_webhook(headers, body)
    verified_by = WebhookEvent.VerifiedBy.SIGNATURE.value
    if not signs_its_notices(reader):
        verified_by = WebhookEvent.VerifiedBy.FETCH.value
        if sender is not None:
            admit(method.code, sender)
        gateway = method.build_gateway()
        notices = [confirmed(notice, method, gateway, find_payment) for notice in notices]
    stored = [store(known, key, notice, verified_by) for key, notice in _keyed(notices, body)]
    new = [event for event in stored if event is not None]
    for event in new:
        if event.facts:
            _use(event)
    return new


def _read(code: str) -> KnownMethod:
    known = read_method(code)
    if known is None:
        raise NoInbox(code)
    return known


def store(known: KnownMethod, key: str, notice: WebhookNotice, verified_by: str) -> WebhookEvent | None:
    """Write the event with one INSERT, leased to whoever wrote it. None if it is there already."""
    now, payload, facts = timezone.now(), dict(notice.payload), write_facts(notice.facts)
    # Where nothing is to be done, nothing is to be written again.
    state, lease, done = (RECEIVED, now + LEASE, None) if facts else (IGNORED, None, now)
    moment = connection.ops.adapt_datetimefield_value
    said = (key, notice.type[:100], write_json(payload), write_json(facts), verified_by, moment(now))
    try:
        # In a transaction of the caller's, a refused INSERT is to be undone alone.
        with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.cursor() as cursor:
            cursor.execute(INSERT, (*known.row, *said, state, moment(lease), moment(done)))
            row = cursor.fetchone()
    except IntegrityError as error:
        raise MethodChanged(known.method.code) from error
    except DataError as error:
        raise UnreadableNotice("The notice has what no text can have.") from error
    if row is None:
        return None
    values = (row[0], known.method.pk, key, said[1], payload, facts, verified_by, now, state, 0, lease, "", done, None)
    event = WebhookEvent.from_db(connection.alias, ATTRIBUTES, values)
    event.payment_method = known.method
    return event


def _keyed(notices: list[WebhookNotice], body: bytes) -> Iterator[tuple[str, WebhookNotice]]:
    """Each with what it is known by: the provider's id for it, else a digest of what it says."""
    for place, notice in enumerate(notices):
        key = notice.event_id
        if not key:
            key = f"sha256:{sha256(b'%d ' % place + body).hexdigest()}"
        elif len(key) > LONGEST_KEY:
            key = f"sha256:{sha256(key.encode()).hexdigest()}"
        yield key, notice


# Using


def apply_event(event: WebhookEvent, *, by: Actor = WEBHOOK) -> str:
    """Take in the event's facts, each in a transaction of its own, and keep what became of it: its state.

    Safe to repeat: a fact that is known changes nothing, and an event that was applied stays that.
    """
    payments: list[Payment] = []
    operations: list[Operation] = []
    state, why = (State.APPLIED, "") if event.facts else (State.IGNORED, "")
    try:
        for fact in event.read_facts():
            payment = find_payment(event.payment_method, fact)
            if payment is None:
                state, why = State.UNMATCHED, f"No payment was found for this {fact.kind}."
                continue
            payments.append(payment)
            operation = payment.apply(fact, by=by)
            operations += [operation] if operation else []
    except Exception as error:  # Whatever one event suffers, it is kept and tried again.
        logger.exception("Webhook event %s of %s could not be applied", event, event.payment_method.code)
        said = isinstance(error, (GatewayError, InvalidAmount))
        state, why = State.FAILED, f"{type(error).__name__}: {error}" if said else type(error).__name__
    _conclude(event, state, why, payments, operations)
    return event.state


def _conclude(event: WebhookEvent, state: str, why: str, payments: list[Payment], operations: list[Operation]) -> None:
    now = timezone.now()
    written: dict[str, Any] = {"state": state, "last_error": why, "next_try_at": None}
    if state in (State.APPLIED, State.IGNORED):
        written["applied_at"] = event.applied_at or now
    else:
        tries = event.tries + 1
        written["tries"] = tries
        if tries > len(PAUSES):
            written["state"] = State.DEAD
        else:
            written["next_try_at"] = now + PAUSES[tries - 1]
    if payments:
        written["payment"] = payments[0]
    links = WebhookEvent.operations.through
    for operation in operations:
        links._default_manager.bulk_create(
            [links(webhookevent_id=event.pk, operation_id=operation.pk)], ignore_conflicts=True
        )
    rows = WebhookEvent.objects.filter(pk=event.pk)
    if "applied_at" not in written:
        rows = rows.exclude(state=State.APPLIED)  # Somebody else was luckier, or it was before.
    rows.update(**written)
    for name, value in written.items():
        setattr(event, name, value)


def _use(event: WebhookEvent) -> None:
    """Apply it now if that can be done. If not, it is stored, and its turn comes."""
    try:
        apply_event(event)
    except Exception:
        logger.exception("Webhook event %s is left to be tried again", event)


def find_payment(method: PaymentMethod, fact: Fact) -> Payment | None:
    """The payment of this method that the fact is about: by our key, our name for it, or the provider's handle.

    Each is looked up through an index. A handle that more than one payment has names none.
    """
    payments = Payment._base_manager.filter(payment_method=method.pk)
    if fact.idempotency_key:
        asked = Operation._base_manager.filter(HAS_KEY, idempotency_key=fact.idempotency_key).values("payment")
        if found := payments.filter(pk__in=asked).first():
            return found
    order, _dash, number = fact.order_id.rpartition("-")
    if order and number and (found := payments.filter(number=number, order__number=order).first()):
        return found
    if fact.authorization:
        named = list(payments.filter(response_code=fact.authorization).order_by("-id")[:2])
        if not named:  # The handle of an earlier attempt.
            tried = Operation._base_manager.filter(HAS_HANDLE, authorization=fact.authorization).values("payment")
            named = list(payments.filter(pk__in=tried).order_by("-id")[:2])
        return named[0] if len(named) == 1 else None
    return None


# Trying again


def retry_due(*, methods: Sequence[str] = (), limit: int | None = None) -> Iterator[WebhookEvent]:
    """Use each event that is due once more, the longest due first. Several runs at once never take the same one."""
    for pk in list(_of(WebhookEvent.objects.due().order_by("next_try_at", "id"), methods, limit).values_list("pk")):
        if WebhookEvent.objects.due().filter(pk=pk[0]).update(next_try_at=timezone.now() + LEASE):
            event = WebhookEvent.objects.select_related("payment_method", "payment").get(pk=pk[0])
            _use(event)
            yield event


def replay(event: WebhookEvent, *, by: Actor = WEBHOOK) -> str:
    """Use an event once more, whatever became of it. What was applied before changes nothing. Returns its state."""
    return apply_event(event, by=by)


def replay_all(*, methods: Sequence[str] = (), limit: int | None = None) -> Iterator[WebhookEvent]:
    """Use the whole inbox again, in the order in which it came."""
    for event in planned(methods=methods, limit=limit, replay=True):
        _use(event)
        yield event


def planned(*, methods: Sequence[str] = (), limit: int | None = None, replay: bool = False) -> Iterator[WebhookEvent]:
    """What `retry_due`, or `replay_all`, would use now."""
    found = WebhookEvent.objects.select_related("payment_method", "payment")
    if not replay:
        yield from _of(found.due().order_by("next_try_at", "id"), methods, limit)
        return
    last, left = 0, limit
    while left is None or left > 0:
        size = BATCH if left is None else min(BATCH, left)
        events = list(_of(found.filter(pk__gt=last).order_by("id"), methods, size))
        if not events:
            return
        yield from events
        last, left = events[-1].pk, None if left is None else left - len(events)


def _of(events: QuerySet[WebhookEvent], methods: Sequence[str], limit: int | None) -> QuerySet[WebhookEvent]:
    return (events.filter(payment_method__code__in=methods) if methods else events)[:limit]
