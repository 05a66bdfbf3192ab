"""Asking the provider: once for a new operation, and again, with evidence only, for one without an answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db import connection, models, transaction
from django.utils import timezone

from payments.actors import Actor, Origin
from payments.errors import GatewayError, GatewayUnavailable, PaymentDeclined, UnsupportedAction
from payments.gateway_options import gateway_options
from payments.gateways.base import Fact, Gateway, GatewayOptions, Kind, Outcome, Response, Snapshot
from payments.logs import traced
from payments.models.operation import Operation
from payments.money import to_minor

if TYPE_CHECKING:
    from payments.models.claim import Claim
    from payments.models.payment import Payment

RECOVERY = Actor(Origin.RECOVERY)
HEAD_START = timedelta(seconds=1)  # What was claimed together is sent one by one: at most so long after the claim.
KEY_LIFETIME = timedelta(hours=23)  # Providers remember an idempotency key for a day; none is trusted for longer.


class Asking(models.Model):
    """Speaks to the gateway on behalf of the verbs and of `recover`; everything it hears goes through `apply`."""

    class Meta:
        abstract = True

    if TYPE_CHECKING:
        pk: Any

        def apply(self, fact: Fact, *, by: Actor = ...) -> Operation | None: ...
        def _lock(self) -> Payment: ...
        def _absorb(self, payment: Payment) -> None: ...
        def _look(self) -> Claim: ...
        def read_operations(self) -> list[Operation]: ...

    @traced
    def ask(self, claim: Claim, operation: Operation, *, by: Actor) -> Response:
        """Put the committed operation of a claim to the gateway and apply the answer.

        Raises PaymentDeclined and GatewayUnavailable; an
        exception that no gateway should raise passes through, and leaves the operation unknown.
        """
        return self.take_in(claim, operation, hear(claim, operation, by=by), by=by)

    def take_in(self, claim: Claim, operation: Operation, heard: Response | Exception, *, by: Actor) -> Response:
        """The second half of `ask`: apply what was heard, and return or raise as it does."""
        if isinstance(heard, Response):
            fact = Fact.from_response(cast(Kind, operation.kind), heard, idempotency_key=operation.idempotency_key)
            return self.make_sure(claim, self.apply(fact, by=by) or operation, heard, by=by)
        if isinstance(heard, UnsupportedAction):
            self.close(operation, Operation.State.CANCELED, heard.message, by=by)  # Refused before it was sent.
            raise heard
        said = heard.message if isinstance(heard, GatewayError) else type(heard).__name__
        unread = isinstance(heard, GatewayUnavailable) and heard.retry_after is not None
        settled = self.close(operation, Operation.State.CANCELED if unread else Operation.State.UNKNOWN, said, by=by)
        if unread or settled.state == Operation.State.UNKNOWN or not isinstance(heard, GatewayUnavailable):
            raise heard
        return answer_of(settled, None)  # Somebody else brought the answer meanwhile.

    def make_sure(self, claim: Claim, settled: Operation, response: Response, *, by: Actor) -> Response:
        """What the verb says of its settled operation; one that is unknown is compared with the provider's books."""
        if settled.state == Operation.State.UNKNOWN:
            settled = self._compare(claim, settled, by=by) or settled
        return answer_of(settled, response)

    @traced
    def close(self, operation: Operation, state: str, message: str, *, by: Actor) -> Operation:
        """Record that an unanswered operation is unknown, or surely never happened, unless somebody was quicker."""
        with transaction.atomic():
            payment = self._lock()
            operations = payment.read_operations()
            current = next(each for each in operations if each.pk == operation.pk)
            if current.state in ("open", "unknown"):
                current.state, current.message = state, message
                current.answered_at = current.answered_at or timezone.now()
                payment.conclude(operations, changed=current, by=by)
        self._absorb(payment)
        return current

    def recover(self, *, by: Actor = RECOVERY) -> None:
        """Settle what is open or unknown, on evidence: a look-up, or the same idempotency key again.

        Safe to repeat and beside a living asker: an open operation is left alone until its asker can no longer
        send. What cannot be decided keeps a `reason` for staff. Never raises for a silent provider.
        """
        for operation in self.read_operations():
            if operation.state in ("open", "unknown"):
                self._recover(operation, by=by)

    @traced
    def _recover(self, operation: Operation, *, by: Actor) -> None:
        claim = self._look()
        gateway = claim.payment.payment_method.gateway_class
        silent_since = _silent_since(operation, gateway)
        if operation.state == Operation.State.OPEN and timezone.now() < silent_since:
            return
        if operation.reason:
            self._compare(claim, operation, by=by)
            return
        try:
            if gateway.capabilities.lookup:
                self._look_up(claim, operation, silent_since, by=by)
            elif gateway.capabilities.idempotency_keys and timezone.now() < operation.created_at + KEY_LIFETIME:
                response = send(claim, operation, by=by)
                self._take(operation, response, by=by)
            else:
                self._leave_for_staff(operation, "The provider can neither be looked up nor asked again.", by=by)
        except PaymentDeclined as refusal:
            refused = Response(outcome=Outcome.DECLINED, message=refusal.message, error_code=refusal.error_code)
            self._take(operation, refused, by=by)
        except UnsupportedAction as error:
            self._leave_for_staff(operation, error.message, by=by)
        except GatewayError as error:
            self.close(operation, Operation.State.UNKNOWN, error.message, by=by)

    def _look_up(self, claim: Claim, operation: Operation, silent_since: datetime, *, by: Actor) -> None:
        payment = claim.payment
        found = payment.payment_method.build_gateway().lookup_knowing(
            kind=cast(Kind, operation.kind),
            idempotency_key=operation.idempotency_key,
            order_id=f"{payment.order.number}-{payment.number}",
            authorization=claim.ledger.handle_of(operation) or operation.authorization,
            since=operation.created_at,
        )
        if found is not None:
            self._take(operation, found, by=by)
        elif timezone.now() >= silent_since + payment.payment_method.capabilities.visibility_window:
            self.close(operation, Operation.State.CANCELED, "The provider has no such request.", by=by)
        elif operation.state == Operation.State.OPEN:
            self.close(operation, Operation.State.UNKNOWN, "No answer was recorded.", by=by)

    def _take(self, operation: Operation, response: Response, *, by: Actor) -> None:
        fact = Fact.from_response(cast(Kind, operation.kind), response, idempotency_key=operation.idempotency_key)
        settled = self.apply(fact, by=by)
        if settled is not None and settled.reason:
            self._compare(self._look(), settled, by=by)

    def _compare(self, claim: Claim, operation: Operation, *, by: Actor) -> Operation | None:
        """Let what the provider holds now decide an answer that was not what was asked; else it is left to staff."""
        gateway = claim.payment.payment_method.build_gateway()
        code = claim.ledger.handle_of(operation) or operation.authorization
        if not gateway.capabilities.fetch or not code:
            return None
        try:
            held = gateway.fetch(code)
        except GatewayError:
            return None
        happened = _happened(operation, held, self.read_operations())
        if happened is None:
            return None
        if not happened:
            if timezone.now() < _silent_since(operation, type(gateway)) + gateway.capabilities.visibility_window:
                return None
            return self.close(operation, Operation.State.CANCELED, "The provider's books do not have it.", by=by)
        fact = Fact(
            kind=cast(Kind, operation.kind),
            outcome=Outcome.APPROVED,
            authorization=operation.authorization,
            idempotency_key=operation.idempotency_key,
        )
        return self.apply(fact, by=by)

    def _leave_for_staff(self, operation: Operation, reason: str, *, by: Actor) -> None:
        self.close(operation, Operation.State.UNKNOWN, operation.message or reason, by=by)
        Operation._base_manager.filter(pk=operation.pk, state=Operation.State.UNKNOWN).update(reason=reason)


def hear(claim: Claim, operation: Operation, *, by: Actor) -> Response | Exception:
    """Send, and what came of it: an answer, a refusal included, or the exception that came instead of one."""
    try:
        return send(claim, operation, by=by)
    except PaymentDeclined as refusal:
        return Response(outcome=Outcome.DECLINED, message=refusal.message, error_code=refusal.error_code)
    except Exception as error:  # noqa: BLE001 (raised again once it is recorded)
        return error


def send(claim: Claim, operation: Operation, *, by: Actor) -> Response:
    """The one call that an operation comes down to, with its own idempotency key."""
    payment, method = claim.payment, claim.payment.payment_method
    options = gateway_options(payment, payment.order, idempotency_key=operation.idempotency_key, by=by)
    amount_minor = to_minor(operation.amount)
    code = claim.ledger.handle_of(operation) or payment.response_code
    source = payment.source
    originator = operation.refund if operation.kind == Operation.Kind.REFUND else payment
    lend_connection()
    match operation.kind:
        case Operation.Kind.AUTHORIZE:
            return method.authorize(amount_minor, source, options)
        case Operation.Kind.PURCHASE:
            return method.purchase(amount_minor, source, options)
        case Operation.Kind.CAPTURE:
            return method.capture(amount_minor, code, GatewayOptions(**{**options, "final": operation.final}))
        case Operation.Kind.VOID:
            return method.void(code, options)
        case _:
            return method.credit(amount_minor, code, GatewayOptions(**{**options, "originator": originator}))


def lend_connection() -> None:
    """With a pool, nobody holds a database connection while a provider thinks."""
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()


def answer_of(operation: Operation, response: Response | None) -> Response:
    """What a verb says of its settled operation. Raises PaymentDeclined, GatewayUnavailable where that is so."""
    match operation.state:
        case Operation.State.DECLINED:
            raise PaymentDeclined(operation.message, operation.error_code)
        case Operation.State.UNKNOWN | Operation.State.OPEN | Operation.State.CANCELED:
            raise GatewayUnavailable(operation.reason or operation.message)
        case Operation.State.WAITING:
            outcome = Outcome.ACTION_REQUIRED if operation.next_action else Outcome.PROCESSING
        case _:
            outcome = Outcome.APPROVED
    if response is not None and response.outcome is outcome:
        return response
    return Response(
        outcome=outcome,
        authorization=operation.authorization,
        reference=operation.reference,
        message=operation.message,
        next_action=operation.next_action,
    )


def _silent_since(operation: Operation, gateway: type[Gateway]) -> datetime:
    """When its asker could last send: when it reported the loss, else once its wait, time-outs and retries are over."""
    if operation.state == Operation.State.UNKNOWN and operation.answered_at:
        return operation.answered_at
    return operation.created_at + HEAD_START + gateway.longest_call


def _happened(operation: Operation, held: Snapshot, operations: list[Operation]) -> bool | None:
    """Whether the provider's sums include the operation to the minor unit, exclude it, or neither (None)."""
    theirs = {
        Operation.Kind.AUTHORIZE: held.authorized_minor,
        Operation.Kind.PURCHASE: held.captured_minor,
        Operation.Kind.CAPTURE: held.captured_minor,
        Operation.Kind.REFUND: held.refunded_minor,
    }.get(Operation.Kind(operation.kind))
    if theirs is None:
        return held.voided
    alike = ("purchase", "capture") if operation.kind in ("purchase", "capture") else (operation.kind,)
    attempt = operation.attempt_id or operation.pk
    ours = sum(
        to_minor(each.amount)
        for each in operations
        if each.kind in alike and each.state == "succeeded" and (each.attempt_id or each.pk) == attempt
    )
    if theirs == ours + to_minor(operation.amount):
        return True
    return False if theirs == ours else None
