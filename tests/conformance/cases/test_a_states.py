"""A. The states of a payment."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django_fsm import TransitionNotAllowed, can_proceed

from payments.actors import Actor
from payments.models import Payment
from payments.money import Money
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import ACTOR, JOURNAL
from tests.conformance.start import Shop

AREA = "A"
EVENTS = ("started_processing", "failure", "pend", "complete", "void", "invalidate")
DEAD = ("failed", "void", "invalid")


def in_state(state: str) -> Payment:
    return Payment(state=state)


@case("A", 2)
def test_a_002_failure_of_a_processing_payment() -> None:
    """A processing payment fails."""
    payment = in_state("processing")
    payment.failure()
    assert payment.state == "failed"


@case("A", 3)
@pytest.mark.parametrize("state", ["checkout", "completed"])
def test_a_003_failure_elsewhere(state: str) -> None:
    """A payment in checkout or completed cannot fail, and keeps its state."""
    payment = in_state(state)
    assert not can_proceed(payment.failure)
    with pytest.raises(TransitionNotAllowed):
        payment.failure()
    assert payment.state == state


@case("A", 4)
def test_a_004_invalidate_in_checkout() -> None:
    """A payment in checkout can be made invalid."""
    payment = in_state("checkout")
    payment.invalidate()
    assert payment.state == "invalid"


@case("A", 6)
@pytest.mark.parametrize("state", ["pending", "processing", "completed"])
def test_a_006_invalidate_later(state: str) -> None:
    """A payment that is pending, processing or completed cannot be made invalid."""
    payment = in_state(state)
    with pytest.raises(TransitionNotAllowed):
        payment.invalidate()
    assert payment.state == state


@case("A", 7)
@pytest.mark.parametrize("state", ["checkout", "pending", "completed", "processing"])
def test_a_007_started_processing(state: str) -> None:
    """Processing can start from checkout, pending, completed and processing."""
    payment = in_state(state)
    payment.started_processing()
    assert payment.state == "processing"


@case("A", 8)
@pytest.mark.parametrize("state", DEAD)
def test_a_008_started_processing_of_the_dead(state: str) -> None:
    """Processing cannot start from failed, void and invalid."""
    with pytest.raises(TransitionNotAllowed):
        in_state(state).started_processing()


@case("A", 10)
@pytest.mark.parametrize("state", Payment.State.values)
def test_a_010_complete(state: str) -> None:
    """A payment completes from processing, pending and checkout, and from nowhere else."""
    payment = in_state(state)
    if state in ("processing", "pending", "checkout"):
        payment.complete()
        assert payment.state == "completed"
    else:
        with pytest.raises(TransitionNotAllowed):
            payment.complete()


@case("A", 11)
@pytest.mark.parametrize("state", Payment.State.values)
def test_a_011_void(state: str) -> None:
    """A payment becomes void from pending, processing, completed and checkout; the dead stay as they are."""
    payment = in_state(state)
    if state in DEAD:
        assert not can_proceed(payment.void)
        return
    payment.void()
    assert payment.state == "void"


@case("A", 12)
@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", DEAD)
def test_a_012_nothing_follows_the_dead(state: str, event: str) -> None:
    """Nothing can happen to a payment that is failed, void or invalid: none of the six events."""
    assert not can_proceed(getattr(in_state(state), event))


@case("A", 14)
def test_a_014_an_amount_is_no_history(shop: Shop) -> None:
    """Changing only the amount adds nothing to the history."""
    payment = shop.payment(shop.order(), "checkout")
    payment.amount = Money("90.00", "USD")
    payment.save()
    assert not payment.operations.exists()


@case("A", 15, JOURNAL)
def test_a_015_one_entry_for_each_deed(shop: Shop) -> None:
    """Authorize and capture leave one entry each in the history, with the states before and after."""
    payment = shop.payment(shop.order(), "checkout")
    payment.authorize()
    payment.capture()
    history = [(each.state_before, each.state_after) for each in payment.operations.order_by("sequence")]
    assert history == [("checkout", "pending"), ("pending", "completed")]


@case("A", 16, JOURNAL)
def test_a_016_what_the_history_keeps(shop: Shop) -> None:
    """An entry of the history names its payment, the state before and after, and when it was asked for."""
    payment = shop.payment(shop.order(), "checkout")
    payment.authorize()
    entry = payment.operations.get()
    assert (entry.state_before, entry.state_after, entry.payment) == ("checkout", "pending", payment)
    assert entry.answered_at is not None
    assert payment.created_at < entry.created_at <= entry.answered_at


@case("A", 18, ACTOR)
def test_a_018_the_one_who_acts(shop: Shop) -> None:
    """What staff do is recorded with their name, not with the customer's."""
    users = get_user_model().objects
    order = shop.order()
    order.user = users.create(username="customer")
    order.save()
    payment = shop.payment(order, "pending")
    clerk = Actor("staff", users.create(username="clerk"))
    payment.capture(Decimal("100.00"), by=clerk)
    assert payment.operations.get(kind="capture").actor == clerk


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
