"""Our books beside the simulator's own: every verb leaves them equal, and what was done outside is found."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from payments.models import Operation
from tests.factories import make_order, make_payment
from tests.orders.test_doctor import run
from tests.payments.inbox_shop import Provider, card, wired_method

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    settings.REACTIONS = {}
    return Provider(settings)


def sold(method, total):
    payment = make_payment(total, order=make_order(total), method=method, source=card())
    payment.process()
    return payment


def told():
    """Exit code and findings, up to a minute from now: by itself it leaves out the last hour."""
    until = (timezone.now() + timedelta(minutes=1)).isoformat()
    code, said = run("--provider", "--until", until, "--json")
    return code, [(each["payment"], each["reference"], each["says"]) for each in map(json.loads, said.splitlines())]


def test_every_verb_leaves_equal_books(provider):
    sale, hold = wired_method(), wired_method(code="later", auto_capture=False)
    sold(sale, "100.00").refund("12.34")
    sold(sale, "20.00").void_transaction()
    part = sold(hold, "50.00")
    part.capture("30", final=False)
    part.void_transaction()
    sold(hold, "7.00").void_transaction()
    yen = make_order("0", currency="JPY")
    yen.add_line("Tee", unit_price="1200")
    make_payment(order=yen, method=sale, source=card()).process()

    assert told() == (0, [])


def test_what_was_done_outside_is_found_by_its_reference(provider):
    method = wired_method()
    payment = sold(method, "100.00")
    provider.deaf = True
    provider.deed(payment, "refund", amount=500)

    code, found = told()
    assert code == 2
    [(number, reference, says)] = found
    assert (number, says) == (payment.number, "missing here: the provider lists a refund of 5.00 USD")
    assert reference not in Operation.objects.values_list("reference", flat=True)

    provider.deaf = False
    provider.advance(3_600)  # It tries again.
    provider.deliver_due()
    assert Operation.objects.get(kind="refund").reference == reference
    assert told() == (0, [])
