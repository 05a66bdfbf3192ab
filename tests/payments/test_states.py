"""The table of states, whole: which event may be fired from where."""

import threading

import pytest
from django_fsm import TransitionNotAllowed, can_proceed

from payments.models import Payment
from tests.factories import make_payment

State = Payment.State
ALLOWED = {
    "started_processing": {
        "checkout": "processing",
        "processing": "processing",
        "pending": "processing",
        "completed": "processing",
    },
    "pend": {"checkout": "pending", "processing": "pending"},
    "complete": {"checkout": "completed", "processing": "completed", "pending": "completed"},
    "failure": {"processing": "failed", "pending": "failed"},
    "void": {"checkout": "void", "processing": "void", "pending": "void", "completed": "void"},
    "invalidate": {"checkout": "invalid"},
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", ALLOWED)
def test_every_event_from_every_state(event, state):
    payment = Payment(state=state)

    assert can_proceed(getattr(payment, event)) is (state in ALLOWED[event])
    if state in ALLOWED[event]:
        getattr(payment, event)()
        assert payment.state == ALLOWED[event][state]
    else:
        with pytest.raises(TransitionNotAllowed):
            getattr(payment, event)()
        assert payment.state == state


@pytest.mark.parametrize("state", ["failed", "void", "invalid"])
@pytest.mark.parametrize("target", ["pending", "completed"])
def test_a_dead_payment_can_be_confirmed_late(state, target):
    payment = Payment(state=state)
    payment.confirm_late(target)
    assert payment.state == target


@pytest.mark.parametrize("state", ["checkout", "processing", "pending"])
def test_a_living_payment_is_not_confirmed_late(state):
    with pytest.raises(TransitionNotAllowed):
        Payment(state=state).confirm_late("completed")


def test_the_table_names_every_event():
    events = {transition.name for transition in Payment().get_all_state_transitions()}
    assert events == {*ALLOWED, "confirm_late"}


def test_the_state_cannot_be_assigned():
    payment = Payment(state="pending")
    with pytest.raises(AttributeError, match="state"):
        payment.state = "completed"


@pytest.mark.django_db
def test_refreshing_reads_the_state_and_keeps_it_protected():
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).update(state="void")

    payment.refresh_from_db()

    assert payment.state == "void"
    with pytest.raises(AttributeError):
        payment.state = "completed"


@pytest.mark.django_db
def test_a_failed_refresh_keeps_the_state_and_its_protection():
    payment = make_payment()
    Payment.objects.filter(pk=payment.pk).delete()

    with pytest.raises(Payment.DoesNotExist):
        payment.refresh_from_db()

    assert payment.state == "checkout"
    with pytest.raises(AttributeError):
        Payment(state="pending").state = "completed"


def test_refreshing_opens_the_protection_to_no_other_thread(monkeypatch):
    """django-fsm-2's mixin does: it switches the field's `protected` off while it reloads."""
    seen = []

    def look(self, **kwargs):
        thread = threading.Thread(target=lambda: seen.append(Payment._meta.get_field("state").protected))
        thread.start()
        thread.join()
        raise Payment.DoesNotExist

    monkeypatch.setattr("django.db.models.Model.refresh_from_db", look)
    with pytest.raises(Payment.DoesNotExist):
        Payment(pk=1, state="pending").refresh_from_db()
    assert seen == [True]


@pytest.mark.django_db
def test_a_transition_saves_nothing(django_assert_num_queries):
    payment = make_payment()
    with django_assert_num_queries(0):
        payment.started_processing()
    payment.refresh_from_db()
    assert payment.state == "checkout"
