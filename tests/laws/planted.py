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
CARD = "UPDATE payments_creditcard SET {}"
KEPT = "payment_method_id = (SELECT MIN(id) FROM payments_paymentmethod)"
WALLET = "UPDATE payments_walletentry SET {}"
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
    "invoice_one_main_per_order": ["UPDATE orders_invoice SET parent_id = NULL, operation_id = NULL, total = 1"],
    "invoice_credit_has_parent": ["UPDATE orders_invoice SET total = -1 WHERE parent_id IS NULL"],
    "invoice_of_refund_is_credit": ["UPDATE orders_invoice SET total = 1 WHERE operation_id IS NOT NULL"],
    "invoice_line_position": ["UPDATE orders_invoiceline SET invoice_id = %(invoice)s"],
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
    "credit_card_kept_once": [CARD.format(f"token = 'same', {KEPT}")],
    "wallet_entry_once": [WALLET.format("source_id = 1")],  # Two entries of one user.
    "wallet_one_default": [WALLET.format("is_default = (1 = 1)")],
    "wallet_entry_has_source": [WALLET.format("source_type = ''"), WALLET.format("source_id = NULL")],
    "reaction_once_per_fact": ["UPDATE payments_reaction SET topic = 'same'"],
}

# What is unique by itself: `unique=True` and one-to-one.
UNIQUE: dict[str, str] = {
    "orders_order.number": "UPDATE orders_order SET number = 'R1'",
    "orders_invoice.number": "UPDATE orders_invoice SET number = '2026-1'",
    "orders_invoice.operation_id": "UPDATE orders_invoice SET total = -1, parent_id = %(invoice)s, operation_id = "
    "(SELECT id FROM payments_operation WHERE payment_id = %(payment)s AND sequence = 2)",
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
    "UPDATE orders_invoice SET total = 0 WHERE parent_id IS NULL",  # An order for nothing.
    "UPDATE orders_invoice SET operation_id = NULL, total = 5 WHERE parent_id IS NOT NULL",  # A change of the order.
    "UPDATE payments_refundlimit SET amount = 0",
    CARD.format("token = 'same'"),  # Bogus gives all its cards one of two tokens, and keeps none of them.
    CARD.format(f"token = '', {KEPT}"),
    WALLET.format("is_default = (1 = 0)"),
]
