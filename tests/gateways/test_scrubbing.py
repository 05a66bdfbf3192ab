"""Only what is named is kept, and no card number in any of it."""

from __future__ import annotations

import pytest

from payments.gateways.codes import DeclineCode, standard_code
from payments.gateways.scrubbing import clean, keep

SAID = {
    "status": "succeeded",
    "secret": "sk_live_1",
    "card": {"last4": "4242", "number": "4242 4242 4242 4242", "brand": "visa"},
    "attempts": 2,
    "live": False,
    "labels": ["a", {"b": 1}, "4111111111111111"],
    "nothing": None,
}


def test_only_what_is_named_is_kept():
    assert keep(SAID, "status", "card.last4", "attempts", "live") == {
        "status": "succeeded",
        "card": {"last4": "4242"},
        "attempts": 2,
        "live": False,
    }


def test_what_is_not_there_or_not_plain_is_left_out():
    assert keep(SAID, "nothing", "missing", "card", "card.missing", "status.deeper") == {}


def test_a_name_may_stand_for_a_value_and_for_an_object():
    assert keep(SAID, "card", "card.last4", "status", "status.deeper") == {
        "card": {"last4": "4242"},
        "status": "succeeded",
    }
    assert keep({"": {"": "x"}, "card": {"": "y"}}, "card", "card.last4") == {}


def test_a_card_number_is_masked_also_where_it_was_named():
    assert keep(SAID, "card.number", "labels") == {"card": {"number": "•••• 4242"}, "labels": ["a", "•••• 1111"]}
    assert keep({"n": 4111111111111111}, "n") == {"n": "•••• 1111"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Card 4111-1111-1111-1111 was refused", "Card •••• 1111 was refused"),
        ("378282246310005", "•••• 0005"),
        ("pay_41111111111111112222", "pay_41111111111111112222"),  # Twenty digits are no card.
        ("order 1234567890123456", "order 1234567890123456"),  # A wrong check digit.
        ("2026-11-22T05:17:17.834Z", "2026-11-22T05:17:17.834Z"),
        (None, ""),
        ("x" * 900, "x" * 500),
    ],
)
def test_a_text_is_short_and_has_no_card_number(text, shown):
    assert clean(text) == shown


def test_the_first_code_that_the_table_has_is_taken():
    table = {"stolen": DeclineCode.PICKUP_CARD, "no": DeclineCode.CARD_DECLINED}
    assert standard_code(table, "stolen", "no") == "pickup_card"
    assert standard_code(table, None, 7, "unheard of") == "card_declined"
    assert standard_code(table, "x", default=DeclineCode.INVALID_REQUEST) == "invalid_request"
