"""Import the bundled orders into a database of its own, and tell what can become of an order and its money."""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from rich.console import Console

from orders.models import Order
from payments.actors import Actor, Origin
from payments.money import from_minor
from shop.demo import survival
from shop.demo.page import LEFT, RIGHT, Page
from shop.demo.reckoning import reckon
from shop.demo.story import Story

FILE_NAME = "demo.sqlite3"
NEXT = """
What to try next:
  make run                        a shop with an admin: http://127.0.0.1:8000
  manage.py import_orders FILE    your own orders (format: examples/README.md)
  manage.py import_orders examples/orders-bad.jsonl --dry-run
                                  what is wrong with a file, line by line
  manage.py deliver_reactions     send what was left over, mails for example
  make test                       all tests, on SQLite and on PostgreSQL
Without make: .venv/bin/python manage.py load_demo_shop, serve_demo_shop, ..."""


class Command(BaseCommand):
    help = (
        f"Imports the bundled orders into a fresh {FILE_NAME} and tells what can become of an order and its money. "
        "The site's own database is not touched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        root = Path(settings.BASE_DIR)
        parser.add_argument("--orders", type=Path, metavar="FILE", default=root / "examples" / "orders.jsonl")
        parser.add_argument(
            "--database", type=Path, metavar="PATH", default=root / FILE_NAME, help=f"a file named {FILE_NAME}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        orders, database = options["orders"].resolve(), options["database"].resolve()
        if database.name != FILE_NAME:
            raise CommandError(f"The demo wipes its database, so it takes only a file that is named {FILE_NAME}.")
        if not orders.is_file():
            raise CommandError(f"There is no file {orders}.")
        if connection.vendor != "sqlite" or Path(connection.settings_dict["NAME"]) != database:
            start_again(orders, database, no_color=options["no_color"])
            return
        prepare(database)
        page = Page(Console(file=cast("IO[str]", self.stdout), markup=False, highlight=False, emoji=False))
        import_orders(page, orders)
        clerk = Actor(Origin.STAFF, User.objects.create_user("mira", is_staff=True))
        Story(page, clerk=clerk).tell()
        if not survival.tell(page, clerk=clerk):
            raise CommandError("Our books and the provider's differ: that is a bug. Please report it with this output.")
        show_letter(page)
        show_reckoning(page)
        self.stdout.write(NEXT)


def start_again(orders: Path, database: Path, *, no_color: bool) -> None:
    """Run the demo in a process of its own, whose only database is the demo's and which sends no mail."""
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{quote(str(database))}",
        "EMAIL_URL": "memorymail://",
        "DEBUG": "false",  # Else Django keeps every statement.
        "SECRET_KEY": secrets.token_hex(32),
        "LOG_LEVEL": "ERROR",  # The story is told on the page.
        "PUBLIC_ORIGIN": "",  # Nobody listens for notices, but in the chapters about them.
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "false",
    }
    if no_color:
        environment["NO_COLOR"] = "1"
    manage = Path(settings.BASE_DIR) / "manage.py"
    command = [sys.executable, str(manage), "demo", "--orders", str(orders), "--database", str(database)]
    code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 (our own command)
    if code:
        sys.exit(code)


def prepare(database: Path) -> None:
    """A fresh database; it is thrown away next time, so it does not wait for the disk."""
    connection.close()
    for ending in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + ending).unlink(missing_ok=True)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")


def import_orders(page: Page, orders: Path) -> None:
    page.chapter(
        "The orders of a week",
        f"Every order in {orders.name} is built and put through checkout. Cards are authorized, or charged at once; "
        "some are declined; checks are awaited.",
    )
    answer = io.StringIO()
    try:
        call_command("import_orders", str(orders), as_json=True, stdout=answer)
    except CommandError as error:
        if not answer.getvalue():
            raise
        page.say(str(error))
    found = json.loads(answer.getvalue())
    kinds = ("authorized", "captured", "declined", "awaiting_check")
    columns = [("currency", LEFT), ("orders", RIGHT), *((kind.replace("_", " "), RIGHT) for kind in kinds)]
    rows = [
        (code, str(sums["orders"]), *(_amount(sums[kind]["amount_minor"], code) for kind in kinds))
        for code, sums in found["currencies"].items()
    ]
    page.table(columns, rows)
    states = Order.objects.values_list("payment_state", flat=True)
    counts = {state: list(states).count(state) for state in sorted(set(states))}
    words = ", ".join(f"{count} {state.replace('_', ' ') or 'not complete'}" for state, count in counts.items())
    page.say(f"{found['imported']} orders: {words}.")


def show_letter(page: Page) -> None:
    letters = getattr(mail, "outbox", [])
    page.chapter(
        "The letters",
        "Each completed order is confirmed to its customer once, after the fact: a mail server that is down never "
        f"costs a payment. {len(letters)} letters were written (the demo sends none). The last one:",
    )
    if letters:
        last = letters[-1]
        page.letter(f"To: {last.to[0]}\nSubject: {last.subject}\n\n{last.body.strip()}")


def show_reckoning(page: Page) -> None:
    """Raises CommandError if the sums differ."""
    page.chapter(
        "The reckoning",
        "The money that the shop has, counted three times: from the operations that succeeded, from the payments "
        "(captured − refunded), and from the orders (payment_total).",
    )
    found = reckon()
    columns = [("currency", LEFT), ("captured", RIGHT), ("refunded", RIGHT)]
    columns += [("operations", RIGHT), ("payments", RIGHT), ("orders", RIGHT), ("agree", LEFT)]
    rows = [
        (
            each.currency,
            each.text(each.captured),
            each.text(each.refunded),
            each.text(each.by_operations),
            each.text(each.by_payments),
            each.text(each.by_orders),
            "yes" if each.agree else "NO",
        )
        for each in found
    ]
    page.table(columns, rows)
    if not all(each.agree for each in found):
        raise CommandError("The sums differ: that is a bug. Please report it with this output.")
    page.say("Every cent is explained.")


def _amount(amount_minor: int, currency: str) -> str:
    return f"{from_minor(amount_minor, currency).amount:,}" if amount_minor else "–"
