"""The doctor of the counter: whether orders add up, agree with their payments, and are finished when they are paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from payments.doctor import Check, Seen, Severity
from payments.doctor.findings import PAGE, stream, written
from payments.models import Payment

JUST_NOW = timedelta(minutes=10)  # As long as somebody may still be completing it.

# SQLite adds decimals as binary numbers: less than half of the smallest step of any currency is no difference.
TOTALS = """
WITH lines AS (
    SELECT order_id, SUM(unit_price * quantity) AS items FROM orders_lineitem GROUP BY order_id
), adjusted AS (
    SELECT order_id,
        SUM(amount) FILTER (WHERE kind = 'shipping') AS shipping, SUM(amount) FILTER (WHERE kind = 'tax') AS tax,
        SUM(amount) FILTER (WHERE kind = 'included_tax') AS included,
        SUM(amount) FILTER (WHERE kind = 'promotion') AS promotion
    FROM orders_adjustment GROUP BY order_id
), summed AS (
    SELECT o.number, o.currency, o.item_total, o.shipment_total, o.additional_tax_total, o.included_tax_total,
        o.promo_total, o.total, COALESCE(l.items, 0) AS items, COALESCE(a.shipping, 0) AS shipping,
        COALESCE(a.tax, 0) AS tax, COALESCE(a.included, 0) AS included, COALESCE(a.promotion, 0) AS promotion
    FROM orders_order o LEFT JOIN lines l ON l.order_id = o.id LEFT JOIN adjusted a ON a.order_id = o.id
)
SELECT number, currency, item_total, items, shipment_total, shipping, additional_tax_total, tax, included_tax_total,
    included, promo_total, promotion, total, items + shipping + tax + promotion
FROM summed
WHERE ABS(item_total - items) > 0.00005 OR ABS(shipment_total - shipping) > 0.00005
    OR ABS(additional_tax_total - tax) > 0.00005 OR ABS(included_tax_total - included) > 0.00005
    OR ABS(promo_total - promotion) > 0.00005 OR ABS(total - (items + shipping + tax + promotion)) > 0.00005
"""
PAYMENTS = """
WITH paid AS (
    SELECT order_id, COUNT(*) AS payments,
        COUNT(*) FILTER (WHERE state NOT IN ('failed', 'void', 'invalid')) AS valid,
        SUM(captured_amount - refunded_amount) AS paid,
        SUM(amount) FILTER (WHERE state = 'pending' OR (state = 'checkout' AND source_type = '')) AS secured,
        SUM(captured_amount) FILTER (WHERE state = 'completed') AS taken
    FROM payments_payment GROUP BY order_id
), balanced AS (
    SELECT o.number, o.currency, o.state, o.payment_state, o.payment_total, o.completed_at, o.placed_at, o.total,
        COALESCE(p.payments, 0) AS payments, COALESCE(p.valid, 0) AS valid, COALESCE(p.paid, 0) AS paid,
        COALESCE(p.secured, 0) + COALESCE(p.taken, 0) AS settled,
        CASE WHEN o.state = 'canceled' THEN -COALESCE(p.paid, 0) ELSE o.total - COALESCE(p.paid, 0) END AS balance
    FROM orders_order o LEFT JOIN paid p ON p.order_id = o.id
), judged AS (
    SELECT balanced.*,
        CASE
            WHEN completed_at IS NULL THEN ''
            WHEN payments > 0 AND valid = 0 AND ABS(balance) > 0.00005 THEN 'failed'
            WHEN state = 'canceled' AND ABS(paid) < 0.00005 THEN 'void'
            WHEN balance > 0.00005 THEN 'balance_due'
            WHEN balance < -0.00005 THEN 'credit_owed'
            ELSE 'paid'
        END AS judged_state
    FROM balanced
)
SELECT number, currency, {columns} FROM judged WHERE {wrong}
"""
NAMES = ("items", "shipping", "tax on top", "tax included", "promotions", "total")


def totals() -> Iterator[Seen]:
    for number, currency, *figures in stream(TOTALS):
        pairs = zip(NAMES, figures[::2], figures[1::2], strict=True)
        told = ((name, written(stored, currency), written(summed, currency)) for name, stored, summed in pairs)
        wrong = [f"{name}: {stored}, its rows come to {summed}" for name, stored, summed in told if stored != summed]
        yield Seen(order=number, says="; ".join(wrong))


def payment_totals() -> Iterator[Seen]:
    wrong = "ABS(payment_total - paid) > 0.00005"
    for number, currency, stored, paid in stream(PAYMENTS.format(columns="payment_total, paid", wrong=wrong)):
        says = f"it says {written(stored, currency)} was paid, its payments come to {written(paid, currency)}"
        yield Seen(order=number, says=says)


def payment_states() -> Iterator[Seen]:
    columns = "payment_state, judged_state, total, paid"
    for number, currency, stored, judged, total, paid in stream(
        PAYMENTS.format(columns=columns, wrong="payment_state <> judged_state")
    ):
        says = (
            f"it is “{stored or 'empty'}”; with {written(paid, currency)} paid of {written(total, currency)} it should "
            f"be “{judged or 'empty'}”"
        )
        yield Seen(order=number, says=says)


def covered_and_unfinished() -> Iterator[Seen]:
    covered = "state = 'confirm' AND placed_at < %s AND settled > total - 0.00005"
    found = stream(PAYMENTS.format(columns="total, settled", wrong=covered), timezone.now() - JUST_NOW)
    for number, currency, total, settled in found:
        says = f"payments settle {written(settled, currency)} of {written(total, currency)}, and it is not complete"
        yield Seen(order=number, says=says)


def currencies() -> Iterator[Seen]:
    found = Payment.objects.exclude(currency=F("order__currency")).order_by()
    names = ("order__number", "number", "currency", "order__currency")
    for order, payment, ours, theirs in found.values_list(*names).iterator(chunk_size=PAGE):
        yield Seen(order=order, payment=payment, says=f"the payment is in {ours}, its order in {theirs}")


RECALCULATE = (
    "In manage.py shell: from orders.models import Order; Order.objects.get(number=…).recalculate(), which computes "
    "every figure from the rows."
)

CHECKS: tuple[Check, ...] = (
    Check(
        name="order_totals",
        severity=Severity.MONEY,
        law="An order's totals are the sums of its lines and adjustments.",
        remedy=RECALCULATE,
        look=totals,
    ),
    Check(
        name="order_payment_total",
        severity=Severity.MONEY,
        law="What an order says was paid is what its payments captured, less what they gave back.",
        remedy=RECALCULATE,
        look=payment_totals,
    ),
    Check(
        name="order_payment_state",
        severity=Severity.MONEY,
        law="An order's payment state follows from its total and its payments.",
        remedy=RECALCULATE,
        look=payment_states,
    ),
    Check(
        name="order_not_finished",
        severity=Severity.LOOK,
        law="An order that was placed and that settled payments cover is complete.",
        remedy="Press “Complete” on the order's page.",
        look=covered_and_unfinished,
    ),
    Check(
        name="payment_currency",
        severity=Severity.MONEY,
        law="A payment is in the currency of its order.",
        remedy="No verb writes such a row: find out what wrote to the database past the shop, and do not capture or "
        "refund the payment before that is known.",
        look=currencies,
    ),
)
