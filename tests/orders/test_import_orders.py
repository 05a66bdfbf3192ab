"""`manage.py import_orders`: every order once, every bad line named, and what a kill left is taken up again."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders.import_fields import BadLine
from orders.import_lines import read_order
from orders.importing import Outcome, build, import_order, payment_method
from orders.models import Address, Order
from payments.gateways.base import Response
from payments.gateways.bogus import BogusGateway
from payments.models import CreditCard, Operation, Payment, PaymentMethod
from tests.orders.import_files import BAD, GOOD, line_of, write

DECLINED = "4242424242424242"

WRONG = {
    1: ("", "not JSON"),
    2: ("currency", "“XXX” is not a currency"),
    3: ("email", "no e-mail address"),
    4: ("lines", "empty"),
    5: ("lines[0].quantity", "from 1 to"),
    6: ("total", "= 606.90"),
    7: ("lines[0].unit_price", "finer than JPY allows"),
    8: ("payment.card.number", "check digit"),
    9: ("payment.card.month", "from 1 to 12"),
    10: ("payment.method", "card, card-autocapture, check"),
    11: ("bill_address.country", "“ZZ” is no ISO 3166 country code"),
    12: ("total", "“NaN” is no amount"),
    13: ("lines[0].unit_price", "“1e400” is no amount"),
    14: ("email", "Shorten it to 254"),
    15: ("lines[0].name", "U+0000"),
    18: ("", "a list"),
}


def run(file: Path | str, *options: str) -> dict[str, Any]:
    """What the import says in JSON, `errors_shown` included, also when it ends with an error."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_orders", str(file), "--json", *options, stdout=out, stderr=err)
        code = 0
    except CommandError as error:
        code = error.returncode
    said: dict[str, Any] = json.loads(out.getvalue())
    return said | {"code": code, "errors_shown": err.getvalue().splitlines()}


def counts(said: Mapping[str, Any]) -> tuple[int, int, int, int]:
    return said["imported"], said["already_there"], said["taken_up"], said["bad"]


def sums_in(file: Path) -> dict[str, dict[str, Decimal]]:
    """What a file should come to, by the numbers that Solidus's bogus gateway is known to decline."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for order in map(json.loads, file.read_text().splitlines()):
        payment = order["payment"]
        number = payment.get("card", {}).get("number")
        if number in ("4000000000000002", DECLINED):
            kind = "declined"
        else:
            ways = {"card": "authorized", "card-autocapture": "captured", "check": "awaiting_check"}
            kind = ways[payment["method"]]
        sums[order["currency"]][kind] += Decimal(order["total"])
        sums[order["currency"]][f"{kind}_payments"] += 1
    return sums


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.drill)], ids=["every seventh", "all"])
def test_the_thousand_orders_are_imported_once_and_come_to_the_right_sums(tmp_path, step):
    lines = GOOD.read_bytes().splitlines()[::step]
    file = write(tmp_path, *lines)
    first = run(file)
    assert counts(first) == (len(lines), 0, 0, 0) and first["code"] == 0 and not first["errors_shown"]

    expected = sums_in(file)
    assert set(first["currencies"]) == set(expected) and len(expected) == 10
    decimals = {"JPY": 0, "KWD": 3}
    for currency, said in first["currencies"].items():
        places = decimals.get(currency, 2)
        for kind in ("authorized", "captured", "declined", "awaiting_check"):
            amount = expected[currency][kind]
            assert said[kind]["payments"] == expected[currency][f"{kind}_payments"]
            assert said[kind]["amount"] == f"{amount:.{places}f}"
            assert said[kind]["amount_minor"] == int(amount * 10**places)
        assert said["payment_states"].get("incomplete", 0) == expected[currency]["declined_payments"]
    assert not Payment.objects.filter(state="processing").exists()

    second = run(file)
    assert counts(second) == (0, len(lines), 0, 0)
    assert second["currencies"] == first["currencies"]
    found = Order.objects.count(), Payment.objects.count(), Address.objects.count()
    assert found == (len(lines), len(lines), 2 * len(lines))


@pytest.mark.django_db
def test_each_bad_line_is_named_with_its_field_and_the_good_ones_are_imported():
    said = run(BAD)
    assert said["code"] == 1
    assert counts(said) == (2, 1, 0, 16) and said["lines"] == 19
    assert {error["line"]: error["field"] for error in said["errors"]} == {
        line: field for line, (field, _) in WRONG.items()
    }
    for error, shown in zip(said["errors"], said["errors_shown"], strict=True):
        field, hint = WRONG[error["line"]]
        assert hint in error["message"]
        assert shown.startswith(f"line {error['line']}: {field}:" if field else f"line {error['line']}: ")
    assert "4111" not in " ".join(said["errors_shown"])  # A wrong card number is still a card number.
    assert sorted(Order.objects.values_list("number", flat=True)) == ["R390905752", "R909310620"]
    assert (Address.objects.count(), CreditCard.objects.count(), Payment.objects.count()) == (4, 2, 2)


@pytest.mark.django_db
def test_a_file_of_bad_lines_leaves_no_row_at_all(tmp_path):
    run(write(tmp_path, *BAD.read_bytes().splitlines()[:15]))
    for model in (Order, Address, CreditCard, Payment, PaymentMethod):
        assert not model.objects.exists()


@pytest.mark.django_db
def test_an_order_is_kept_as_the_file_has_it():
    changes = {
        "shipment_total": "10.00",
        "additional_tax_total": "5.00",
        "promo_total": "-60.69",
        "promo_code": "TIDE10",
        "total": "561.21",
        "placed_at": "2026-11-14T09:05:52.000001+01:00",
    }
    order, outcome = import_order(read_order(line_of(**changes)))
    assert outcome == Outcome.IMPORTED and order.state == "complete"
    order.refresh_from_db()
    assert order.created_at == datetime(2026, 11, 14, 8, 5, 52, 1, tzinfo=UTC)
    assert (order.email, order.last_ip_address) == (
        "buyer0000@example.org",
        "adf3:65fe:16c9:e362:a73a:42fe:f410:34bc",
    )
    assert str(order.total.amount) == "561.21" and order.bill_address.city == "Karlstad"
    rows = {kind: (label, str(amount.amount)) for kind, label, amount in adjustments_of(order)}
    assert rows == {
        "shipping": ("Shipping", "10.00"),
        "tax": ("Tax", "5.00"),
        "included_tax": ("Tax included", "109.44"),
        "promotion": ("Promotion TIDE10", "-60.69"),
    }
    operation = Operation.objects.get()
    assert (operation.kind, operation.state, operation.origin) == ("authorize", "succeeded", "batch")
    card = operation.payment.source
    assert (card.last_four, card.month, card.year, card.name) == ("4444", 2, 2028, "Rune Eriksson-Arvidsson")


def adjustments_of(order: Order) -> list[tuple[str, str, Any]]:
    return [(each.kind, each.label, each.amount) for each in order.adjustments.all()]


@pytest.mark.django_db
def test_amounts_of_zero_make_no_row_and_an_order_for_nothing_takes_no_payment():
    changes = {"lines.0.unit_price": "0.00", "item_total": "0", "included_tax_total": "0", "total": "-0.00"}
    order, _ = import_order(read_order(line_of(**changes)))
    assert order.state == "complete" and order.payment_state == "paid"
    assert not order.adjustments.exists() and not order.payments.exists()
    assert import_order(read_order(line_of(**changes)))[1] == Outcome.ALREADY_THERE


@pytest.mark.django_db
@pytest.mark.parametrize("price", ["999999999999999.99", "123456789012345.67", "100000000000.00"])
def test_what_the_database_would_round_is_refused_and_leaves_no_row(price):
    changes = {"lines.0.unit_price": price, "lines.0.quantity": 1, "item_total": price, "total": price}
    with pytest.raises(BadLine, match="more than an account can hold"):
        import_order(read_order(line_of(**changes)))
    assert not Address.objects.exists()


@pytest.mark.django_db
def test_a_declined_card_is_a_result_and_is_not_asked_again(tmp_path):
    file = write(tmp_path, line_of(**{"payment.card.number": DECLINED}))
    said = run(file)
    assert counts(said) == (1, 0, 0, 0) and said["code"] == 0
    assert said["currencies"]["SEK"]["declined"]["amount"] == "606.90"
    assert Order.objects.get().state == "payment" and Payment.objects.get().state == "failed"
    assert counts(run(file)) == (0, 1, 0, 0)
    assert Operation.objects.count() == 1


@pytest.mark.django_db
def test_another_order_under_the_same_number_is_a_bad_line(tmp_path):
    Order.objects.create(number="R390905752", email="ada@example.com", currency="USD")
    said = run(write(tmp_path, line_of()))
    assert [error["field"] for error in said["errors"]] == ["number"]
    assert Order.objects.get().state == "cart"


@pytest.mark.django_db
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_number_used_twice_in_one_file_is_a_bad_line(tmp_path, options):
    said = run(write(tmp_path, line_of(), line_of(placed_at="2026-11-15T08:05:52Z")), *options)
    assert counts(said) == (1, 0, 0, 1)
    assert (said["errors"][0]["line"], said["errors"][0]["field"]) == (2, "number")


@pytest.mark.django_db
@pytest.mark.parametrize("used", [{"auto_capture": True}, {"gateway": "check"}, {"config": {"outag": True}}])
def test_a_payment_method_that_would_do_something_else_is_refused(tmp_path, used):
    PaymentMethod.objects.create(**{"name": "Ours", "code": "card", "gateway": "bogus"} | used)
    said = run(write(tmp_path, line_of()))
    assert [error["field"] for error in said["errors"]] == ["payment.method"]
    assert run(write(tmp_path, line_of()), "--dry-run")["errors"] == said["errors"]
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_a_dry_run_writes_nothing_and_says_what_would_happen():
    said = run(BAD, "--dry-run")
    assert said["dry_run"] and said["code"] == 1
    assert counts(said) == (2, 1, 0, 16)
    assert said["currencies"]["SEK"]["authorized"] == {
        "payments": 2,
        "amount": "1213.80",
        "amount_minor": 121380,
    }
    for model in (Order, Address, CreditCard, Payment, PaymentMethod):
        assert not model.objects.exists()


@pytest.mark.django_db
def test_the_summary_shows_each_currency_with_its_own_decimals(tmp_path):
    yen = {"currency": "JPY", "number": "R1", "lines.0.unit_price": "1500", "payment.method": "card-autocapture"}
    yen |= {"item_total": "3000", "total": "3000", "included_tax_total": "0"}
    out = io.StringIO()
    call_command("import_orders", str(write(tmp_path, line_of(), b"", line_of(**yen))), stdout=out)
    assert "¥3,000 (1)" in out.getvalue() and "606.90 (1)" in out.getvalue()
    assert "2 orders read: 2 imported, 0 already there, 0 taken up again, 0 bad." in out.getvalue()


@pytest.mark.django_db
def test_standard_input_is_read_for_a_hyphen(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + line_of() + b"\r\n\r\n")))
    assert counts(run("-")) == (1, 0, 0, 0)


@pytest.mark.parametrize("missing", ["nowhere.jsonl", ""])
def test_a_file_that_cannot_be_read_is_a_plain_error(tmp_path, missing):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_orders", str(tmp_path / missing))


# Killed, and run again


@pytest.mark.django_db(transaction=True)
def test_an_order_built_and_left_is_taken_up(tmp_path, mailoutbox, capsys):
    data = read_order(line_of())
    build(data, payment_method(data.method))
    file = write(tmp_path, line_of())
    assert counts(run(file, "--dry-run")) == (0, 0, 1, 0)
    said = run(file)
    assert counts(said) == (0, 0, 1, 0)
    assert said["currencies"]["SEK"]["authorized"]["amount"] == "606.90"
    assert counts(run(file)) == (0, 1, 0, 0)
    assert Operation.objects.count() == 1
    assert [mail.to for mail in mailoutbox] == [["buyer0000@example.org"]]
    assert not capsys.readouterr().out


@pytest.mark.django_db
@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_it_is_taken_up_from_every_step_of_checkout(steps):
    data = read_order(line_of())
    order = build(data, payment_method(data.method))
    for _ in range(steps):
        order.next()
    assert import_order(data)[1] == Outcome.TAKEN_UP
    order.refresh_from_db()
    assert order.state == "complete" and Operation.objects.count() == 1


class PluggedGateway(BogusGateway):
    """Bogus, in a process that somebody stops while it waits for the answer."""

    def authorize(self, amount_minor: int, source: Any, options: Any) -> Response:
        raise KeyboardInterrupt


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("number", "kind", "state"),
    [("5555555555554444", "authorized", "complete"), (DECLINED, "declined", "payment")],
)
def test_stopped_while_the_gateway_was_asked_it_is_recovered_once_the_asker_is_surely_gone(
    tmp_path, settings, number, kind, state
):
    file = write(tmp_path, line_of(**{"payment.card.number": number}))
    settings.PAYMENT_GATEWAYS = {"bogus": f"{__name__}.PluggedGateway"}
    with pytest.raises(CommandError, match="Stopped at line 1") as stopped:
        call_command("import_orders", str(file))
    assert stopped.value.returncode == 130
    assert Operation.objects.get().state == "open"

    settings.PAYMENT_GATEWAYS = {"bogus": "payments.gateways.bogus.BogusGateway"}
    said = run(file)
    assert counts(said) == (0, 0, 1, 0) and said["code"] == 0
    assert said["currencies"]["SEK"]["unknown"]["payments"] == 1
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        said = run(file)
    assert counts(said) == (0, 0, 1, 0)
    assert said["currencies"]["SEK"][kind] == {"payments": 1, "amount": "606.90", "amount_minor": 60690}
    assert Order.objects.get().state == state and Operation.objects.count() == 1
    assert counts(run(file)) == (0, 1, 0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("anyway", [False, True])
def test_a_lost_answer_is_unknown_until_the_next_run(tmp_path, settings, anyway):
    settings.PAYMENTS = {**settings.PAYMENTS, "ALLOW_CHECKOUT_ON_GATEWAY_ERROR": anyway}
    method = payment_method("card")
    PaymentMethod.objects.filter(pk=method.pk).update(config={"outage": True})
    file = write(tmp_path, line_of())
    said = run(file)
    assert counts(said) == (1, 0, 0, 0) and said["code"] == 0
    assert said["currencies"]["SEK"]["unknown"]["amount"] == "606.90"

    PaymentMethod.objects.filter(pk=method.pk).update(config={})
    said = run(file)
    assert counts(said) == (0, 0, 1, 0)
    assert said["currencies"]["SEK"]["authorized"]["amount"] == "606.90" and "unknown" not in said["currencies"]["SEK"]
    assert Order.objects.get().state == "complete" and Operation.objects.count() == 1


@pytest.mark.django_db
def test_killed_after_the_refusal_was_recorded_the_order_goes_back_to_payment():
    data = read_order(line_of(**{"payment.card.number": DECLINED}))
    order = build(data, payment_method(data.method))
    import_order(data)
    # As the refusal left it, before the order was told.
    Order.objects.filter(pk=order.pk).update(state="confirm", placed_at=timezone.now())
    assert import_order(data)[1] == Outcome.TAKEN_UP
    order.refresh_from_db()
    assert order.state == "payment" and order.placed_at is None
    assert import_order(data)[1] == Outcome.ALREADY_THERE


@pytest.mark.django_db
def test_an_order_that_the_customer_goes_on_with_is_left_alone():
    data = read_order(line_of(**{"payment.card.number": DECLINED}))
    order, _ = import_order(data)
    card = CreditCard.objects.create(number="4111111111111111", month=12, year=2030, name="Ada Byron")
    payment = order.add_payment(payment_method("card"), source=card)
    assert import_order(data)[1] == Outcome.ALREADY_THERE
    payment.refresh_from_db()
    assert payment.state == "checkout"


@pytest.mark.django_db
def test_an_order_that_is_stuck_is_an_error_and_is_taken_up_when_that_is_solved(tmp_path):
    data = read_order(line_of())
    method = payment_method(data.method)
    build(data, method)
    PaymentMethod.objects.filter(pk=method.pk).update(config={"unheard-of": 1})
    file = write(tmp_path, line_of())
    said = run(file)
    assert said["code"] == 1 and [error["field"] for error in said["errors"]] == ["payment"]
    PaymentMethod.objects.filter(pk=method.pk).update(config={})
    assert run(file)["code"] == 0
    assert Order.objects.get().state == "complete"
