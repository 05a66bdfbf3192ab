"""Bulk capture and void: shown first, done one by one, each with its result, and nothing twice."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.core import signing

from payments.admin import bulk
from payments.errors import GatewayUnavailable
from payments.models import Operation, Payment
from tests.factories import authorized, make_method, make_order, make_payment, purchased
from tests.scripted import declined, ok, waiting

# A verb opens its own transactions, as it does in the shop.
pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]

LIST = "/admin/payments/payment/"
CAPTURE, VOID = f"{LIST}bulk/capture/", f"{LIST}bulk/void/"


def member(name, *rights):
    user = User.objects.create(username=name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_payment", *rights]))
    return user


@pytest.fixture
def cashier(client):
    client.force_login(member("carl", "capture_payment", "void_payment"))
    return client


@pytest.fixture
def method():
    return make_method()


def select(client, address, *payments, **more):
    return client.post(address, {"_selected_action": [payment.pk for payment in payments], **more})


def token_of(response):
    return re.search(r'name="token" value="([^"]+)"', response.content.decode())[1]


def confirm(client, address, *payments):
    return client.post(address, {"token": token_of(select(client, address, *payments))})


def results(response):
    """Number → (how it ended, what was said)."""
    rows = re.findall(r"<tr>(.*?)</tr>", response.content.decode().partition("<tbody>")[2], re.S)
    found = {}
    for row in rows:
        cells = [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)]
        found[cells[0]] = (cells[3], cells[4])
    return found


def endings(response):
    return {number: ending for number, (ending, _said) in results(response).items()}


def asked(scripted, verb):
    return [call for call in scripted.calls if call[0] == verb]


# Shown first


def test_a_selection_is_shown_with_its_totals_and_nothing_is_asked(cashier, method, scripted):
    dollars = [authorized("10.50", method=method), authorized("4.25", method=method)]
    yen = authorized(order=make_order("5000", currency="JPY"), method=method)
    scripted.calls.clear()
    response = select(cashier, CAPTURE, *dollars, yen)
    content = response.content.decode()
    assert re.findall(r"<dt>(\w+)</dt><dd>([^<]+)</dd>", content) == [("JPY", "¥5,000"), ("USD", "$14.75")]
    assert "Capture 3 payments" in content
    assert scripted.calls == []


def test_what_cannot_be_done_is_left_out_with_the_reason(cashier, method):
    held, taken = authorized("10", method=method), purchased("20", method=method)
    held_by_nobody = make_payment("30", method=method)
    content = unescape(select(cashier, CAPTURE, held, taken, held_by_nobody).content.decode())
    assert "Capture 1 payment" in content
    assert "2 payments are left out" in content
    assert taken.may("capture") in content
    assert held_by_nobody.may("capture") in content
    shown = signing.loads(
        re.search(r'name="token" value="([^"]+)"', content)[1], salt=bulk.SALT, max_age=bulk.VALID_FOR
    )
    assert [row[0] for row in shown[2]] == [held.pk]


def test_where_nothing_can_be_done_there_is_no_button(cashier, method):
    response = select(cashier, CAPTURE, purchased("20", method=method))
    assert "None of these can be done now." in response.content.decode()
    assert 'name="token"' not in response.content.decode()


@pytest.mark.parametrize("ids", [[], ["x"], ["-1"], ["9" * 30], ["²"]])
def test_nothing_selected_leads_back_to_the_list_as_it_was(cashier, ids):
    response = cashier.post(CAPTURE, {"_selected_action": ids, "back": "view=to_capture"}, follow=True)
    assert response.redirect_chain == [(f"{LIST}?view=to_capture", 302)]
    assert "Nothing was done." in response.content.decode()


def test_a_selection_has_a_limit(cashier, method, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 2)
    payments = [authorized("10", method=method) for _ in range(3)]
    response = cashier.post(CAPTURE, {"_selected_action": [payment.pk for payment in payments]}, follow=True)
    assert "Select payments first, 2 at most. Nothing was done." in response.content.decode()


def test_looking_at_the_address_only_leads_back(cashier):
    assert cashier.get(CAPTURE).status_code == 302
    assert cashier.get(f"{LIST}bulk/refund/").status_code == 404


# Done one by one


def test_each_payment_has_a_result_and_one_failure_stops_nothing(cashier, method, scripted):
    payments = [authorized(str(10 + index), method=method) for index in range(5)]
    scripted.script = {"capture": [ok(), declined("No funds."), GatewayUnavailable("Line cut."), waiting(), ok()]}
    response = confirm(cashier, CAPTURE, *payments)
    assert list(endings(response).values()) == ["done", "declined", "unknown", "waiting", "done"]
    said = [text for _ending, text in results(response).values()]
    assert said[1:3] == ["No funds.", "Line cut."]
    for payment in payments:
        payment.refresh_from_db()
    assert [payment.state for payment in payments] == ["completed", "failed", "processing", "processing", "completed"]


def test_an_exception_that_nobody_expected_stops_nothing_either(cashier, method, scripted, caplog):
    payments = [authorized("10", method=method), authorized("20", method=method)]
    scripted.script = {"capture": [ZeroDivisionError("oops"), ok()]}
    response = confirm(cashier, CAPTURE, *payments)
    assert list(endings(response).values()) == ["unknown", "done"]
    assert "oops" in caplog.text
    assert "oops" not in response.content.decode()


def test_a_void_is_done_in_bulk_too(cashier, method, scripted):
    held, in_checkout = authorized("10", method=method), make_payment("5", method=method)
    response = confirm(cashier, VOID, held, in_checkout)
    assert set(endings(response).values()) == {"done"}
    assert Payment.objects.filter(state="void").count() == 2
    assert len(asked(scripted, "void")) == 1  # Nothing was held for the other one.


def test_every_operation_records_who_did_it(cashier, method):
    confirm(cashier, CAPTURE, authorized("10", method=method))
    operation = Operation.objects.get(kind="capture")
    assert (operation.origin, operation.user.username) == ("staff", "carl")


# Nothing twice


def test_the_same_token_again_finds_what_happened_and_repeats_nothing(cashier, method, scripted):
    payments = [authorized("10", method=method), authorized("20", method=method)]
    scripted.script = {"capture": [ok(), declined("No funds.")]}
    token = token_of(select(cashier, CAPTURE, *payments))
    first = cashier.post(CAPTURE, {"token": token})
    again = cashier.post(CAPTURE, {"token": token})
    assert (
        endings(again) == endings(first) == dict(zip([p.number for p in payments], ["done", "declined"], strict=True))
    )
    assert all("Already asked by carl (staff), and not asked again." in said for _end, said in results(again).values())
    assert len(asked(scripted, "capture")) == 2


def test_a_void_that_asked_nobody_is_not_repeated_either(cashier, method):
    in_checkout = make_payment("5", method=method)
    token = token_of(select(cashier, VOID, in_checkout))
    assert endings(cashier.post(VOID, {"token": token})) == {in_checkout.number: "done"}
    again = cashier.post(VOID, {"token": token})
    assert results(again)[in_checkout.number] == ("skipped", "It is void already.")


def test_what_a_colleague_did_meanwhile_is_shown_and_not_done_again(cashier, client, method, scripted):
    payment = authorized("10", method=method)
    token = token_of(select(cashier, CAPTURE, payment))
    client.force_login(member("dora", "capture_payment"))
    confirm(client, CAPTURE, payment)
    client.force_login(User.objects.get(username="carl"))
    ending, said = results(client.post(CAPTURE, {"token": token}))[payment.number]
    assert (ending, said) == ("done", "Already asked by dora (staff), and not asked again.")
    assert len(asked(scripted, "capture")) == 1


def test_a_payment_that_changed_meanwhile_is_skipped(cashier, method, scripted):
    payment, other = authorized("10", method=method), authorized("20", method=method)
    token = token_of(select(cashier, CAPTURE, payment, other))
    payment.capture("4.00", final=False)
    found = results(cashier.post(CAPTURE, {"token": token}))
    assert found[other.number][0] == "done"
    payment.refresh_from_db()
    assert str(payment.captured_amount.amount) == "4.00"  # Not the whole, which is no longer what was shown.


def test_what_was_not_begun_when_patience_ended_is_done_by_going_on(cashier, method, scripted, monkeypatch):
    payments = [authorized("10", method=method), authorized("20", method=method)]
    token = token_of(select(cashier, CAPTURE, *payments))
    monkeypatch.setattr(bulk, "PATIENCE", -1)
    tired = cashier.post(CAPTURE, {"token": token})
    assert set(endings(tired).values()) == {"not begun"}
    assert "Go on" in tired.content.decode()
    assert asked(scripted, "capture") == []
    monkeypatch.undo()
    done = cashier.post(CAPTURE, {"token": token_of(tired)})
    assert set(endings(done).values()) == {"done"}
    assert "Go on" not in done.content.decode()


# The token


def broken(token):
    return token[:-1] + ("A" if token[-1] != "A" else "B")


def test_a_token_is_for_one_person_one_errand_and_one_hour(cashier, client, method, scripted):
    payment = authorized("10", method=method)
    token = token_of(select(cashier, CAPTURE, payment))
    wrong = [
        (VOID, token, "somebody or something else"),
        (CAPTURE, broken(token), "incomplete"),
        (CAPTURE, "", "incomplete"),
    ]
    for address, sent, said in wrong:
        assert said in cashier.post(address, {"token": sent}, follow=True).content.decode()
    with time_machine.travel(timedelta(minutes=61)):
        cashier.force_login(User.objects.get(username="carl"))
        assert "more than an hour old" in cashier.post(CAPTURE, {"token": token}, follow=True).content.decode()
    client.force_login(member("dora", "capture_payment"))
    assert "somebody or something else" in client.post(CAPTURE, {"token": token}, follow=True).content.decode()
    assert asked(scripted, "capture") == []


# Rights


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [((), set()), (("capture_payment",), {CAPTURE}), (("void_payment",), {VOID}), (("refund_payment",), set())],
    ids=str,
)
def test_without_the_right_it_is_neither_seen_nor_possible(client, method, rights, allowed):
    payment = authorized("10", method=method)
    client.force_login(member("mira", *rights))
    content = client.get(LIST).content.decode()
    assert {address for address in (CAPTURE, VOID) if address in content} == allowed
    assert ('class="action-select"' in content) is bool(allowed)
    for address in (CAPTURE, VOID):
        assert select(client, address, payment).status_code == (200 if address in allowed else 403)
        assert client.post(address, {"token": "x"}).status_code == (302 if address in allowed else 403)


def test_a_right_that_was_taken_away_stops_the_confirmation(cashier, method, scripted):
    token = token_of(select(cashier, CAPTURE, authorized("10", method=method)))
    User.objects.get(username="carl").user_permissions.remove(Permission.objects.get(codename="capture_payment"))
    assert cashier.post(CAPTURE, {"token": token}).status_code == 403
    assert asked(scripted, "capture") == []


def test_whoever_may_not_look_may_not_act(client, method):
    user = member("nora", "capture_payment")
    user.user_permissions.remove(Permission.objects.get(codename="view_payment"))
    client.force_login(user)
    assert select(client, CAPTURE, authorized("10", method=method)).status_code == 403


def test_the_way_back_stays_in_the_list(cashier, method):
    payment = authorized("10", method=method)
    response = select(cashier, CAPTURE, payment, back='"><script>//evil.example')
    assert "<script>//evil" not in response.content.decode()
    assert f'href="{LIST}?' in response.content.decode()
