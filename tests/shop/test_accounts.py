"""An account: opened, entered and left, with its orders, cards, addresses and details, and nobody else's."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orders.models import Address, Order
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.models import CreditCard, PaymentMethod, Reaction
from payments.wallet import Wallet
from shop.links import order_url
from shop.models import Basket, Preferences, SavedAddress
from tests.counting import statements
from tests.scripted import ScriptedGateway
from tests.shop.gateways import Fields
from tests.shop.storefront import ADDRESS, CARD, DECLINED, Customer, bogus, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.once]

EMAIL, PASSWORD = "ada@example.com", "a-horse-and-9-stables"
HERS = {name.replace("shipping", "address"): value for name, value in ADDRESS.items()}


@pytest.fixture
def ada(db):
    return User.objects.create_user(EMAIL, EMAIL, PASSWORD)


@pytest.fixture
def hers(ada):
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def product(db):
    bogus()
    return stocked()


def bought(user, product, **card):
    """An order that the user has placed in the storefront."""
    customer = Customer(user)
    customer.take(product, user=user)
    customer.until("confirm", **card)
    customer.place()
    return customer.order


def sign_in(client, **said):
    return client.post(reverse("login"), {"username": EMAIL, "password": PASSWORD} | said)


def cart_of(client):
    order = client.get(reverse("cart")).context["order"]
    return list(order.line_items.values_list("sku", "quantity")) if order else []


def who(client):
    return client.session.get("_auth_user_id")


def deliver(topic):
    for reaction in Reaction.objects.filter(topic=topic):
        assert reaction.deliver()


# Opening one, entering and leaving


def test_signing_up_opens_an_account_by_the_address_in_small_letters_and_signs_in(client):
    answer = client.post(reverse("sign_up"), {"email": "Ada@Example.COM", "password": PASSWORD})
    assert answer["Location"] == reverse("account")
    user = User.objects.get()
    assert (user.username, user.email, user.is_staff) == (EMAIL, EMAIL, False)
    assert user.check_password(PASSWORD)
    assert who(client) == str(user.pk)
    assert user.preferences.language == "en"
    assert client.get(reverse("sign_up"))["Location"] == reverse("account")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"email": "ada"}, "Enter a valid email address"),
        ({"email": "ADA@example.com"}, "There is an account with this e-mail address already"),
        ({"password": "short"}, "too short"),
        ({"password": "password"}, "too common"),
        ({"password": "948271635"}, "entirely numeric"),
        ({"email": "stableman@example.com", "password": "stableman"}, "too similar"),
    ],
)
def test_signing_up_refuses_what_is_no_address_or_no_password(client, ada, said, words):
    answer = client.post(reverse("sign_up"), {"email": "new@example.com", "password": PASSWORD} | said)
    assert words in answer.content.decode()
    assert User.objects.get() == ada


def test_two_who_sign_up_with_one_address_at_once_make_one_account(client, ada, monkeypatch):
    from shop.accounts.forms import SignUpForm

    monkeypatch.setattr(SignUpForm, "clean_email", lambda form: form.cleaned_data["email"].lower())
    answer = client.post(reverse("sign_up"), {"email": EMAIL, "password": PASSWORD})
    assert "There is an account with this e-mail address already" in answer.content.decode()
    assert who(client) is None


def test_a_cart_comes_along_when_somebody_signs_up(product):
    guest = Customer()
    order = guest.take(product, 2)
    guest.client.post(reverse("sign_up"), {"email": EMAIL, "password": PASSWORD, "next": reverse("cart")})
    order.refresh_from_db()
    assert order.user == User.objects.get()
    assert cart_of(guest.client) == [("TEE", 2)]


def test_signing_in_merges_the_cart_with_the_one_that_waits_there(ada, product):
    kept = Customer(ada).take(product, 1, user=ada)
    guest = Customer()
    given = guest.take(product, 2)
    answer = sign_in(guest.client)
    assert answer["Location"] == reverse("account")
    assert kept.line_items.get().quantity == 3
    assert not Order.objects.filter(pk=given.pk).exists()


@pytest.mark.parametrize(
    ("next_url", "leads_to"),
    [
        ("/checkout/address/", "/checkout/address/"),
        ("https://evil.example/", "/account/"),
        ("//evil.example/", "/account/"),
        ("javascript:alert(1)", "/account/"),
    ],
)
def test_where_signing_in_leads_stays_on_this_site(client, ada, next_url, leads_to):
    assert sign_in(client, next=next_url)["Location"] == leads_to
    assert (
        Client().post(reverse("sign_up"), {"email": "b@example.com", "password": PASSWORD, "next": next_url})[
            "Location"
        ]
        == leads_to
    )


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client, ada):
    def said(**wrong):
        page = sign_in(client, **wrong).content.decode()
        return re.sub(r'name="csrfmiddlewaretoken" value="\w+"|value="[^"]*@example.com"', "", page)

    wrong = said(password="wrong")
    assert "do not match" in wrong
    assert wrong == said(username="nobody@example.com")
    assert who(client) is None


def test_signing_out_is_a_form_s_work_and_leaves_the_cart_in_the_account(ada, product):
    customer = Customer(ada)
    customer.take(product, user=ada)
    assert customer.client.get(reverse("logout")).status_code == 405
    assert customer.client.post(reverse("logout"))["Location"] == "/"
    assert who(customer.client) is None
    assert cart_of(customer.client) == []
    sign_in(customer.client)
    assert cart_of(customer.client) == [("TEE", 1)]


@pytest.mark.parametrize(
    "name",
    [
        "account",
        "account_cards",
        "account_card_add",
        "account_addresses",
        "account_address_add",
        "account_details",
        "account_email",
        "account_password",
    ],
)
def test_pages_of_an_account_ask_for_signing_in_first(client, name):
    answer = client.get(reverse(name))
    assert answer["Location"] == f"{reverse('login')}?next={reverse(name)}"


# A forgotten password, and a changed one


def test_a_forgotten_password_is_replaced_by_the_link_of_a_letter_once(client, ada, settings):
    settings.PUBLIC_ORIGIN = "https://shop.example.com"
    Preferences.objects.create(user=ada, language="en")
    answer = client.post(reverse("password_forgotten"), {"email": "ADA@example.com"}, headers={"host": "localhost"})
    assert b"If there is an account" in answer.content
    deliver("account.password_reset")
    [letter] = mail.outbox
    assert letter.to == [EMAIL]
    [link] = set(re.findall(r"https://shop\.example\.com(/account/\S+/)", letter.body))
    assert f'href="https://shop.example.com{link}"' in letter.alternatives[0][0]
    page = client.get(link, follow=True)
    form = page.redirect_chain[-1][0]
    assert link not in form  # The token has left the address.
    new = {"new_password1": "another-horse-7", "new_password2": "another-horse-7"}
    assert client.post(form, new)["Location"] == reverse("login")
    assert sign_in(client, password="another-horse-7").status_code == 302
    assert b"does not work any more" in Client().get(link, follow=True).content


def test_an_unknown_address_gets_the_same_answer_and_no_letter(client, ada):
    closed = User.objects.create_user("closed@example.com", "closed@example.com", PASSWORD, is_active=False)
    pages = set()
    for email in (EMAIL, "nobody@example.com", closed.email):
        page = client.post(reverse("password_forgotten"), {"email": email}).content.decode()
        pages.add(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.replace(email, "…")))
    assert len(pages) == 1
    assert [reaction.key.partition(":")[0] for reaction in Reaction.objects.all()] == [str(ada.pk)]


def test_the_link_is_never_made_from_the_host_that_asked(client, ada, settings):
    settings.PUBLIC_ORIGIN = ""
    client.post(reverse("password_forgotten"), {"email": EMAIL})
    assert not Reaction.objects.get().deliver()  # It is tried again, and staff see why.
    assert mail.outbox == []


def test_a_changed_password_signs_the_other_browsers_out(ada, hers):
    other = Client()
    other.force_login(ada)
    new = {"old_password": PASSWORD, "new_password1": "another-horse-7", "new_password2": "another-horse-7"}
    wrong = hers.post(reverse("account_password"), new | {"old_password": "wrong"})
    assert wrong.status_code == 200
    assert b"Some fields need another look" in wrong.content
    assert hers.post(reverse("account_password"), new)["Location"] == reverse("account_details")
    assert hers.get(reverse("account")).status_code == 200
    assert other.get(reverse("account")).status_code == 302


def test_a_changed_address_needs_the_password_and_is_told_to_the_former_one(ada, hers):
    other = User.objects.create_user("taken@example.com", "taken@example.com", PASSWORD)
    url = reverse("account_email")
    for said in ({"email": "new@example.com", "password": "wrong"}, {"email": other.email, "password": PASSWORD}):
        assert hers.post(url, said).status_code == 400
    assert hers.post(url, {"email": "New@example.com", "password": PASSWORD}).status_code == 302
    ada.refresh_from_db()
    assert (ada.email, ada.username) == ("new@example.com", "new@example.com")
    deliver("account.email_changed")
    [letter] = mail.outbox
    assert letter.to == [EMAIL]
    assert "new@example.com" not in letter.body


def test_staff_keep_their_name_when_their_address_changes():
    mira = User.objects.create_user("mira", "mira@example.com", PASSWORD, is_staff=True)
    client = Client()
    assert sign_in(client, username="mira").status_code == 302
    client.post(reverse("account_email"), {"email": "m@example.com", "password": PASSWORD})
    mira.refresh_from_db()
    assert (mira.username, mira.email) == ("mira", "m@example.com")


# Orders


@pytest.fixture
def order(ada, product):
    return bought(ada, product)


def test_an_order_is_shown_with_its_payment_refund_and_invoices(ada, hers, order):
    payment = order.payments.get()
    payment.refund("5.00", reason="Damaged")
    order.issue_invoice()
    listed = hers.get(reverse("account")).content.decode()
    assert order.number in listed
    assert "$30.00" in listed
    page = hers.get(reverse("account_order", args=[order.number])).content.decode()
    for words in ("$30.00 was paid.", "$5.00 was given back.", "Proforma invoice", "Credit note", "Ada Byron", "Tee"):
        assert words in page
    for invoice in order.invoices.all():
        address = reverse("account_invoice", args=[order.number, invoice.number])
        assert address in page
        paper = hers.get(address)
        assert invoice.number in paper.content.decode()
        assert "no-store" in paper["Cache-Control"]


def test_what_is_not_one_s_own_is_not_found(order, product):
    order.issue_invoice()
    bob = User.objects.create_user("bob@example.com", "bob@example.com", PASSWORD)
    client = Client()
    client.force_login(bob)
    entry = Wallet(order.user).add(CreditCard.objects.create(token="tok_1", month=12, year=2040))
    kept = SavedAddress.objects.get(user=order.user)
    bobs = bought(bob, product)
    pages = [
        ("account_order", order.number),
        ("account_invoice", order.number, order.invoices.first().number),
        ("account_invoice", bobs.number, order.invoices.first().number),
        ("account_card_remove", entry.pk),
        ("account_address", kept.pk),
        ("account_address_remove", kept.pk),
    ]
    for name, *args in pages:
        assert client.get(reverse(name, args=args)).status_code == 404
    posts = [("account_card_first", entry.pk), ("account_card_remove", entry.pk), ("account_address_remove", kept.pk)]
    for name, *args in [*posts, ("account_address_first", kept.pk)]:
        assert client.post(reverse(name, args=args), {"for": "shipping"}).status_code == 404
    assert client.post(reverse("account_address", args=[kept.pk]), HERS | {"address-name": "Eve"}).status_code == 404
    assert order.number not in client.get(reverse("account")).content.decode()
    assert Wallet(order.user).default == entry
    assert SavedAddress.objects.get(user=order.user).address.name == "Ada Byron"


def test_a_guest_s_order_with_the_same_address_is_not_the_account_s(hers, product):
    guest = Customer()
    guest.take(product)
    guest.until("confirm")
    guest.place()
    assert guest.order.email == EMAIL
    assert guest.order.number not in hers.get(reverse("account")).content.decode()


def test_a_cart_is_no_order_and_one_that_waits_can_be_gone_on_with(ada, hers, product):
    declined = bought(ada, product, number=DECLINED)
    assert b"You have not ordered anything" in hers.get(reverse("account")).content
    Order.objects.update(placed_at=timezone.now())
    assert declined.number in hers.get(reverse("account")).content.decode()
    page = hers.get(reverse("account_order", args=[declined.number])).content.decode()
    assert "This order is not paid yet." in page
    assert "$30.00 was declined. Nothing was charged." in page
    assert order_url(declined) in page


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda order: None, "is reserved and charged when your order is sent."),
        (lambda order: order.payments.get().void_transaction(), "was reserved and let go. Nothing was charged."),
        (lambda order: order.cancel(), "canceled"),
        (lambda order: order.payments.get().capture("20.00"), "$20.00 was paid."),
    ],
)
def test_where_the_money_stands_is_said_plainly(ada, hers, product, act, words):
    PaymentMethod.objects.update(auto_capture=False)
    order = bought(ada, product)
    act(order)
    assert words in hers.get(reverse("account_order", args=[order.number])).content.decode()
    assert hers.get(reverse("account")).status_code == 200


# Cards


@pytest.fixture
def wallet(ada, product):
    """Two cards of hers, the second one first by choice."""
    method = PaymentMethod.objects.get(code="card")
    wallet = Wallet(ada)
    for brand, digits in (("visa", "1111"), ("american_express", "0005")):
        card = CreditCard.objects.create(token="BGS-approves", brand=brand, last_four=digits, month=12, year=2040)
        wallet.make_default(wallet.add(card, method))
    return wallet


def test_cards_are_listed_the_default_first(hers, wallet):
    page = hers.get(reverse("account_cards")).content.decode()
    assert page.index("American Express •••• 0005") < page.index("Visa •••• 1111")
    assert page.count(">default<") == 1
    assert "BGS-approves" not in page


def test_another_card_comes_first(hers, wallet):
    other = wallet.entries().get(is_default=False)
    assert hers.get(reverse("account_card_first", args=[other.pk])).status_code == 405
    hers.post(reverse("account_card_first", args=[other.pk]))
    assert wallet.default == other
    assert wallet.entries().filter(is_default=True).count() == 1


def test_a_card_is_removed_after_a_question_and_its_provider_is_told(hers, wallet, scripted):
    method = PaymentMethod.objects.create(name="Scripted", gateway="scripted")
    card = CreditCard.objects.create(token="tok_9", last_four="9999", month=1, year=2041, payment_method=method)
    entry = wallet.make_default(wallet.add(card, method))
    url = reverse("account_card_remove", args=[entry.pk])
    assert b"Remove this card?" in hers.get(url).content
    assert wallet.find(entry.pk)
    hers.post(url)
    assert wallet.find(entry.pk) is None
    assert wallet.default is not None  # The newest of the rest.
    card.refresh_from_db()
    assert card.forgotten_at is not None
    assert Reaction.objects.filter(topic="card.forgotten", key__startswith=f"{card.pk}:").exists()
    assert hers.post(url).status_code == 404


def test_a_card_is_added_without_a_payment_and_charged_later(ada, hers, product):
    assert b"Add a card" in hers.get(reverse("account_cards")).content
    page = hers.get(reverse("account_card_add")).content.decode()
    assert "Keep this card for the next time" not in page
    said = {f"card-{name}": value for name, value in CARD.items()}
    assert hers.post(reverse("account_card_add"), {"method": "card", **said, "card-code": "x"}).status_code == 400
    assert hers.post(reverse("account_card_add"), {"method": "card", **said})["Location"] == reverse("account_cards")
    entry = Wallet(ada).default
    assert (entry.source.last_four, entry.source.user) == ("1111", ada)
    assert not Order.objects.exists()
    customer = Customer(ada)
    customer.take(product, user=ada)
    customer.until("payment")
    assert customer.post("payment", method=f"saved-{entry.pk}").status_code == 302
    customer.place()
    assert (customer.order.state, customer.order.payments.get().source) == ("complete", entry.source)


@pytest.fixture
def fields(settings, monkeypatch):
    """A provider with fields of its own, whose fragment is Braintree's."""
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "braintree": "tests.shop.gateways.Fields"}
    ScriptedGateway.reset()
    monkeypatch.setattr(Fields, "capabilities", replace(Fields.capabilities, saved_sources=True))
    yield PaymentMethod.objects.create(name="Fields", code="fields", gateway="braintree")
    ScriptedGateway.reset()


def test_a_provider_s_fields_are_let_in_and_their_card_is_kept_once(ada, hers, fields, monkeypatch):
    asked = []

    def store(gateway, source, options):
        asked.append((source.token, options["customer_id"], options["currency"], options["idempotency_key"]))
        return "kept_1"

    monkeypatch.setattr(Fields, "store", store)
    answer = hers.get(reverse("account_card_add"))
    assert "script-src 'self' https://js.provider.example" in answer["Content-Security-Policy"]
    assert '"key": "pk_test_1"' in answer.content.decode()
    for _once_more in range(2):
        said = {"method": "fields", "fields-token": "tok_new"}
        assert hers.post(reverse("account_card_add"), said)["Location"] == reverse("account_cards")
    card = Wallet(ada).entries().get().source
    assert (card.token, card.last_four, card.payment_method, card.user) == ("kept_1", "4242", fields, ada)
    assert asked[0] == asked[1]
    assert asked[0][:3] == ("tok_new", ada.pk, "USD")
    bob = User.objects.create_user("bob@example.com", "bob@example.com", PASSWORD)
    client = Client()
    client.force_login(bob)
    assert client.post(reverse("account_card_add"), said).status_code == 400  # The same card, of somebody else.
    assert not Wallet(bob).entries().exists()


@pytest.mark.parametrize(
    ("trouble", "token", "words"),
    [
        (PaymentDeclined("No.", "expired_card"), "tok_new", "This card has expired."),
        (GatewayUnavailable("Nobody there."), "tok_new", "does not answer"),
        (None, "tok_unknown", "no longer known"),
        (None, "", "were not filled in"),
    ],
)
def test_a_card_that_is_not_kept_leaves_nothing_and_says_why(hers, fields, monkeypatch, trouble, token, words):
    def store(gateway, source, options):
        raise trouble

    monkeypatch.setattr(Fields, "store", store)
    answer = hers.post(reverse("account_card_add"), {"method": "fields", "fields-token": token})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not CreditCard.objects.exists()


def test_there_is_no_card_to_add_where_every_way_has_its_own_page(hers):
    PaymentMethod.objects.create(name="Page", code="page", gateway="simulator")
    assert b"account/cards/add" not in hers.get(reverse("account_cards")).content
    assert b"only be kept when you pay" in hers.get(reverse("account_card_add")).content
    assert hers.post(reverse("account_card_add"), {"method": "page"}).status_code == 404


# Addresses


def test_addresses_are_kept_changed_and_removed(ada, hers):
    url = reverse("account_address_add")
    assert b"No address is kept" in hers.get(reverse("account_addresses")).content
    assert hers.post(url, HERS | {"address-zip": ""}).status_code == 400
    assert hers.post(url, HERS).status_code == 302
    assert hers.post(url, HERS).status_code == 302  # The same once more is the same.
    kept = SavedAddress.objects.get()
    assert str(kept.address.name) in hers.get(reverse("account_addresses")).content.decode()
    edit = reverse("account_address", args=[kept.pk])
    assert b'value="London"' in hers.get(edit).content
    hers.post(edit, HERS | {"address-city": "Ockham"})
    assert SavedAddress.objects.get().address.city == "Ockham"
    remove = reverse("account_address_remove", args=[kept.pk])
    assert b"Remove this address?" in hers.get(remove).content
    hers.post(remove)
    assert not SavedAddress.objects.exists()
    assert not Address.objects.exists()


def test_a_changed_address_changes_no_order(hers, order):
    kept = SavedAddress.objects.get()
    hers.post(reverse("account_address", args=[kept.pk]), HERS | {"address-city": "Ockham"})
    order.refresh_from_db()
    assert order.ship_address.city == "London"


def test_the_preferred_addresses_come_first_at_checkout(ada, hers, product):
    for city in ("London", "Ockham", "Paris"):
        hers.post(reverse("account_address_add"), HERS | {"address-city": city})
    kept = {each.address.city: each for each in SavedAddress.objects.all()}
    assert hers.post(reverse("account_address_first", args=[kept["London"].pk]), {"for": "x"}).status_code == 404
    hers.post(reverse("account_address_first", args=[kept["London"].pk]), {"for": "shipping"})
    hers.post(reverse("account_address_first", args=[kept["Ockham"].pk]), {"for": "billing"})
    page = hers.get(reverse("account_addresses")).content.decode()
    assert page.count("default for shipping") == page.count("default for billing") == 1
    customer = Customer(ada)
    customer.take(product, user=ada)
    form = customer.get("address").context["form"]
    assert form.chosen == str(kept["London"].pk)
    assert (form.initial["same"], form.billing.initial["city"]) == (False, "Ockham")
    hers.post(reverse("account_address_remove", args=[kept["London"].pk]))
    assert Preferences.objects.get().ship_to is None


# Language


def test_a_language_is_remembered_for_pages_and_letters(ada, product):
    customer = Customer(ada)
    order = customer.take(product, user=ada)
    answer = customer.client.post(reverse("set_language"), {"language": "fr", "next": "/account/details/"})
    assert answer["Location"] == "/account/details/"
    assert Preferences.objects.get(user=ada).language == "fr"
    assert Basket.objects.get(order=order).language == "fr"
    assert b'<html lang="fr">' in customer.client.get(reverse("account")).content
    elsewhere = Client()
    sign_in(elsewhere)
    assert elsewhere.cookies["django_language"].value == "fr"
    customer.client.post(reverse("set_language"), {"language": "xx"})
    assert Preferences.objects.get(user=ada).language == "fr"


def test_the_back_office_speaks_the_shop_s_language(client):
    answer = client.get("/admin/login/", headers={"accept-language": "fr"})
    assert b'lang="en"' in answer.content
    assert answer["Content-Language"] == "en"
    assert b'lang="fr"' in client.get("/", headers={"accept-language": "fr"}).content


# How much is asked of the database


def test_a_page_needs_few_statements_however_much_it_shows(ada, hers, product, wallet):
    PaymentMethod.objects.filter(code="card").update(auto_capture=True)
    orders = [bought(ada, product) for _ in range(2)]
    for order in orders:
        order.payments.get().refund("5.00", reason="Damaged")
        order.payments.get().refund("5.00", reason="Damaged")
        order.issue_invoice()
    pages = [
        reverse(name)
        for name in (
            "account",
            "account_cards",
            "account_card_add",
            "account_addresses",
            "account_details",
            "account_email",
        )
    ]
    pages += [reverse("account_order", args=[orders[0].number])]
    pages += [reverse("account_invoice", args=[orders[0].number, orders[0].invoices.get(parent=None).number])]
    for page in pages:
        with statements() as ran:
            assert hers.get(page).status_code == 200
        assert len(ran) <= 12, (page, ran)
