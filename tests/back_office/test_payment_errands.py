"""A payment's buttons: the preview, the confirmation that does exactly what was shown, and who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.urls import reverse

from payments.actors import Actor
from payments.admin.confirming import SALT
from payments.errors import GatewayUnavailable
from payments.gateways.base import Snapshot
from payments.models import Operation, RefundReason
from tests.back_office.conftest import confirm, errand_page, filled_in, payment_page, text_of
from tests.factories import authorized, make_method, make_order, make_payment, purchased
from tests.scripted import ScriptedGateway, declined, ok, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.once]
MONEY = ("view_payment", "capture_payment", "void_payment", "refund_payment", "recover_payment", "review_payment")


@pytest.fixture
def clerk(staff):
    return staff(*MONEY)


@pytest.fixture
def reason():
    return RefundReason.objects.create(name="Damaged")


def calls(verb):
    return [call for call in ScriptedGateway.calls if call[0] == verb]


def latest(payment):
    return payment.operations.latest("sequence")


# The preview


def test_the_preview_says_what_happens_and_moves_nothing(clerk):
    payment = authorized("100.00")
    ScriptedGateway.snapshot = Snapshot(
        authorization="GW-AUTHORIZE", authorized_minor=10000, captured_minor=0, refunded_minor=0, voided=False
    )
    page = clerk.get(errand_page(payment, "capture"))
    words = text_of(page)
    for said in (
        "$100.00 is taken from the customer's visa",
        "It can be undone by a void until it is settled, and by a refund afterwards.",
        "What the provider holds now",
        "pending completed",
        "At most $100.00.",
        "Capture $100.00",
    ):
        assert said in words
    assert calls("capture") == []
    assert payment.operations.count() == 1


def test_the_preview_shows_where_the_provider_differs_from_us(clerk):
    payment = authorized("100.00")
    ScriptedGateway.snapshot = Snapshot(
        authorization="GW-AUTHORIZE",
        authorized_minor=10000,
        captured_minor=10000,
        refunded_minor=0,
        voided=False,
        expires_at=datetime(2026, 12, 1, 12, tzinfo=UTC),
    )
    words = text_of(clerk.get(errand_page(payment, "capture")))
    assert "The provider's figures are not ours." in words
    assert "Captured $0.00 $100.00" in words
    assert "The authorization ends on Dec. 1, 2026" in words


def test_a_provider_that_is_down_does_not_keep_the_preview_away(clerk, monkeypatch):
    def down(self, authorization):
        raise GatewayUnavailable("The line is dead.")

    monkeypatch.setattr(ScriptedGateway, "fetch", down)
    words = text_of(clerk.get(errand_page(authorized("100.00"), "void")))
    assert "The provider did not say what it holds: The line is dead." in words
    assert "It is a void" in words


@pytest.mark.parametrize(
    ("asked", "said", "kept"),
    [
        ({"amount": "30"}, "The rest, $70.00, is let go", "$30.00"),
        ({"amount": "30", "keep_rest": "on"}, "stays", "$100"),
    ],
)
def test_a_part_is_previewed_with_what_becomes_of_the_rest(clerk, asked, said, kept):
    payment = authorized("100.00")
    words = text_of(clerk.get(errand_page(payment, "capture"), asked))
    assert said in words
    assert "Capture $30.00" in words
    assert f"Amount $100.00 {kept}" in words


@pytest.mark.parametrize("amount", ["0", "-1", "100.01", "0.001", "NaN", "1e9", "ten", ""])
def test_an_amount_that_cannot_be_is_said_at_its_field(clerk, amount):
    payment = authorized("100.00")
    page = clerk.post(errand_page(payment, "capture"), {"amount": amount, "look": "1"})
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert 'name="confirm"' not in page.content.decode()


def test_cancel_says_whether_it_will_be_a_void_or_a_refund(clerk):
    held, taken = authorized("100.00"), purchased("100.00", method=make_method(gateway="narrow"))
    assert "It is a void: $100.00 is reserved and not taken" in text_of(clerk.get(errand_page(held, "cancel")))
    assert "It is a refund, because the money has been taken" in text_of(clerk.get(errand_page(taken, "cancel")))


def test_a_void_of_what_nobody_holds_asks_nobody(clerk):
    payment = make_payment("100.00")
    assert "the provider is not asked" in text_of(clerk.get(errand_page(payment, "void")))
    answer = confirm(clerk, payment, "void")
    assert "Done: nobody had to be asked." in text_of(answer)
    payment.refresh_from_db()
    assert payment.state == "void"
    assert ScriptedGateway.calls == []


def test_what_cannot_be_done_now_has_no_button_and_says_why(clerk):
    payment = authorized("100.00")
    payment.void_transaction()
    page = clerk.get(errand_page(payment, "capture"))
    assert "This cannot be done now." in text_of(page)
    assert 'name="confirm"' not in page.content.decode()


# The confirmation


def test_a_capture_is_done_as_shown_and_by_whom(clerk):
    payment = authorized("100.00")
    answer = confirm(clerk, payment, "capture")
    assert answer.redirect_chain[-1][0] == payment_page(payment)
    assert "Done: capture of $100.00." in text_of(answer)
    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount.amount) == ("completed", 100)
    assert latest(payment).actor == Actor("staff", clerk.user)


def test_a_part_is_captured_once_it_was_shown(clerk):
    payment = authorized("100.00")
    page = clerk.get(errand_page(payment, "capture"), {"amount": "30", "keep_rest": "on"})
    fields = filled_in(page) | {"keep_rest": "on", "confirm": "1"}
    clerk.post(errand_page(payment, "capture"), fields)
    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount.amount, payment.uncaptured_amount.amount) == ("pending", 30, 70)


def test_another_amount_than_was_shown_is_shown_first(clerk):
    payment = authorized("100.00")
    answer = confirm(clerk, payment, "capture", amount="30.00")
    assert "You chose another amount. This is what it would do." in text_of(answer)
    assert "Capture $30.00" in text_of(answer)
    assert calls("capture") == []
    clerk.post(errand_page(payment, "capture"), filled_in(answer) | {"confirm": "1"})
    payment.refresh_from_db()
    assert payment.captured_amount.amount == 30


def test_a_refund_needs_its_reason(clerk, reason):
    payment = purchased("100.00")
    answer = confirm(clerk, payment, "refund")
    assert "Say why the money goes back." in text_of(answer)
    assert calls("credit") == []
    answer = confirm(clerk, payment, "refund", reason=str(reason.pk))
    assert "Done: refund of $100.00." in text_of(answer)
    assert payment.refunds.get().reason == reason


def test_a_part_is_refunded(clerk, reason):
    payment = purchased("100.00")
    page = clerk.get(errand_page(payment, "refund"), {"amount": "9.50"})
    fields = filled_in(page) | {"confirm": "1", "reason": str(reason.pk)}
    clerk.post(errand_page(payment, "refund"), fields)
    payment.refresh_from_db()
    assert payment.refunded_amount.amount == pytest.approx(9.5)
    assert "Refund $9.50" in text_of(clerk.get(payment_page(payment)))


def test_the_second_click_finds_the_first(clerk):
    payment = authorized("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "capture"))) | {"confirm": "1"}
    clerk.post(errand_page(payment, "capture"), fields)
    second = clerk.post(errand_page(payment, "capture"), fields, follow=True)
    assert second.redirect_chain[-1][0] == reverse("admin:payments_payment_operation", args=[payment.pk, 2])
    assert "This was already begun by mira (staff). Nothing was asked a second time." in text_of(second)
    assert len(calls("capture")) == 1


def test_a_colleague_finds_who_began_it(clerk, staff):
    payment = authorized("100.00")
    colleague = staff(*MONEY, name="noor")
    shown_to_both = [filled_in(each.get(errand_page(payment, "capture"))) for each in (clerk, colleague)]
    clerk.post(errand_page(payment, "capture"), shown_to_both[0] | {"confirm": "1"})
    answer = colleague.post(errand_page(payment, "capture"), shown_to_both[1] | {"confirm": "1"}, follow=True)
    assert "This was already begun by mira (staff)." in text_of(answer)
    assert len(calls("capture")) == 1


def test_a_colleague_who_did_something_else_stops_it(clerk):
    payment = authorized("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "capture"))) | {"confirm": "1"}
    payment.void_transaction()
    answer = clerk.post(errand_page(payment, "capture"), fields)
    assert "Nothing was done." in text_of(answer)
    assert "State: pending was shown, it is void now." in text_of(answer)
    assert calls("capture") == []


def test_a_sum_that_changed_is_named(clerk, reason):
    payment = purchased("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "refund"))) | {"confirm": "1", "reason": str(reason.pk)}
    payment.refund("10.00")
    answer = clerk.post(errand_page(payment, "refund"), fields | {"amount": "90.00"})
    assert "You chose another amount." in text_of(answer)
    assert "Refund $90.00" in text_of(answer)
    answer = clerk.post(errand_page(payment, "refund"), fields)
    assert "less than or equal to 90.00" in text_of(answer)
    assert len(calls("credit")) == 1


def test_a_sum_that_changed_and_still_allows_it_is_named(clerk, reason):
    payment = purchased("100.00")
    page = clerk.get(errand_page(payment, "refund"), {"amount": "40"})
    fields = filled_in(page) | {"confirm": "1", "reason": str(reason.pk)}
    payment.refund("10.00")
    answer = text_of(clerk.post(errand_page(payment, "refund"), fields))
    assert "Nothing was done." in answer
    assert "Refunded: $0.00 was shown, it is $10.00 now." in answer
    assert len(calls("credit")) == 1


def test_a_token_is_for_one_person_payment_and_errand(clerk, staff):
    payment, other = authorized("100.00"), authorized("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "capture"))) | {"confirm": "1"}
    for client, record, name in (
        (staff(*MONEY, name="noor"), payment, "capture"),
        (clerk, other, "capture"),
        (clerk, payment, "void"),
    ):
        answer = client.post(errand_page(record, name), fields)
        assert "made for somebody or something else" in text_of(answer)
    assert (calls("capture"), calls("void")) == ([], [])


def test_a_broken_token_shows_how_it_stands(clerk):
    payment = authorized("100.00")
    for token in ("", "x", signing.dumps({"payment": 1}, salt="another")):
        answer = clerk.post(errand_page(payment, "capture"), {"amount": "100.00", "token": token, "confirm": "1"})
        assert "This confirmation is incomplete." in text_of(answer)
    assert calls("capture") == []


def test_an_old_token_shows_how_it_stands(clerk, time_machine):
    payment = authorized("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "capture"))) | {"confirm": "1"}
    assert signing.loads(fields["token"], salt=SALT)["errand"] == "capture"
    time_machine.move_to(datetime.now(UTC) + timedelta(hours=2))
    answer = clerk.post(errand_page(payment, "capture"), fields)
    assert "more than an hour old" in text_of(answer)
    assert calls("capture") == []


def test_a_look_never_moves_money(clerk):
    payment = authorized("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "capture"))) | {"confirm": "1"}
    clerk.get(errand_page(payment, "capture"), fields)
    assert calls("capture") == []


# The answers


def test_a_refusal_is_told(clerk):
    payment = authorized("100.00")
    ScriptedGateway.script = {"capture": declined("Too late.")}
    assert "The provider said no: Too late." in text_of(confirm(clerk, payment, "capture"))


def test_a_lost_answer_is_told_shown_and_recovered(clerk):
    payment = authorized("100.00")
    ScriptedGateway.script = {"capture": GatewayUnavailable("The line went dead.")}
    answer = text_of(confirm(clerk, payment, "capture"))
    assert "nobody knows yet whether it was done" in answer
    assert "Nothing more can be asked of this payment until it is settled." in answer
    assert "Refund: Payment" in answer  # With the reason why it is not offered.
    ScriptedGateway.books = {latest(payment).idempotency_key: ok("GW-CAPTURE")}
    assert "It is settled" in text_of(confirm(clerk, payment, "recover"))
    payment.refresh_from_db()
    assert payment.captured_amount.amount == 100


def test_what_stays_unknown_is_said(clerk):
    payment = authorized("100.00")
    ScriptedGateway.script = {"capture": GatewayUnavailable("The line went dead.")}
    confirm(clerk, payment, "capture")
    assert "It is still not known; it is tried again." in text_of(confirm(clerk, payment, "recover"))


def test_a_busy_payment_says_who_is_at_it(clerk):
    payment = authorized("100.00")
    fields = filled_in(clerk.get(errand_page(payment, "capture"))) | {"confirm": "1"}
    ScriptedGateway.script = {"void": GatewayUnavailable("lost")}
    with pytest.raises(GatewayUnavailable):
        payment.void_transaction(by=Actor("staff", clerk.user))
    answer = text_of(clerk.post(errand_page(payment, "capture"), fields))
    assert "asked by mira (staff)" in answer
    assert "See how far it has come" in answer
    assert calls("capture") == []


def test_what_the_provider_will_say_later_is_said(clerk, reason):
    payment = purchased("100.00")
    ScriptedGateway.script = {"credit": waiting()}
    answer = confirm(clerk, payment, "refund", reason=str(reason.pk))
    assert "will say later how it ends" in text_of(answer)


def test_a_review_is_cleared_with_a_note(clerk):
    payment = purchased("100.00")
    type(payment).objects.filter(pk=payment.pk).update(review_reason="Money came late.")
    assert "Say in a note what was found." in text_of(confirm(clerk, payment, "clear_review"))
    answer = confirm(clerk, payment, "clear_review", note="Asked the bank: it is ours.")
    assert "The review is cleared." in text_of(answer)
    payment.refresh_from_db()
    assert payment.review_reason == ""
    event = payment.order.events.get(name="payment")
    assert "Asked the bank: it is ours. (Money came late.)" in event.note
    assert event.actor == Actor("staff", clerk.user)


def test_more_given_back_than_taken_stays_under_review(clerk):
    payment = make_payment("100.00")
    payment.apply(fact_of_a_refund())
    assert payment.review_reason
    answer = confirm(clerk, payment, "clear_review", note="Looks fine.")
    assert "stays under review until it is explained" in text_of(answer)
    payment.refresh_from_db()
    assert payment.review_reason


def fact_of_a_refund():
    from tests.factories import fact

    return fact("refund", amount_minor=500, reference="re_1")


def test_the_progress_of_an_operation_looks_again_while_it_is_open(clerk):
    payment = authorized("100.00")
    Operation.objects.filter(payment=payment).update(state="open")
    address = reverse("admin:payments_payment_operation", args=[payment.pk, 1])
    assert 'http-equiv="refresh"' in clerk.get(address).content.decode()
    Operation.objects.filter(payment=payment).update(state="succeeded")
    assert 'http-equiv="refresh"' not in clerk.get(address).content.decode()
    assert clerk.get(reverse("admin:payments_payment_operation", args=[payment.pk, 7])).status_code == 404


def test_charging_a_payment_in_checkout(staff):
    clerk = staff("view_payment", "add_payment")
    payment = make_payment("100.00", order=make_order("100.00"))
    assert "is reserved on the customer's" in text_of(clerk.get(errand_page(payment, "process")))
    confirm(clerk, payment, "process")
    payment.refresh_from_db()
    assert payment.state == "pending"
    page = clerk.get(errand_page(payment, "process"))
    assert "has been asked already" in text_of(page)


def test_an_errand_that_is_none_is_not_found(clerk):
    payment = authorized("100.00")
    assert clerk.get(errand_page(payment, "steal")).status_code == 404
    assert clerk.get(reverse("admin:payments_payment_errand", args=[999999, "capture"])).status_code == 404
