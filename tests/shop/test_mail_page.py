"""The page of all letters is for development only, and leaves nothing behind."""

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.urls import reverse

from orders.models import Address, Order
from payments.models import CreditCard, Payment, PaymentMethod, Reaction
from shop.mail.samples import samples

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NAMES = [
    "order_confirmed",
    "action_needed",
    "payment_failed",
    "refunded",
    "order_canceled",
    "hold_expiring",
    "password_reset",
    "email_changed",
]


def test_it_shows_every_letter_in_both_forms(client, settings):
    settings.DEBUG = True
    page = client.get(reverse("dev_mails")).content.decode()
    for sample in samples("en"):
        assert page.count(f">{sample.subject}<") == 2
        assert f'src="{reverse("dev_mail", args=[sample.name])}?language=en"' in page
    assert "we gave you €24.50 back" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert mail.outbox == []
    for model in (Order, Address, CreditCard, Payment, PaymentMethod, Reaction, User):
        assert not model.objects.exists()


def test_every_letter_that_a_fact_can_bring_is_shown(settings):
    shown = samples("en")
    assert [sample.name for sample in shown] == NAMES
    receivers = {path for paths in settings.REACTIONS.values() for path in paths if path.startswith("shop.mail.")}
    assert {f"shop.mail.{name}" for name in NAMES} == receivers
    assert {sample.topic for sample in shown} | {"order.confirmation_requested"} == {
        topic for topic, paths in settings.REACTIONS.items() if receivers & set(paths)
    }


@pytest.mark.parametrize("name", NAMES)
def test_one_letter_by_itself_may_be_framed_by_the_page(client, settings, name):
    settings.DEBUG = True
    answer = client.get(reverse("dev_mail", args=[name]))
    html = answer.content.decode()
    assert html.startswith("<!doctype html>")
    assert html.count("<h1") == 1
    assert answer["X-Frame-Options"] == "SAMEORIGIN"


def test_a_letter_that_is_not_there(client, settings):
    settings.DEBUG = True
    assert client.get(reverse("dev_mail", args=["nonsense"])).status_code == 404


def test_it_takes_a_language_that_is_on_offer(client, settings):
    settings.DEBUG = True
    settings.LANGUAGES = [("en", "English"), ("fr", "Français")]
    html = client.get(reverse("dev_mail", args=["order_confirmed"]), {"language": "fr"}).content.decode()
    assert '<html lang="fr"' in html
    html = client.get(reverse("dev_mail", args=["order_confirmed"]), {"language": "xx"}).content.decode()
    assert '<html lang="en"' in html


@pytest.mark.parametrize("path", ["/dev/mails/", "/dev/mails/refunded/"])
def test_nobody_sees_it_in_production(client, settings, path):
    settings.DEBUG = False
    assert client.get(path).status_code == 404
