"""Every letter: whom it goes to, what it says, where it leads; and that a broken mail server moves no money."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.utils import timezone, translation

from payments.actors import Actor
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.gateways.base import Outcome
from payments.models import Reaction
from payments.models.announcing import EXPIRING
from payments.reminding import remind
from shop.links import order_url
from shop.models import Basket
from tests.factories import address_recipe, authorized, fact, make_method, make_order, make_payment, purchased
from tests.scripted import declined, waiting
from tests.smtp import closed_port, mail_server

WEBHOOK = Actor("webhook")
SMTP = "django.core.mail.backends.smtp.EmailBackend"

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def letters_only(settings):
    """Stock and invoices have tests of their own."""
    settings.REACTIONS = {
        topic: [path for path in paths if path.startswith("shop.mail.")] for topic, paths in settings.REACTIONS.items()
    }
    settings.PUBLIC_ORIGIN = "https://shop.example"


def sent():
    """What the outbox has for now, delivered: the letters, the amounts' no-break spaces as plain ones."""
    mail.outbox.clear()
    for reaction in Reaction.objects.due():
        assert reaction.deliver(), reaction.last_error
    for letter in mail.outbox:
        letter.body = letter.body.replace("\N{NO-BREAK SPACE}", " ")
    return mail.outbox


def only_letter():
    (letter,) = sent()
    return letter


def html_of(letter):
    ((html, kind),) = letter.alternatives
    assert kind == "text/html"
    return html.replace("\N{NO-BREAK SPACE}", " ")


def an_order(total="40.00", **facts):
    address = address_recipe.make()
    return make_order(total, bill_address=address, ship_address=address, **facts)


def placed(*, auto_capture=False):
    """An order that is complete, with its payment; its confirmation is sent."""
    payment = make_payment(order=an_order(), method=make_method(auto_capture=auto_capture))
    payment.order.complete()
    sent()
    payment.refresh_from_db()
    return payment


# What all of them have


def test_a_letter_is_text_and_html_and_says_that_a_machine_wrote_it():
    payment = make_payment(order=an_order())
    payment.order.complete()
    letter = only_letter()
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert letter.message().get_content_type() == "multipart/alternative"
    html = html_of(letter)
    for shown in ("Hello Ada Byron,", payment.order.number, "$40.00", "12 Marylebone Rd"):
        assert shown in letter.body
        assert shown in html
    assert "<script" not in html and "<link" not in html and "<img" not in html


def test_a_letter_that_is_sent_again_after_a_crash_is_known_as_the_same():
    payment = make_payment(order=an_order())
    payment.order.complete()
    first = only_letter().message()["Message-ID"]
    # It died between sending and noting it.
    Reaction.objects.update(delivered_at=None, done=[], next_attempt_at=timezone.now())
    assert only_letter().message()["Message-ID"] == first == f"<order.completed.{payment.order.number}@example.com>"
    payment.order.resend_confirmation()  # This one is meant to come again.
    assert only_letter().message()["Message-ID"] not in ("", first)


def test_only_html_is_escaped():
    order = an_order()
    order.add_line("Rock & <roll>", unit_price="1.00")
    make_payment(order=order)
    order.complete()
    letter = only_letter()
    assert "1 × Rock & <roll>" in letter.body
    assert "Rock &amp; &lt;roll&gt;" in html_of(letter)


def test_the_link_begins_with_the_public_origin_and_is_the_orders_secret_one(settings):
    payment = placed()
    payment.order.cancel()
    letter = only_letter()
    link = f"https://shop.example{order_url(payment.order)}"
    assert link in letter.body
    assert f'href="{link}"' in html_of(letter)
    settings.PUBLIC_ORIGIN = ""
    payment.order.resend_confirmation()
    letter = only_letter()
    assert "http" not in letter.body
    assert "href" not in html_of(letter)


def test_it_is_written_in_the_customers_language_and_in_the_shops_time(settings):
    settings.LANGUAGES = [("en", "English"), ("fr", "Français")]
    settings.TIME_ZONE = "Asia/Tokyo"
    with time_machine.travel("2026-05-01 20:00+00:00", tick=False):
        payment = make_payment(order=an_order())
        Basket.objects.create(order=payment.order, language="fr")
        payment.order.complete()
        with translation.override("de"), timezone.override(ZoneInfo("America/Chicago")):
            letter = only_letter()
    assert "2 mai 2026" in letter.body
    assert "40,00 $" in letter.body
    assert '<html lang="fr"' in html_of(letter)


@pytest.mark.parametrize("language", ["", "tlh"])
def test_a_language_that_is_not_on_offer_is_the_shops(language):
    payment = make_payment(order=an_order())
    Basket.objects.create(order=payment.order, language=language)
    payment.order.complete()
    assert '<html lang="en"' in html_of(only_letter())


# Refunded


def test_each_refund_has_a_letter():
    payment = placed(auto_capture=True)
    payment.refund("10.00")
    letter = only_letter()
    assert letter.subject == f"We gave you money back for your order {payment.order.number}"
    assert letter.to == ["ada@example.com"]
    assert "we gave you $10.00 back" in letter.body
    assert "Card (visa •••• 4242)" in letter.body
    assert "Of the $40.00 that you paid, $10.00 were given back so far." in letter.body

    payment.apply(fact("refund", amount_minor=500, reference="re_outside"), by=WEBHOOK)
    payment.apply(fact("refund", amount_minor=500, reference="re_outside"), by=WEBHOOK)
    letter = only_letter()
    assert "we gave you $5.00 back" in letter.body
    assert "$15.00 were given back so far" in html_of(letter)


# Canceled


def test_a_cancellation_says_what_becomes_of_the_money(scripted):
    payment = placed(auto_capture=True)
    scripted.script["void"] = declined()
    payment.order.cancel("The customer changed her mind.")
    letters = sent()
    canceled, refunded = sorted(letters, key=lambda letter: "canceled" not in letter.subject)
    assert canceled.subject == f"Your order {payment.order.number} is canceled"
    assert "Card (visa •••• 4242): $40.00 were given back." in canceled.body
    assert "changed her mind" not in canceled.body + html_of(canceled)  # That is for staff.
    assert "reserved" not in canceled.body
    assert "we gave you $40.00 back" in refunded.body


@pytest.mark.parametrize(
    ("captured", "before", "after"),
    [
        (False, "the reserved $40.00 are let go.", "the reserved $40.00 were let go."),
        (True, "we give $40.00 back, and write to you once that is done.", "$40.00 were given back."),
    ],
)
def test_a_cancellation_is_right_before_and_after_the_provider_was_asked(scripted, captured, before, after):
    payment = placed(auto_capture=captured)
    scripted.script["*"] = GatewayUnavailable
    with pytest.raises(GatewayUnavailable):
        payment.order.cancel()
    assert f"Card (visa •••• 4242): {before}" in only_letter().body

    scripted.script.clear()
    other = placed(auto_capture=captured)
    if captured:
        scripted.script["void"] = declined()
    other.order.cancel()
    assert f"Card (visa •••• 4242): {after}" in sent()[0].body


def test_a_cancellation_where_nobody_paid():
    order = make_order("10.00")
    order.add_adjustment("promotion", "-10.00", "Gift")
    order.complete()
    sent()
    order.cancel()
    letter = only_letter()
    assert "Nothing was charged." in letter.body
    assert "reserved" not in letter.body


def test_an_order_that_was_taken_up_again_is_not_called_canceled():
    payment = placed()
    payment.order.cancel()
    payment.order.resume()
    assert sent() == []


# Failed


def refuse(payment, by=WEBHOOK, **facts):
    told = {"authorization": "pi_1", "reference": "ch_1", "error_code": "insufficient_funds"} | facts
    payment.apply(fact("authorize", Outcome.DECLINED, **told), by=by)


@pytest.fixture
def unfinished(scripted):
    """A payment of an order in checkout whose customer has left the provider's page."""
    scripted.script["authorize"] = waiting("pi_1")
    payment = make_payment(order=an_order())
    payment.authorize(by=Actor("checkout"))
    scripted.script.clear()
    return payment


def test_a_failed_payment_says_why_and_what_to_do(unfinished):
    refuse(unfinished, message="do_not_honor: risk score 99")
    letter = only_letter()
    assert letter.subject == f"The payment of your order {unfinished.order.number} did not go through"
    assert "There is not enough money on this card." in letter.body
    assert "Your order is not placed yet. It is kept for you as you left it." in letter.body
    assert f"Pay here:\nhttps://shop.example{order_url(unfinished.order)}\n" in letter.body
    assert "risk score" not in letter.body + html_of(letter)


def test_a_batch_that_cannot_capture_says_that_the_order_waits(scripted):
    payment = placed()
    scripted.script["capture"] = declined()
    with pytest.raises(PaymentDeclined):
        payment.capture(by=Actor("batch"))
    assert "Your order is placed and waits for its payment." in only_letter().body


def test_a_failed_payment_is_not_mentioned_once_it_does_not_matter(unfinished):
    refuse(unfinished)
    make_payment(order=unfinished.order).authorize()
    assert sent() == []


def test_whoever_gave_up_knows_it(unfinished):
    refuse(unfinished, error_code="canceled_by_customer")
    assert sent() == []


def test_a_failed_payment_that_came_through_after_all_is_not_mentioned(unfinished):
    refuse(unfinished)
    unfinished.apply(fact("authorize", authorization="pi_1", reference="ch_1"), by=WEBHOOK)
    assert sent() == []


# Action needed


def test_a_customer_who_stays_away_is_asked_to_confirm(unfinished):
    with time_machine.travel(unfinished.created_at + timedelta(minutes=11), tick=False):
        remind()
        letter = only_letter()
    assert letter.subject == f"Please confirm the payment of your order {unfinished.order.number}"
    assert order_url(unfinished.order) in letter.body
    assert "the payment of $40.00" in letter.body
    assert "This is possible until" in letter.body and "(UTC)" in letter.body


def test_without_an_address_of_our_own_the_providers_page_is_the_link(unfinished, settings):
    settings.PUBLIC_ORIGIN = ""
    with time_machine.travel(unfinished.created_at + timedelta(minutes=11), tick=False):
        remind()
        assert "https://provider.example/challenge" in only_letter().body


def test_whoever_has_confirmed_is_not_asked(unfinished):
    with time_machine.travel(unfinished.created_at + timedelta(minutes=11), tick=False):
        remind()
        unfinished.apply(fact("authorize", authorization="pi_1", reference="ch_1"), by=WEBHOOK)
        assert sent() == []


# Expiring, to staff


@pytest.fixture
def ending():
    payment = authorized(order=an_order())
    type(payment).objects.filter(pk=payment.pk).update(capture_by=timezone.now() + timedelta(hours=3))
    remind()
    return payment


def test_staff_are_told_of_a_hold_that_ends_soon(ending, settings):
    settings.STAFF_EMAIL = "till@example.com"
    letter = only_letter()
    assert letter.to == ["till@example.com"]
    assert f"$40.00 reserved for order {ending.order.number} can be captured until" in letter.body
    assert f"https://shop.example/admin/payments/payment/{ending.pk}/change/" in letter.body
    assert order_url(ending.order) not in letter.body


def test_a_hold_that_was_captured_meanwhile_is_no_news(ending):
    ending.capture()
    assert sent() == []


def test_a_shop_without_an_address_for_staff_writes_to_nobody(ending, settings):
    settings.STAFF_EMAIL = ""
    assert sent() == []
    assert Reaction.objects.get(topic=EXPIRING).delivered_at


# A broken mail server


@pytest.mark.django_db(transaction=True)
def test_a_mail_server_that_is_down_changes_no_money_and_gets_the_letter_later(settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", closed_port()
    payment = purchased(order=an_order())
    payment.order.complete()
    payment.refund("10.00")
    payment.refresh_from_db()
    payment.order.refresh_from_db()
    assert (payment.order.state, payment.order.payment_state) == ("complete", "balance_due")
    assert [each.amount for each in (payment.captured_amount, payment.refunded_amount)] == [40, 10]
    due = Reaction.objects.filter(delivered_at=None)
    assert {each.topic: each.last_error for each in due} == {
        "order.completed": "shop.mail.order_confirmed: ConnectionRefusedError",
        "payment.refunded": "shop.mail.refunded: ConnectionRefusedError",
    }
    assert payment.recover() is None

    with mail_server() as server, time_machine.travel(timezone.now() + timedelta(minutes=2), tick=True):
        settings.EMAIL_PORT = server.server_address[1]
        call_command("deliver_reactions", verbosity=0)
        call_command("deliver_reactions", verbosity=0)
    assert sorted(letter["Subject"] for letter in server.letters) == [
        f"We gave you money back for your order {payment.order.number}",
        f"Your order {payment.order.number}",
    ]
    assert {letter.get_content_type() for letter in server.letters} == {"multipart/alternative"}


def test_who_wins_a_dispute_is_told_by_their_bank():
    payment = purchased()
    payment.apply(fact("refund", amount_minor=10_000, reference="dp_1", disputed=True), by=WEBHOOK)

    assert payment.refunded_amount.amount == 100
    assert not sent()
