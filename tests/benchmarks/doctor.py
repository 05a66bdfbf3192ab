"""The doctor over many payments: a process on one database that fills it, looks it over, and says time and memory.

Run as `python -m tests.benchmarks.doctor ROWS`. Of ten payments seven were authorized and captured, one was taken at
once and given back in part, one captured in part, one voided; three are wrong, and are to be found.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ["DEBUG"] = "false"
os.environ.setdefault("SECRET_KEY", "benchmarks-only")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from orders.doctor import CHECKS as OF_ORDERS  # noqa: E402
from orders.models import Order  # noqa: E402
from payments.doctor import CHECKS as OF_PAYMENTS  # noqa: E402
from payments.models import CreditCard, Payment, PaymentMethod  # noqa: E402
from tests.benchmarks.memory import peak  # noqa: E402
from tests.benchmarks.seeding import move_sequences, multiply  # noqa: E402

WRONG = 3


def main(rows: int) -> None:
    call_command("migrate", verbosity=0)
    settings.REACTIONS = {}
    started = time.perf_counter()
    fill(rows)
    print(f"{Payment.objects.count():,} payments were made in {time.perf_counter() - started:.0f} s.", flush=True)
    first = Payment.objects.filter(number__startswith="A").order_by("pk").values_list("pk", flat=True)[:WRONG]
    Payment.objects.filter(pk__in=list(first)).update(authorized_amount="1000")
    before, began, found = peak(), time.perf_counter(), 0
    for check in (*OF_PAYMENTS, *OF_ORDERS):
        started = time.perf_counter()
        findings = sum(1 for _finding in check.run())
        found += findings
        print(f"  {check.name:<20} {time.perf_counter() - started:6.1f} s  {findings} found", flush=True)
    total = time.perf_counter() - began
    print(f"{total:.0f} s in all; peak memory {peak():.0f} MB, {before:.0f} MB of it before; {found} findings.")
    if found != WRONG:
        sys.exit(f"{WRONG} were planted.")


def fill(rows: int) -> None:
    """Seven tenths, and three times a tenth, of `rows` orders, each with a line, its payment and operations."""
    method = PaymentMethod.objects.create(name="Card", gateway="bogus", auto_capture=False)
    captured = sell(method)
    captured.capture()
    refunded = sell(method, purchase=True)
    refunded.refund("10")
    part = sell(method)
    part.capture("40")
    voided = sell(method)
    voided.void_transaction()
    tables = ["orders_order", "orders_lineitem", "payments_payment", "payments_operation", "payments_refund"]
    for number, (payment, tenths) in enumerate(((captured, 7), (refunded, 1), (part, 1), (voided, 1)), start=1):
        multiply(Payment.objects.get(pk=payment.pk), rows * tenths // 10, "ZABCD"[number], base=10_000_000 * number)
    move_sequences(*tables)


def sell(method: PaymentMethod, *, purchase: bool = False) -> Payment:
    order = Order.objects.create(email="ada@example.com", currency="USD")
    order.add_line("Tee", unit_price="100.00")
    order.advance()
    card: Any = CreditCard.objects.create(token="BGS-approves", brand="visa", last_four="1111", month=12, year=2030)
    payment = order.add_payment(method, source=card)
    if purchase:
        payment.purchase()
    order.complete()
    return Payment.objects.get(pk=payment.pk)


if __name__ == "__main__":
    main(int(sys.argv[1]))
