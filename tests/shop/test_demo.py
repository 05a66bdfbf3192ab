"""The demo: a story from a file of orders in a database of its own, and a shop to look at."""

import fcntl
import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from rich.console import Console

from orders.models import Order
from payments.models import Operation, Payment, PaymentMethod, RefundReason
from shop.demo.page import Page
from shop.demo.reckoning import reckon
from shop.demo.story import NoSuchOrder, Story

ADDRESS = {"name": "Ada Byron", "address1": "12 Marylebone Rd", "address2": "", "city": "London", "state": ""} | {
    "zip": "NW1 5JX",
    "country": "GB",
    "phone": "",
}
CARDS = {"good": "4111111111111111", "refused": "4000000000000002"}


def line(number, currency, price, method="card", card="good"):
    zero = "0" if currency == "JPY" else "0.000" if currency == "KWD" else "0.00"
    payment = {"method": method}
    if method != "check":
        payment["card"] = {"number": CARDS[card], "verification_value": "123", "month": 12, "year": 2030, "name": "A"}
    return {
        "number": f"R{number:09d}",
        "email": "ada@example.org",
        "currency": currency,
        "ip": "203.0.113.9",
        "locale": "en_GB",
        "placed_at": "2026-11-14T08:05:52+00:00",
        "lines": [{"sku": "TEE", "name": "Tee", "quantity": 1, "unit_price": price}],
        "shipment_total": zero,
        "additional_tax_total": zero,
        "included_tax_total": zero,
        "promo_total": zero,
        "promo_code": "",
        "item_total": price,
        "total": price,
        "bill_address": ADDRESS,
        "ship_address": ADDRESS,
        "payment": payment,
    }


ORDERS = [
    line(1, "USD", "20.00"),
    line(2, "JPY", "3600"),
    line(3, "KWD", "9.125"),
    line(4, "EUR", "30.01"),
    line(5, "BRL", "40.00"),
    line(6, "GBP", "26.60"),
    line(7, "CAD", "70.00"),
    line(8, "USD", "22.61"),
    line(9, "EUR", "15.00", card="refused"),
    line(10, "SEK", "351.22", "card-autocapture"),
    line(11, "PLN", "51.90", "card-autocapture"),
    line(12, "USD", "78.28", "check"),
]


def run(folder, *arguments, **environment):
    """The command as a person gives it, with a database of theirs in the environment."""
    names = {"DATABASE_URL": f"sqlite:///{folder / 'theirs.sqlite3'}", "DEBUG": "true", **environment}
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *map(str, arguments)]
    known = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR", "EMAIL_URL")}
    return subprocess.run(command, env={**known, **names}, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="session")
def told(tmp_path_factory):
    """The whole demo, once for all tests, also where they are spread over processes: the first to come tells it."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "demo"
    folder.mkdir(exist_ok=True)
    kept = folder / "told.json"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            orders = folder / "orders.jsonl"
            orders.write_text("".join(json.dumps(each) + "\n" for each in ORDERS))
            result = run(folder, "demo", "--orders", orders, "--database", folder / "demo.sqlite3")
            kept.write_text(json.dumps([result.returncode, result.stdout, result.stderr]))
    code, out, err = json.loads(kept.read_text())
    return folder, subprocess.CompletedProcess([], code, out, err)


@pytest.mark.slow
def test_it_ends_well_and_says_what_to_try_next(told):
    _folder, result = told
    assert (result.returncode, result.stderr) == (0, "")
    for words in ("Every cent is explained.", "make run", "manage.py import_orders FILE", "examples/README.md"):
        assert words in result.stdout


@pytest.mark.slow
def test_it_has_every_chapter(told):
    titles = re.findall(r"(?m)^\d+\. (.+?) *$", told[1].stdout)
    assert titles == [
        "The orders of a week",
        "Authorized",
        "Captured",
        "Partly captured",
        "More than there is",
        "Declined",
        "Voided",
        "Partly refunded",
        "Canceled",
        "A check arrives",
        "A lost answer",
        "See it survive",
        "A challenge, and a browser that is closed",
        "Notices that go wrong",
        "The letters",
        "The reckoning",
    ]
    assert "This file has no order" not in told[1].stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "row",
    [
        r"1 +authorize +\$20\.00 +succeeded +batch +bogus-\w{8}-authorize-1",
        r"2 +capture +¥3,600 +succeeded +mira \(staff\) +bogus-\w{8}-capture-2",
        r"2 +capture +KWD 4\.562 +succeeded",
        r"Refused: 80\.00 BRL is more than the 40\.00 there is\.",
        r"R000000009 +payment +– +€15\.00 +€0\.00 +€15\.00",
        r"1 +authorize +€15\.00 +declined +batch +–",
        r"R000000009 +complete +balance_due",
        r"2 +void +£26\.60 +succeeded",
        r"2 +refund +SEK 175\.61 +succeeded",
        r"R000000007 +canceled +void +CA\$70\.00 +CA\$0\.00",
        r"2 +refund +PLN 51\.90 +succeeded",
        r"R000000012 +complete +paid +\$78\.28 +\$78\.28 +\$0\.00",
        r"2 +capture +\$22\.61 +unknown +mira \(staff\) +–",
        r"Stopped: Payment \w{8}: capture of \$22\.61, asked by mira \(staff\)",
        r"2 +capture +\$22\.61 +succeeded +mira \(staff\) +bogus-\w{8}-capture-2",
        r"EUR +261\.00 +0\.00 +261\.00 +261\.00 +261\.00 +yes",
        r"SEK +351\.22 +175\.61 +175\.61 +175\.61 +175\.61 +yes",
        r"the request is lost +lost_request +unknown +canceled",
        r"the answer is lost +lost_answer +unknown +succeeded",
        r"the answer comes too late +late_answer +unknown +succeeded",
        r"half the answer arrives +truncated_body +unknown +succeeded",
        r"503, nothing done +error_before +unknown +canceled",
        r"500, and it was done +error_after +unknown +succeeded",
        r"429, come back in 1 s +rate_limited +succeeded +succeeded",
        r"another amount is told +wrong_amount +succeeded +succeeded",
        r"another currency is told +wrong_currency +unknown +succeeded",
        r"a status nobody knows +unknown_status +unknown +succeeded",
        r"lost_request: captured again, €20\.10",
        r"10 orders, €246\.00\. Our books: €246\.00 captured\. The provider's: €246\.00\.",
        r"1 +purchase +CHF 119\.00 +waiting +checkout",
        r"\w+ +complete +paid +CHF 119\.00 +CHF 119\.00 +CHF 0\.00",
        r"1 +purchase +CHF 119\.00 +succeeded +checkout",
        r"it comes twice +webhook_duplicate +200, 200 +the notice",
        r"its refund's comes first +webhook_reordered +200, 200 +the notice",
        r"it comes before the answer +webhook_early +200 +the notice",
        r"it never comes +webhook_missing +– +recovery",
        r"a stranger has signed it +webhook_bad_signature +400, 200 +the notice",
        r"Our books: CHF 271\.50 kept\. The provider's: CHF 271\.50\.",
        r"(2[89]|[3-9]\d) letters were written",
    ],
)
def test_it_shows_what_became_of_the_money(told, row):
    assert re.search(row, told[1].stdout.replace("\N{NO-BREAK SPACE}", " "))


@pytest.mark.slow
def test_it_is_readable_in_a_pipe(told):
    """At 80 columns, without colour."""
    assert "\x1b" not in told[1].stdout
    assert max(len(row) for row in told[1].stdout.splitlines()) <= 80


@pytest.mark.slow
def test_it_leaves_their_database_alone(told):
    assert not (told[0] / "theirs.sqlite3").exists()
    assert (told[0] / "demo.sqlite3").exists()


@pytest.mark.drill
def test_it_can_be_told_again(told):
    folder, before = told
    result = run(folder, "demo", "--orders", folder / "orders.jsonl", "--database", folder / "demo.sqlite3")
    assert result.returncode == 0
    assert len(result.stdout) == len(before.stdout)


def test_a_database_with_another_name_is_never_wiped(tmp_path):
    theirs = tmp_path / "shop.sqlite3"
    theirs.write_text("precious")
    with pytest.raises(CommandError, match=r"named demo\.sqlite3"):
        call_command("demo", "--database", theirs)
    assert theirs.read_text() == "precious"


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"There is no file .*nothing\.jsonl"):
        call_command("demo", "--orders", tmp_path / "nothing.jsonl", "--database", tmp_path / "demo.sqlite3")


@pytest.mark.django_db
def test_a_chapter_without_an_order_is_passed_over():
    text = StringIO()
    story = Story(Page(Console(file=text)), clerk=None)
    with pytest.raises(NoSuchOrder):
        story.take("pending")
    story.tell()
    assert text.getvalue().count("(This file has no order with a") == 10


# The demo shop


@pytest.fixture
def development(settings):
    settings.DEBUG = True


def load():
    out = StringIO()
    call_command("load_demo_shop", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_demo_shop_has_orders_in_all_states(development):
    said = load()
    assert "The shop has 14 orders" in said
    assert "user admin, password admin" in said
    assert User.objects.get(is_superuser=True).username == "admin"
    assert set(PaymentMethod.objects.values_list("code", "gateway", "auto_capture")) == {
        ("card", "bogus", False),
        ("card-autocapture", "bogus", True),
        ("check", "check", None),
        ("simulator", "simulator", False),
    }
    assert all(method.config_problems() == {} for method in PaymentMethod.objects.all())
    assert RefundReason.objects.filter(active=True).count() >= 4
    assert set(Order.objects.values_list("state", flat=True)) == {"address", "payment", "complete", "canceled"}
    assert set(Order.objects.values_list("payment_state", flat=True)) == {"", "balance_due", "paid", "failed", "void"}
    states = {"checkout", "processing", "pending", "completed", "failed", "void"}
    assert set(Payment.objects.values_list("state", flat=True)) == states
    assert Operation.objects.filter(state="unknown").count() == 1
    assert all(sums.agree for sums in reckon())


@pytest.mark.django_db(transaction=True)
def test_customers_who_do_not_exist_get_no_letters(development):
    load()
    assert mail.outbox == []


@pytest.mark.django_db
def test_loading_it_twice_changes_nothing(development):
    load()
    PaymentMethod.objects.filter(code="card").update(name="Our card", auto_capture=None)
    said = load()
    assert "The shop has 14 orders" in said and "password admin" in said
    assert User.objects.count() == 5
    assert PaymentMethod.objects.get(code="card").name == "Our card"


@pytest.mark.django_db
def test_their_superuser_stays_the_only_one(development):
    User.objects.create_superuser("root", "root@example.com", "a better secret")
    assert "log in as a superuser of yours" in load()
    assert User.objects.get(is_superuser=True).username == "root"


@pytest.mark.django_db
def test_a_shop_that_sells_gets_no_open_door(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG=true only"):
        load()
    assert not User.objects.exists()
    assert not Order.objects.exists()
