"""The storefront's pages under gunicorn, side by side with a bare view of one template and one statement.

    python -m tests.with_postgres --durable python -m tests.benchmarks.storefront

Two sync workers, eight clients; in a round each page is asked for as often, in turn with the order rotating. The
visitor is a guest with three things in the cart who has come as far as the last step of checkout. First with the dozen
products of the demo shop, then with many.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from typing import Any

from tests.benchmarks import storefront_site  # Sets Django up on DATABASE_URL.

SITE = f"{storefront_site.__name__}:application"

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from rich.table import Table  # noqa: E402

from orders.models import Order  # noqa: E402
from payments.models import PaymentMethod  # noqa: E402
from shop import cart  # noqa: E402
from shop.demo.goods import GOODS, load_goods  # noqa: E402
from shop.models import Product, ProductPrice  # noqa: E402
from tests.benchmarks.serving import Request, ask, served  # noqa: E402
from tests.benchmarks.tables import console, spread  # noqa: E402
from tests.counting import statements  # noqa: E402
from tests.shop.storefront import Customer  # noqa: E402

BARE = "bare view"
FEW = len(GOODS)
MOST_STATEMENTS = 12
# Page → its address, and whether it is a visitor's who has come this far, or a newcomer's.
PAGES = {
    BARE: ("/bare/", False),
    "home, newcomer": ("/", False),
    "home": ("/", True),
    "search": ("/?q=cotton", True),
    "category": ("/c/kitchen/", True),
    "product": ("/p/cotton-tee/", True),
    "cart": ("/cart/", True),
    "address": ("/checkout/address/", True),
    "delivery": ("/checkout/delivery/", True),
    "payment": ("/checkout/payment/", True),
    "confirm": ("/checkout/confirm/", True),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=150, help="of each page in a round")
    parser.add_argument("--products", type=int, default=1_000, help="products in the larger shop")
    options = parser.parse_args()
    guest, user = prepare()
    connection.close()
    with served(SITE) as port:
        for products in sorted({FEW, max(FEW, options.products)}):
            stock_up(products)
            counts = {page: (count(page, guest), count(page, user)) for page in PAGES}
            connection.close()
            rates, late = measure(port, guest, options)
            report(products, counts, rates, late)


def prepare() -> tuple[Customer, Customer]:
    """The demo shop, and two visitors at the last step of checkout: a guest, and one with an account."""
    call_command("migrate", verbosity=0)
    load_goods()
    PaymentMethod.objects.create(name="Card", code="card", gateway="bogus", auto_capture=True)
    PaymentMethod.objects.create(name="Check", code="check", gateway="check", position=1)
    user = User.objects.create_user("grace", "grace@example.com")
    return walk(Customer()), walk(Customer(user), user)


def walk(customer: Customer, user: User | None = None) -> Customer:
    tee, mug, *_others = (Product.objects.get(slug=slug) for slug in ("cotton-tee", "enamel-mug"))
    order = customer.take(tee, 2, user=user)
    cart.add(order, mug)
    for step, take in (
        ("address", customer.address),
        ("delivery", lambda: customer.delivery("standard")),
        ("payment", customer.pay_by),
    ):
        answer = take()
        if answer.status_code != 302:
            raise SystemExit(f"{step} answered {answer.status_code}:\n{answer.content.decode()}")
    assert Order.objects.get(pk=order.pk).state == Order.State.CONFIRM
    return customer


def stock_up(products: int) -> None:
    """So many products on offer: copies of the dozen under other names, each with its prices."""
    models = list(Product.objects.filter(slug__in=[goods.slug for goods in GOODS]).order_by("position"))
    prices = {product.pk: list(product.prices.all()) for product in models}
    made, asked = [], []
    for number in range(Product.objects.count(), products):
        model = models[number % len(models)]
        facts = {"category_id": model.category_id, "description": model.description, "drawing": model.drawing}
        copy = Product(name=f"{model.name} {number}", slug=f"{model.slug}-{number}", position=number, stock=9, **facts)
        copy.sku = copy.slug.upper()
        made.append(copy)
        asked.append(prices[model.pk])
    Product.objects.bulk_create(made)
    ProductPrice.objects.bulk_create(
        ProductPrice(product=copy, currency=price.currency, amount=price.amount.amount)
        for copy, labels in zip(made, asked, strict=True)
        for price in labels
    )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def count(page: str, customer: Customer) -> int:
    """Statements for this page, once everything that is kept in memory is there."""
    address, is_known = PAGES[page]
    client = customer.client if is_known else Client()
    client.get(address)
    with statements() as ran:
        answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    return len(ran)


def measure(port: int, guest: Customer, options: argparse.Namespace) -> tuple[Any, Any]:
    """Page → requests a second of each round, and page → the milliseconds of its slowest hundredth."""
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in guest.client.cookies.items())
    rates: dict[str, list[float]] = defaultdict(list)
    late: dict[str, list[float]] = defaultdict(list)
    names = list(PAGES)
    for round_number in range(options.rounds + 1):  # The first warms up.
        turn = round_number % len(names)
        for page in names[turn:] + names[:turn]:
            address, is_known = PAGES[page]
            request = Request(address, headers={"Cookie": cookies} if is_known else {})
            rate, times = ask(port, [request] * options.requests)
            if round_number:
                rates[page].append(rate)
                late[page].append(times[int(len(times) * 0.99)])
    return rates, late


def report(products: int, counts: dict[str, tuple[int, int]], rates: Any, late: Any) -> None:
    columns = ("", "statements: guest", "with account", "requests/s", "of the bare view", "p99 ms")
    table = Table(*columns, title=f"PostgreSQL: the storefront with {products:,} products")
    for page, (guest, user) in counts.items():
        ratio = [mine / bare for mine, bare in zip(rates[page], rates[BARE], strict=True)]
        late_text = f"{statistics.median(late[page]):.0f}"
        table.add_row(page, str(guest), str(user), spread(rates[page], 0), spread(ratio), late_text)
    console.print(table)
    most = max(max(each) for each in counts.values())
    console.print(f"The dearest page takes {most} statements; at most {MOST_STATEMENTS} are allowed.\n")


if __name__ == "__main__":
    main()
