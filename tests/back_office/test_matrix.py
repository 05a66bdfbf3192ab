"""Role × errand × state, by URL: a clerk without a right neither sees the errand nor can post it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command

from orders.admin.order_errands import ERRANDS as ORDER_ERRANDS
from orders.models import OrderEvent
from payments.admin.errands import ERRANDS as PAYMENT_ERRANDS
from payments.errors import GatewayError, GatewayUnavailable
from payments.models import Operation, Payment
from tests.back_office.conftest import errand_page, payment_page
from tests.back_office.test_order_errands import order_page
from tests.factories import make_method, make_order, make_payment
from tests.keeping import kept
from tests.scripted import ScriptedGateway, declined

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ROLES = {
    "nobody": set(),
    "clerk": set(),
    "auditor": set(),
    "cashier": {
        *("process", "capture", "void", "refund", "cancel", "recover"),
        *("add_payment", "complete", "note", "resend", "ship"),
    },
    "manager": {*PAYMENT_ERRANDS, *ORDER_ERRANDS, "cancel_order"},
}


def checkout():
    return make_payment(order=make_order("40.00"))


def pending():
    payment = checkout()
    payment.order.complete()
    return payment


def completed():
    payment = make_payment(order=make_order("40.00"), method=make_method(auto_capture=True))
    payment.order.complete()
    return payment


def failed():
    payment = checkout()
    ScriptedGateway.script = {"*": declined()}
    with pytest.raises(GatewayError):
        payment.authorize()
    ScriptedGateway.script = {}
    return payment


def void():
    payment = pending()
    payment.void_transaction()
    return payment


def unknown():
    payment = pending()
    ScriptedGateway.script = {"*": GatewayUnavailable("lost")}
    with pytest.raises(GatewayError):
        payment.capture()
    ScriptedGateway.script = {}
    return payment


def in_review():
    payment = completed()
    Payment.objects.filter(pk=payment.pk).update(review_reason="Money came late.")
    return payment


def canceled():
    payment = completed()
    payment.order.cancel()
    return payment


# What each state leaves open, whoever asks.
OPEN = {
    checkout: {"process", "void", "cancel", "add_payment", "complete", "note"},
    pending: {"capture", "void", "cancel", "add_payment", "ship", "resend", "note", "cancel_order"},
    completed: {"void", "refund", "cancel", "add_payment", "ship", "resend", "note", "cancel_order"},
    failed: {"add_payment", "complete", "approve", "note"},
    void: {"add_payment", "ship", "resend", "note", "cancel_order"},
    unknown: {"recover", "add_payment", "ship", "resend", "note", "cancel_order"},
    in_review: {"void", "refund", "cancel", "clear_review", "add_payment", "ship", "resend", "note", "cancel_order"},
    canceled: {"resume", "resend", "note"},
}


@pytest.fixture(scope="module")
def states(django_db_setup, django_db_blocker):
    """A payment in each state, by its name, and somebody in each role."""
    with kept(django_db_blocker, everything) as made:
        yield made


def everything():
    call_command("loaddata", "roles", verbosity=0)
    for role in ROLES:
        user = User.objects.create_user(f"one-{role}", is_staff=True)
        user.groups.set(Group.objects.filter(name=role))
        assert user.groups.count() == (role != "nobody")
    return {state: state() for state in OPEN}


@pytest.mark.parametrize("state", OPEN, ids=lambda state: state.__name__)
@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what_and_when(client, caplog, states, role, state):
    caplog.set_level("ERROR", "django.request")  # Each refusal would be written down, some eight hundred times.
    client.force_login(User.objects.get(username=f"one-{role}"))
    payment = states[state]
    order = payment.order
    before = journal()
    for record, page, errands in (
        (payment, payment_page(payment), PAYMENT_ERRANDS),
        (order, order_page(order), ORDER_ERRANDS),
    ):
        looked = client.get(page)
        assert looked.status_code == (403 if role == "nobody" else 200)
        for name in errands:
            address = errand_page(record, name)
            known = "cancel_order" if record is order and name == "cancel" else name
            allowed = known in ROLES[role]
            shown = f'href="{address}"' in looked.content.decode()
            assert shown == (allowed and known in OPEN[state]), f"{role}: {known} is {'' if shown else 'not '}offered"
            if not allowed:
                assert client.get(address).status_code == 403
            posted = client.post(address, {"confirm": "1", "token": "forged", "amount": "1", "note": "x"})
            assert posted.status_code == (200 if allowed else 403)
    assert journal() == before


def journal():
    """A forged confirmation asks nobody and writes nothing."""
    asked = [call for call in ScriptedGateway.calls if call[0] != "fetch"]
    return list(Operation.objects.values_list("pk", "state")), asked, list(OrderEvent.objects.values_list("pk"))
