"""The back office's lists beside a stock ModelAdmin, on few rows and on many.

Run as a process on one database, it is told "contestant page count" on its standard input and answers with the
milliseconds of each request: view, statements and template, without a network.
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

if __name__ == "__main__":
    django.setup()

from django.conf import settings
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import path

from payments.admin.keyset import Sort
from payments.models import Payment
from shop.urls import urlpatterns as site_urls
from tests.benchmarks.seeding import fill_lists

PER_PAGE = 50
OURS, STOCK = "/admin/payments/payment/", "/stock/payments/payment/"


class StockPaymentAdmin(admin.ModelAdmin):
    """What one writes first: the same columns, filters and search with Django's own means."""

    list_display = (
        "number",
        "order",
        "state",
        "amount",
        "captured_amount",
        "refunded_amount",
        "payment_method",
        "created_at",
    )
    list_filter = ("state", "payment_method")
    list_select_related = ("order", "payment_method")
    search_fields = ("number", "order__number", "order__email", "response_code")
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    list_per_page = PER_PAGE
    change_list_template = "admin/change_list.html"

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return True


stock_site = admin.AdminSite(name="stock")
stock_site.register(Payment, StockPaymentAdmin)
urlpatterns = [path("stock/", stock_site.urls), *site_urls]


def pages(rows: int) -> dict[str, tuple[str, str | None]]:
    """Page → the address of it with us, and with the stock admin, where that has such a page."""
    some = Payment.objects.select_related("order").order_by("created_at", "id")[rows // 2]
    newest = Sort("created_at").order()
    hundredth = Payment.objects.order_by(*newest)[PER_PAGE * 99 - 1]
    day = some.created_at.date()
    number, email = some.order.number, some.order.email
    method = some.payment_method_id
    return {
        "first": ("", ""),
        "page 100": (f"?after={Sort('created_at').encode(hundredth)}", "?p=100"),
        "last": ("?last=1", f"?p={-(-Payment.objects.count() // PER_PAGE)}"),
        "state: pending (1 %)": ("?state=pending", "?state__exact=pending"),
        "state: completed (95 %)": ("?state=completed", "?state__exact=completed"),
        "method and state": (
            f"?method={method}&state=completed",
            f"?payment_method__id__exact={method}&state__exact=completed",
        ),
        "created on one day": (
            f"?created_from={day}&created_to={day}",
            f"?created_at__day={day.day}&created_at__month={day.month}&created_at__year={day.year}",
        ),
        "search: order number": (f"?q={number}", f"?q={number}"),
        "search: e-mail": (f"?q={email}", f"?q={email}"),
        "search: nothing found": ("?q=XYZZY-7", "?q=XYZZY-7"),
        "view: to capture": ("?view=to_capture", None),
        "view: unknown": ("?view=unknown", None),
        "view: needs review": ("?view=review", None),
        "captured on one day": (f"?captured_from={day}&captured_to={day}", None),
        "amount over 490": ("?amount_from=490", None),
        "largest first": ("?o=-4", "?o=-4"),
    }


def main(rows: int) -> None:
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "noop": "tests.benchmarks.flow.NoopGateway"}
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    call_command("migrate", verbosity=0)
    fill_lists(sale(), rows)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    from django.contrib.auth.models import User

    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    addresses = pages(rows)
    print("ready", flush=True)
    print(
        ";".join(f"{name}|{'stock' if beside is not None else ''}" for name, (_, beside) in addresses.items()),
        flush=True,
    )
    for line in sys.stdin:
        name, contestant, count = line.strip().rsplit(" ", 2)
        ours, stock = addresses[name]
        address = OURS + ours if contestant == "ours" else f"{STOCK}{stock}"
        print(*[timed(client, address) for _ in range(int(count))], flush=True)


def sale() -> Payment:
    """One sale, authorized and captured through the verbs: the row that is multiplied."""
    from tests.benchmarks import flow

    ours = flow.CONTESTANTS["ours"]()
    payment: Payment = ours.create()
    ours.authorize(payment)
    ours.capture(payment)
    return payment


def timed(client: Client, address: str) -> float:
    started = time.perf_counter()
    response = client.get(address)
    spent = 1000 * (time.perf_counter() - started)
    if response.status_code != 200:
        raise SystemExit(f"{address}: {response.status_code}")
    return spent


if __name__ == "__main__":
    main(int(sys.argv[1]))
