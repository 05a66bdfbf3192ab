"""Reading one line of an order file: what is no order is refused, at the field that is wrong."""

from __future__ import annotations

import pytest

from orders.import_fields import BadLine
from orders.import_lines import read_order
from tests.orders.import_files import line_of


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"number": ""}, "number"),
        ({"number": None}, "number"),
        ({"number": "R1 OR 1=1"}, "number"),
        ({"number": "R" * 33}, "number"),
        ({"email": 5}, "email"),
        ({"email": "a@b.example\r\nBcc: c@d.example"}, "email"),
        ({"currency": "sek"}, "currency"),
        ({"currency": "XAU"}, "currency"),
        ({"ip": "300.1.1.1"}, "ip"),
        ({"placed_at": "2026-11-14T08:05:52"}, "placed_at"),
        ({"placed_at": "yesterday"}, "placed_at"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "placed_at"),
        ({"lines": {}}, "lines"),
        ({"lines": ["Tee"]}, "lines[0]"),
        ({"lines.0.quantity": 0}, "lines[0].quantity"),
        ({"lines.0.quantity": 2.0}, "lines[0].quantity"),
        ({"lines.0.quantity": True}, "lines[0].quantity"),
        ({"lines.0.quantity": 2**31}, "lines[0].quantity"),
        ({"lines.0.name": "x" * 256}, "lines[0].name"),
        ({"lines.0.name": "\ud800"}, "lines[0].name"),
        ({"lines.0.sku": "x" * 65}, "lines[0].sku"),
        ({"lines.0.unit_price": 303.45}, "lines[0].unit_price"),
        ({"lines.0.unit_price": "-303.45"}, "lines[0].unit_price"),
        ({"lines.0.unit_price": "3_03.45"}, "lines[0].unit_price"),
        ({"lines.0.unit_price": "٣"}, "lines[0].unit_price"),
        ({"lines.0.unit_price": "303.455"}, "lines[0].unit_price"),
        ({"lines.0.unit_price": "9" * 16}, "lines[0].unit_price"),
        ({"lines.0.unit_price": "9" * 5000}, "lines[0].unit_price"),
        ({"item_total": "606.91"}, "item_total"),
        ({"shipment_total": "1.00"}, "total"),
        ({"shipment_total": "-1.00"}, "shipment_total"),
        ({"promo_total": "1.00"}, "promo_total"),
        ({"promo_total": "-607.00", "total": "-0.10"}, "total"),
        ({"included_tax_total": "606.91"}, "included_tax_total"),
        ({"total": "Infinity"}, "total"),
        ({"bill_address": None}, "bill_address"),
        ({"bill_address.country": "se"}, "bill_address.country"),
        ({"ship_address.name": ""}, "ship_address.name"),
        ({"ship_address.zip": "9" * 33}, "ship_address.zip"),
        ({"payment": None}, "payment"),
        ({"payment.method": None}, "payment.method"),
        ({"payment.card": None}, "payment.card"),
        ({"payment.method": "check"}, "payment.card"),
        ({"payment.card.number": "4111"}, "payment.card.number"),
        ({"payment.card.month": 0}, "payment.card.month"),
        ({"payment.card.year": 28}, "payment.card.year"),
        ({"payment.card.verification_value": "12a"}, "payment.card.verification_value"),
    ],
)
def test_what_cannot_be_an_order_is_refused_at_its_field(changes, field):
    with pytest.raises(BadLine) as refused:
        read_order(line_of(**changes))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "raw",
    [b"null", b"[" * 100_000, b'{"number": ' + b"9" * 5000 + b"}", b'{"total": NaN}', b"\xff\xfe", b"\x1f\x8b\x08"],
)
def test_what_is_no_json_object_is_refused_as_a_whole(raw):
    with pytest.raises(BadLine) as refused:
        read_order(raw)
    assert refused.value.field == ""


def test_a_complaint_carries_no_control_character_to_the_terminal():
    with pytest.raises(BadLine) as refused:
        read_order(line_of(currency="\x1b[2"))
    assert str(refused.value).isprintable()


def test_a_card_does_not_show_its_number():
    assert "5555555555554444" not in repr(read_order(line_of()))
