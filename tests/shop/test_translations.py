"""What customers read is whole in every language: gathered, translated, compiled, and shown."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from io import StringIO

import pytest
from babel.messages.pofile import read_po
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from shop import translations
from shop.checkout.declines import words_for
from shop.mail.samples import samples
from tests.shop.storefront import DECLINED, Customer, bogus, stocked


@pytest.mark.once
@pytest.mark.parametrize("language", translations.languages())
def test_nothing_is_missing_left_over_fuzzy_or_compiled_from_other_words(language):
    assert translations.problems(language) == [], "run manage.py translations, and translate what it lists"


@pytest.mark.once
def test_french_is_there():
    assert translations.languages() == ["fr"]
    assert len(list(translations.known("fr"))) > 400


@pytest.fixture
def elsewhere(settings, tmp_path, monkeypatch):
    """The files of a language in a folder of the test's own, and a source of two messages."""
    source = tmp_path / "templates" / "page.html"
    source.parent.mkdir()
    source.write_text(
        '{% load i18n %}\n  <p>{% translate "Good day" %}</p>\n'
        "{% blocktranslate count number=n %}{{ number }} thing{% plural %}{{ number }} things{% endblocktranslate %}"
    )
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    call_command("translations", stdout=StringIO())
    return tmp_path


def translate(path, **words):
    text = path.read_text()
    for message, said in words.items():
        text = text.replace(f'msgid "{message}"\nmsgstr ""', f'msgid "{message}"\nmsgstr "{said}"')
    path.write_text(text)


@pytest.mark.once
def test_the_command_gathers_templates_and_says_what_is_to_be_done(elsewhere):
    found = StringIO()
    with pytest.raises(CommandError, match="2 found"):
        call_command("translations", "--check", stdout=found)
    assert "not translated: 'Good day'" in found.getvalue()
    assert "not translated: ('%(number)s thing', '%(number)s things')" in found.getvalue()


@pytest.mark.once
@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda text: text.replace('"Bonjour"', '""'), "not translated: 'Good day'"),
        (lambda text: text.replace('msgid "Good day"', '#, fuzzy\nmsgid "Good day"'), "not translated: 'Good day'"),
        (lambda text: text.replace("%(number)s choses", "des choses"), "other placeholders"),
        (lambda text: text.replace('"Bonjour"', '"Salut"'), "compiled from other words"),
        (lambda text: text + '\nmsgid "Bye"\nmsgstr "Au revoir"\n', "left over: 'Bye'"),
        (lambda text: text.replace("Good day", "Good morning"), "missing: 'Good day'"),
    ],
)
def test_whatever_is_not_in_order_is_found(elsewhere, spoil, problem):
    path = translations.po_file("fr")
    text = path.read_text().replace('msgid "Good day"\nmsgstr ""', 'msgid "Good day"\nmsgstr "Bonjour"')
    text = text.replace('msgstr[0] ""', 'msgstr[0] "%(number)s chose"').replace(
        'msgstr[1] ""', 'msgstr[1] "%(number)s choses"'
    )
    path.write_text(text)
    call_command("translations", stdout=StringIO())
    assert translations.problems("fr") == []
    path.write_text(spoil(path.read_text()))
    assert any(problem in each for each in translations.problems("fr"))


# What is shown

ALLOWED = {"Everycent"}
SAID_ALOUD = re.compile(r'(?:aria-label|placeholder|title|alt|content)="([^"{]*[a-z]{3}[^"{]*)"')


@pytest.mark.once
def test_every_word_of_a_template_goes_through_the_catalog():
    found = {}
    for path in translations._files():
        if path.suffix not in (".html", ".txt"):
            continue
        text = path.read_text(encoding="utf-8")
        for pattern in (
            r"(?s){%\s*comment.*?endcomment\s*%}",
            r"(?s){%\s*blocktranslate.*?endblocktranslate\s*%}",
            r"(?s){#.*?#}|{%.*?%}|{{.*?}}",
            r"(?s)<!--.*?-->|<style.*?</style>",
        ):
            text = re.sub(pattern, " ", text)
        words = {
            each
            for each in SAID_ALOUD.findall(text)
            if not re.fullmatch(r"[\w, =.:-]*(width|light|no)[\w, =.:-]*", each)
        }
        words |= set(re.findall(r"[A-Za-z]{3,}", re.sub(r"(?s)<[^>]*>", " ", text)))
        if words - ALLOWED:
            found[path.name] = words - ALLOWED
    assert found == {}


@cache
def english():
    """Messages of more than one word."""
    texts = [text for message in translations.known("fr") for text in translations._texts(message.id) if text]
    return {text for text in texts if text.count(" ") and "%(" not in text}


def left_in_english(page):
    """Messages that stand untranslated in a page, in a place of their own."""
    shown = re.sub(r"(?s)<[^>]*>", "\n", page)
    return english() & {unescape(each.strip()) for each in shown.splitlines()}


@pytest.mark.django_db
@pytest.mark.once
def test_no_page_and_no_letter_is_half_english(client):
    bogus()
    ada = User.objects.create_user("ada@example.com", "ada@example.com")
    product = stocked()
    customer = Customer(ada)
    customer.client.cookies["django_language"] = "fr"
    customer.take(product, user=ada)
    pages = [customer.get(step).content for step in ("address",)]
    pages += [customer.client.get(url).content for url in ("/", "/cart/", product.get_absolute_url())]
    customer.address()
    pages.append(customer.get("delivery").content)
    customer.delivery()
    pages += [customer.get("payment").content, customer.pay_by(number="12").content]
    customer.pay_by(number=DECLINED)
    pages.append(customer.get("confirm").content)
    customer.place()
    pages.append(customer.get("payment").content)
    customer.pay_by()
    page = customer.client.get(customer.place()["Location"]).content
    pages.append(page)
    assert "Merci pour votre commande" in page.decode()
    order = customer.order
    order.issue_invoice()
    names = ["account", "account_cards", "account_card_add", "account_addresses", "account_address_add"]
    names += ["account_details", "account_email", "account_password", "find_order"]
    pages += [customer.client.get(reverse(name)).content for name in names]
    pages += [customer.client.get(reverse("account_order", args=[order.number])).content]
    pages += [customer.client.get(reverse("account_invoice", args=[order.number, order.main_invoice.number])).content]
    pages += [sample.html.encode() for sample in samples("fr")]
    assert {text for page in pages for text in left_in_english(page.decode())} == set()


def test_why_a_card_was_declined_is_said_in_the_reader_s_language():
    with translation.override("fr"):
        what, to_do = (str(each) for each in words_for("insufficient_funds"))
    assert what == "Il n’y a pas assez d’argent sur cette carte."
    assert to_do.startswith("Prenez une autre carte")


def test_french_typography_keeps_its_spaces_together():
    with translations.po_file("fr").open("rb") as file:
        texts = [text for message in read_po(file) if message.id for text in translations._texts(message.string)]
    assert [text for text in texts if re.search(r"\w[:;?!»]|« | [:;?!»]", text)] == []
    assert [text for text in texts if "'" in text] == []


def test_the_back_office_is_left_in_the_language_of_the_shop():
    with translation.override("fr"):
        assert gettext("Back office") == "Administration"  # The link to it is the customer's page's.
