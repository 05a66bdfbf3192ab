"""Whether each payment's sums and state are what its operations make of them (laws 4 and 5).

One statement works out every payment whose operations concern one attempt, or none; where its answer differs, and for
the few payments with a longer story, the `Ledger` has the last word, page by page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from payments.doctor.findings import Check, Seen, Severity, pages, stream, written
from payments.errors import GatewayError
from payments.models import Operation, Payment
from payments.models.states import Ledger

LEDGER_PAGE = 500
SUMS = {"authorized_amount": "authorized", "captured_amount": "captured", "refunded_amount": "refunded"}

# What one pass over the operations tells of each payment. An attempt that was only heard of and refused counts where
# nothing else was tried; what was heard of without a key (`loose`) belongs to the attempt whose authorization it names.
READ = """
WITH told AS (
    SELECT payment_id, id, kind, state, amount, final, attempt_id, "authorization" AS code,
        idempotency_key <> '' AS asked,
        kind IN ('authorize', 'purchase') AND (idempotency_key <> '' OR state <> 'declined') AS attempts,
        kind IN ('authorize', 'purchase') AND idempotency_key = '' AND state = 'declined' AS hearsay,
        kind NOT IN ('authorize', 'purchase') AND idempotency_key <> '' AS follows,
        kind NOT IN ('authorize', 'purchase') AND idempotency_key = '' AS loose,
        kind = 'void' AND state = 'succeeded' AS lets_go,
        idempotency_key <> '' AND NOT guessed AS certain,
        state IN ('open', 'unknown', 'waiting') AS unsettled,
        state_before
    FROM payments_operation WHERE state <> 'canceled'
), book AS (
    SELECT payment_id,
        COUNT(*) FILTER (WHERE attempts) AS attempts,
        COUNT(*) FILTER (WHERE hearsay) AS hearsay,
        MAX(id) FILTER (WHERE attempts) AS attempt,
        MAX(kind) FILTER (WHERE attempts) AS kind,
        MAX(state) FILTER (WHERE attempts) AS state,
        MAX(amount) FILTER (WHERE attempts) AS amount,
        MAX(code) FILTER (WHERE attempts) AS code,
        MIN(COALESCE(attempt_id, 0)) FILTER (WHERE follows) AS first_followed,
        MAX(COALESCE(attempt_id, 0)) FILTER (WHERE follows) AS last_followed,
        COUNT(*) FILTER (WHERE loose) AS loose,
        MIN(code) FILTER (WHERE loose AND code <> '') AS first_code,
        MAX(code) FILTER (WHERE loose AND code <> '') AS last_code,
        SUM(amount) FILTER (WHERE kind IN ('purchase', 'capture') AND state = 'succeeded') AS taken,
        SUM(amount) FILTER (WHERE kind = 'refund' AND state = 'succeeded') AS given,
        COUNT(*) FILTER (WHERE lets_go) AS voids,
        COUNT(*) FILTER (WHERE lets_go AND certain AND state_before = 'completed') AS sale_voids,
        COUNT(*) FILTER (WHERE lets_go AND NOT certain) AS heard_voids,
        COUNT(*) FILTER (WHERE kind = 'capture' AND state = 'succeeded' AND final) AS finals,
        COUNT(*) FILTER (WHERE kind = 'capture' AND state = 'declined') AS refusals,
        COUNT(*) FILTER (WHERE unsettled AND (kind = 'capture' OR (kind = 'void' AND state_before = 'processing')))
            AS under_way
    FROM told GROUP BY payment_id
), figured AS (
    SELECT p.id, p.state, p.amount, p.authorized_amount, p.captured_amount, p.refunded_amount,
        COALESCE(b.attempts, 0) AS attempts, b.kind AS kind, b.state AS answer, b.amount AS tried,
        COALESCE(b.taken, 0) AS taken, COALESCE(b.given, 0) AS refunded,
        CASE WHEN b.sale_voids > 0 THEN 0 ELSE COALESCE(b.taken, 0) END AS captured,
        COALESCE(b.voids, 0) AS voids, COALESCE(b.finals, 0) AS finals,
        COALESCE(b.refusals, 0) AS refusals, COALESCE(b.under_way, 0) AS under_way,
        b.payment_id IS NULL AND EXISTS (SELECT 1 FROM payments_operation o WHERE o.payment_id = p.id)
            AS never_happened,
        CASE
            WHEN b.payment_id IS NULL THEN 1
            WHEN b.attempts > 1 OR (b.hearsay > 0 AND (b.attempts = 0 OR b.loose > 0)) THEN 0
            WHEN b.attempts = 0 THEN 1
            WHEN b.first_followed <> b.attempt OR b.last_followed <> b.attempt THEN 0
            WHEN b.first_code <> b.code OR b.last_code <> b.code THEN 0
            WHEN b.heard_voids > 0 AND b.kind = 'purchase' THEN 0
            ELSE 1
        END AS plain
    FROM payments_payment p LEFT JOIN book b ON b.payment_id = p.id
), held AS (
    SELECT figured.*,
        CASE WHEN attempts = 0 THEN taken WHEN answer = 'succeeded' THEN tried ELSE 0 END AS asked_for,
        CASE WHEN kind = 'authorize' AND answer = 'succeeded' AND voids = 0 AND finals = 0 AND tried > captured
            THEN 1 ELSE 0 END AS holds
    FROM figured
)
SELECT id FROM held WHERE plain = 0 OR {differs}
"""
# SQLite adds decimals as binary numbers: less than half of the smallest step of any currency is no difference.
SUMS_DIFFER = """
    ABS(captured_amount - captured) > 0.00005
    OR ABS(refunded_amount - refunded) > 0.00005
    OR ABS(authorized_amount - CASE WHEN asked_for > captured THEN asked_for ELSE captured END) > 0.00005
    OR (holds = 1 AND amount < tried - 0.00005)
    OR (holds = 0 AND captured > 0 AND (kind IS NULL OR kind = 'authorize') AND ABS(amount - captured) > 0.00005)
"""
STATE_DIFFERS = """
    state <> CASE
        WHEN under_way > 0 OR answer IN ('open', 'unknown') OR (answer = 'waiting' AND voids = 0) THEN 'processing'
        WHEN holds = 1 AND NOT (refusals > 0 AND captured = 0) THEN 'pending'
        WHEN captured > 0 THEN 'completed'
        WHEN refusals > 0 OR never_happened OR (answer = 'declined' AND voids = 0) THEN 'failed'
        WHEN voids > 0 THEN 'void'
        WHEN state IN ('invalid', 'void') THEN state
        ELSE 'checkout'
    END
"""


def sums() -> Iterator[Seen]:
    for payment, ledger in suspects(SUMS_DIFFER):
        should = {name: getattr(ledger, of_ledger) for name, of_ledger in SUMS.items()}
        latest = ledger.latest
        if latest and ledger.held_of(latest):
            should["amount"] = max(payment.amount.amount, latest.amount.amount)
        elif (latest is None or latest.kind == "authorize") and ledger.captured_of(latest):
            should["amount"] = ledger.captured_of(latest)
        wrong = [
            f"{name.removesuffix('_amount')} is {written(stored, payment.currency)}, "
            f"its operations come to {written(amount, payment.currency)}"
            for name, amount in should.items()
            if (stored := getattr(payment, name).amount) != amount
        ]
        if wrong:
            yield Seen(order=payment.order.number, payment=payment.number, says="; ".join(wrong))


def states() -> Iterator[Seen]:
    for payment, ledger in suspects(STATE_DIFFERS):
        derived = ledger.derive(payment.state)
        if derived != payment.state:
            says = f"it is {payment.state}, its operations make it {derived}"
            yield Seen(order=payment.order.number, payment=payment.number, says=says)


def suspects(differs: str) -> Iterator[tuple[Payment, Ledger]]:
    """Payments whose plain figures differ, or whose story is not plain, each with its ledger."""
    for page in pages((pk for (pk,) in stream(READ.format(differs=differs))), LEDGER_PAGE):
        yield from with_ledgers(page)


def with_ledgers(keys: Iterable[int]) -> Iterator[tuple[Payment, Ledger]]:
    """A payment and its operations come from one statement, so that no answer can come in between."""
    joined = Operation.objects.select_related("payment__order", "payment__payment_method")
    found = joined.filter(payment__in=keys).order_by("payment_id", "sequence")
    for _pk, group in groupby(found.iterator(chunk_size=LEDGER_PAGE), key=lambda operation: operation.payment_id):
        operations = list(group)
        payment = operations[0].payment
        yield payment, Ledger(operations, void_after_capture=_void_after_capture(payment))
    bare = Payment.objects.select_related("order").filter(pk__in=keys, operations=None)
    for payment in bare.iterator(chunk_size=LEDGER_PAGE):
        yield payment, Ledger([])


def _void_after_capture(payment: Payment) -> bool:
    try:
        return payment.payment_method.capabilities.void_after_capture
    except GatewayError:  # Its gateway is no longer registered.
        return False


AGAIN = "Have it written anew from its operations: docs/how-to/runbooks/figures-that-differ.md."

BOOKS = (
    Check(
        name="payment_sums",
        severity=Severity.MONEY,
        law="What a payment says was authorized, captured and refunded is what its operations come to.",
        remedy=AGAIN,
        look=sums,
    ),
    Check(
        name="payment_state",
        severity=Severity.MONEY,
        law="A payment is in the state that its operations make.",
        remedy=AGAIN,
        look=states,
    ),
)
