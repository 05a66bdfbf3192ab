"""For each constraint the statements that break it and nothing else; beside them, lawful neighbours that must pass.

The rows they speak of are those of `test_database_refuses`.
"""

from __future__ import annotations

PAYMENT = "UPDATE payments_payment SET {} WHERE id = %(payment)s"
MINE = "UPDATE payments_operation SET {} WHERE payment_id = %(payment)s"  # A purchase and two refunds.
FIRST = MINE + " AND sequence = 1"
SECOND = MINE + " AND sequence = 2"
ORDER = "UPDATE orders_order SET {} WHERE id = %(order)s"
LINE = "UPDATE orders_lineitem SET {} WHERE order_id = %(order)s"
SHIPPING = "UPDATE orders_adjustment SET {} WHERE id = %(shipping)s"
PROMOTION = "UPDATE orders_adjustment SET {} WHERE id = %(promotion)s"
EXPLAINED = "authorized_amount = {}, captured_amount = {}, refunded_amount = {}, review_reason = '{}'"

PLANTED: dict[str, list[str]] = {
    "order_state_known": [ORDER.format("state = 'shipped'"), ORDER.format("state = ''")],
    "order_payment_state_known": [ORDER.format("payment_state = 'completed'")],
    "line_item_quantity_positive": [LINE.format("quantity = 0")],
    "line_item_price_not_negative": [LINE.format("unit_price = -0.01")],
    "adjustment_sign_fits_kind": [
        SHIPPING.format("amount = -0.01"),
        SHIPPING.format("kind = 'tax', amount = -0.01"),
        SHIPPING.format("kind = 'included_tax', amount = -0.01"),
        PROMOTION.format("amount = 0.01"),
        SHIPPING.format("kind = 'gift', amount = 0"),
    ],
    "payment_state_known": [PAYMENT.format("state = 'balance'"), PAYMENT.format("state = ''")],
    "payment_sums_not_negative": [
        PAYMENT.format(EXPLAINED.format("-0.01", "-0.01", "-0.01", "")),
        PAYMENT.format(EXPLAINED.format(1, "-0.01", "-0.01", "")),
        PAYMENT.format(EXPLAINED.format(1, 1, "-0.01", "")),
        PAYMENT.format(EXPLAINED.format(1, 1, "-0.01", "Somebody has looked.")),
    ],
    "payment_sums_explained": [
        PAYMENT.format(EXPLAINED.format(100, 100, "100.01", "")),
        PAYMENT.format(EXPLAINED.format("99.99", 100, 0, "")),
        PAYMENT.format(EXPLAINED.format(0, 0, "0.01", "")),
    ],
    "payment_source_whole": [
        PAYMENT.format("source_type = '', source_id = 1"),
        PAYMENT.format("source_type = 'credit_card', source_id = NULL"),
    ],
    "operation_one_open_per_payment": [
        MINE.format("state = 'open'"),
        MINE.format("state = 'unknown'"),
        MINE.format("state = CASE sequence WHEN 1 THEN 'open' ELSE 'unknown' END"),
    ],
    "operation_sequence": [MINE.format("sequence = 9"), SECOND.format("sequence = 1")],
    "operation_fact_once": [
        MINE.format("kind = 'refund', reference = 're_1'"),
        MINE.format("kind = 'capture', reference = 'ch_1'"),
    ],
    "operation_idempotency_key": [
        MINE.format("idempotency_key = 'K'"),
        "UPDATE payments_operation SET idempotency_key = 'K' WHERE sequence = 1",  # Two payments.
    ],
    "operation_amount_not_negative": [FIRST.format("amount = -0.01")],
    "operation_kind_known": [FIRST.format("kind = 'credit'"), FIRST.format("kind = ''")],
    "operation_state_known": [FIRST.format("state = 'pending'"), FIRST.format("state = ''")],
    "refund_limit_once": ["UPDATE payments_refundlimit SET currency = 'USD'"],  # One group, two currencies.
    "refund_limit_not_negative": ["UPDATE payments_refundlimit SET amount = -0.01"],
    "webhook_event_once": ["UPDATE payments_webhookevent SET dedupe_key = 'same'"],
    "webhook_event_state_known": ["UPDATE payments_webhookevent SET state = 'pending'"],
    "reaction_once_per_fact": ["UPDATE payments_reaction SET topic = 'same'"],
}

# What is unique by itself: `unique=True` and one-to-one.
UNIQUE: dict[str, str] = {
    "orders_order.number": "UPDATE orders_order SET number = 'R1'",
    "payments_payment.number": "UPDATE payments_payment SET number = 'P1'",
    "payments_paymentmethod.code": "UPDATE payments_paymentmethod SET code = 'card'",
    "payments_refundreason.name": "UPDATE payments_refundreason SET name = 'Broken'",
    "payments_refund.operation_id": "UPDATE payments_refund SET operation_id = "
    "(SELECT id FROM payments_operation WHERE payment_id = %(payment)s AND sequence = 1)",
}

NEIGHBOURS: list[str] = [
    PAYMENT.format(EXPLAINED.format(100, 100, 100, "")),
    PAYMENT.format(EXPLAINED.format(0, 0, 0, "")),
    PAYMENT.format(EXPLAINED.format(0, 5, 7, "Somebody has looked.")),
    PAYMENT.format("source_type = '', source_id = NULL"),
    SECOND.format("state = 'unknown'"),
    MINE.format("state = 'waiting'"),  # What waits blocks nothing.
    "UPDATE payments_operation SET state = 'open' WHERE sequence = 1",  # One each on two payments.
    MINE.format("reference = ''"),
    MINE.format("reference = 're_1', kind = CASE sequence WHEN 1 THEN 'purchase' WHEN 2 THEN 'refund' ELSE 'void' END"),
    "UPDATE payments_operation SET kind = 'refund', reference = 're_1' WHERE sequence = 1",
    MINE.format("idempotency_key = ''"),  # Learned from the provider, not asked.
    FIRST.format("amount = 0"),
    ORDER.format("payment_state = ''"),
    LINE.format("unit_price = 0, quantity = 1"),
    SHIPPING.format("amount = 0"),
    PROMOTION.format("amount = 0"),
    "UPDATE payments_refundlimit SET amount = 0",
]
