"""What staff do for an order beside its money: shipping, approving, notes, the confirmation once more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from orders.models import Order
from payments.actors import Actor
from payments.models import Reaction
from tests.factories import make_method, make_order, make_payment

pytestmark = pytest.mark.django_db


def placed():
    order = make_payment(order=make_order("100.00"), method=make_method(auto_capture=True)).order
    order.complete()
    return order


def test_shipping_is_recorded_with_who_and_when(admin_user):
    order, at = placed(), timezone.now() - timedelta(hours=2)
    order.mark_shipped(at, tracking=" 1Z999 ", by=Actor("staff", admin_user))
    fresh = Order.objects.get(pk=order.pk)
    assert (fresh.shipped_at, fresh.tracking) == (at, "1Z999")
    assert fresh.events.get(name="shipped").actor == Actor("staff", admin_user)


def test_shipping_can_be_corrected():
    order = placed()
    order.mark_shipped(tracking="1Z998")
    order.mark_shipped(tracking="1Z999")
    assert [event.note for event in order.events.filter(name="shipped")] == ["1Z998", "1Z999"]
    assert Order.objects.get(pk=order.pk).tracking == "1Z999"


def test_only_a_complete_order_is_shipped_and_not_tomorrow():
    with pytest.raises(TransitionNotAllowed, match="only a complete order"):
        make_order().mark_shipped()
    with pytest.raises(ValueError, match="still to come"):
        placed().mark_shipped(timezone.now() + timedelta(minutes=5))


def test_a_shipped_order_is_not_canceled_and_its_payment_is_refunded():
    order = placed()
    order.mark_shipped()
    with pytest.raises(TransitionNotAllowed, match="refund its payments instead"):
        order.cancel()
    order.payments.get().refund()
    assert Order.objects.get(pk=order.pk).state == "complete"


def test_a_canceled_order_that_was_not_shipped_can_be_canceled_to_the_end():
    order = placed()
    order.cancel()
    order.cancel()
    assert order.state == "canceled"


def test_an_order_is_approved_once():
    order = placed()
    order.approve("Known customer.")
    assert Order.objects.get(pk=order.pk).approved_at == order.approved_at
    with pytest.raises(ValueError, match="approved already"):
        order.approve()
    assert order.events.filter(name="approved").count() == 1


def test_an_empty_note_is_refused():
    order = make_order()
    with pytest.raises(ValueError, match="empty"):
        order.add_note("  \n")
    order.add_note(" Rang her. ")
    assert order.events.get(name="note").note == "Rang her."


def test_each_confirmation_asked_for_is_a_reaction_of_its_own():
    order = placed()
    order.resend_confirmation()
    order.resend_confirmation()
    keys = Reaction.objects.filter(topic="order.confirmation_requested").values_list("key", flat=True)
    assert sorted(keys) == [f"{order.number}:2", f"{order.number}:3"]


def test_there_must_be_something_to_confirm_and_somebody_to_tell():
    with pytest.raises(TransitionNotAllowed, match="nothing to confirm"):
        make_order().resend_confirmation()
    order = placed()
    Order.objects.filter(pk=order.pk).update(email="")
    with pytest.raises(ValueError, match="no e-mail address"):
        order.resend_confirmation()
