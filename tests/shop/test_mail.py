"""One plain letter confirms a completed order, in its own currency and in words."""

import pytest
from django.core import mail
from django.utils.translation import override

from payments.models import PaymentMethod, Reaction
from shop.mail import order_confirmed
from tests.factories import make_order

pytestmark = pytest.mark.django_db


def letter_of(order):
    mail.outbox.clear()
    order_confirmed(Reaction(topic="order.completed", key=order.number))
    assert len(mail.outbox) == 1
    return mail.outbox[0]


def words(letter):
    return letter.body.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.django_db(transaction=True)
def test_completing_an_order_confirms_it_once(order, card_method, new_card):
    order.add_payment(card_method, source=new_card())
    order.complete()
    order.complete()
    (letter,) = mail.outbox
    assert letter.to == ["ada@example.com"]
    assert letter.subject == f"Your order {order.number}"
    assert letter.content_subtype == "plain"
    assert Reaction.objects.get().delivered_at


def test_it_has_lines_totals_and_addresses(order, card_method, new_card):
    order.add_adjustment("included_tax", "1.50", "VAT")
    order.add_payment(card_method, source=new_card())
    order.complete()
    body = words(letter_of(order))
    assert body.startswith("Hello Ada Byron,\n\nthank you for your order")
    assert "2 × Tee (TEE-M)\n    $24.00 each, $48.00\n" in body
    sums = "Items: $48.00\nExpress: $10.00\nSales tax: $5.00\nSPRING: -$4.00\nTotal: $59.00\n(including $1.50 tax)\n"
    assert sums in body
    address = "  Ada Byron\n  12 Marylebone Rd\n  NW1 5JX London\n  GB\n"
    assert f"Ship to\n{address}" in body and f"Bill to\n{address}" in body
    assert "\n\n\n" not in body


def test_nothing_in_it_is_escaped(order, card_method):
    order.add_line("Rock & <roll> “Ö”", unit_price="1.00")
    assert "1 × Rock & <roll> “Ö”\n" in letter_of(order).body


@pytest.mark.parametrize(
    ("auto_capture", "said"),
    [
        (
            False,
            "Card (visa •••• 1111): $59.00 is reserved and will be charged later.\n  Paid so far: $0.00 of $59.00.",
        ),
        (True, "Card (visa •••• 1111): $59.00 is paid.\n  Your order is paid in full."),
    ],
)
def test_it_says_what_stands_with_the_payment(order, card_method, new_card, auto_capture, said):
    card_method.auto_capture = auto_capture
    card_method.save()
    order.add_payment(card_method, source=new_card())
    order.complete()
    assert f"Payment\n  {said}\n" in words(letter_of(order))


def test_a_check_is_waited_for(order):
    order.add_payment(PaymentMethod.objects.create(name="Check", gateway="check"))
    order.complete()
    assert "  Check: we are waiting for $59.00.\n  Paid so far: $0.00 of $59.00.\n" in words(letter_of(order))


def test_a_free_order_has_nothing_to_pay():
    order = make_order("10.00")
    order.add_adjustment("promotion", "-10.00", "Gift")
    order.complete()
    assert "Payment\n  There is nothing to pay.\n" in letter_of(order).body


def test_what_was_taken_too_much_is_owed(order, card_method, new_card):
    card_method.auto_capture = True
    card_method.save()
    order.add_payment(card_method, source=new_card())
    order.complete()
    order.add_adjustment("promotion", "-9.00", "Goodwill")
    assert "We owe you $9.00." in letter_of(order).body


@pytest.mark.parametrize(
    ("currency", "price", "written"),
    [("JPY", "3600", "¥3,600"), ("KWD", "1.250", "KWD 1.250"), ("IQD", "1.250", "IQD 1.250"), ("EUR", "9.50", "€9.50")],
)
def test_amounts_have_the_decimals_of_their_currency(currency, price, written):
    order = make_order(price, currency=currency)
    assert f"Total: {written}\n" in words(letter_of(order))


def test_it_is_written_in_the_language_of_the_shop(order):
    with override("fr"):
        letter = letter_of(order)
    assert "Total: $59.00\n" in letter.body


def test_an_order_without_an_address_gets_no_letter(order):
    type(order).objects.filter(pk=order.pk).update(email="")
    order_confirmed(Reaction(topic="order.completed", key=order.number))
    assert mail.outbox == []


def test_an_order_without_postal_addresses_is_confirmed_too():
    body = letter_of(make_order("5.00")).body
    assert body.startswith("Hello,\n")
    assert "Ship to" not in body
