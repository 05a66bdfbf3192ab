"""How much of a payment each may give back: limits of groups, for one payment and one currency."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import IntegrityError, transaction

from payments.actors import Actor, Origin
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.gateways.base import Outcome, Response
from payments.models import Operation, RefundLimit
from payments.models.refund_limit import refundable_by
from payments.money import Money
from tests.back_office.test_roles import member
from tests.factories import make_order, purchased

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def limit(group, amount, currency="USD"):
    group = Group.objects.get_or_create(name=group)[0]
    group.permissions.add(Permission.objects.get(codename="refund_payment"))
    if amount is not None:
        RefundLimit.objects.create(group=group, currency=currency, amount=Decimal(amount))
    return group


def usd(amount):
    return Money(Decimal(amount), "USD")


def test_whoever_is_in_no_group_that_may_refund_gives_back_nothing():
    assert refundable_by(member(), purchased("80.00")) == usd("0.00")


def test_a_group_with_limits_but_without_the_right_counts_for_nothing():
    limit("till", "50").permissions.clear()
    assert refundable_by(member("till"), purchased("80.00")) == usd("0.00")


def test_a_limit_bounds_what_one_gives_back_of_one_payment():
    limit("till", "50")
    assert refundable_by(member("till"), purchased("80.00")) == usd("50.00")


def test_a_group_without_limits_has_none():
    limit("office", None)
    assert refundable_by(member("office"), purchased("80.00")) is None


def test_a_group_with_limits_refunds_in_their_currencies_only():
    limit("till", "50")
    limit("till", "5000", "JPY")
    till = member("till")
    assert refundable_by(till, purchased("80.00", order=make_order("80.00", currency="EUR"))) == Money(0, "EUR")
    assert refundable_by(till, purchased("9000", order=make_order("9000", currency="JPY"))) == Money(5000, "JPY")


def test_a_limit_of_zero_is_a_limit():
    limit("till", "0")
    assert refundable_by(member("till"), purchased("80.00")) == usd("0.00")


@pytest.mark.parametrize(
    ("second", "allowed"),
    [(("20", "USD"), "50.00"), (("90", "USD"), "90.00"), (("90", "EUR"), "50.00"), ((None, "USD"), None)],
)
def test_of_several_groups_the_largest_limit_counts(second, allowed):
    limit("till", "50")
    limit("shift", *second)
    assert refundable_by(member("till", "shift"), purchased("80.00")) == (usd(allowed) if allowed else None)


def test_a_second_group_without_the_right_lifts_no_limit():
    limit("till", "50")
    limit("readers", None).permissions.clear()
    assert refundable_by(member("till", "readers"), purchased("80.00")) == usd("50.00")


def test_superusers_and_those_who_have_the_right_themselves_have_no_limit():
    limit("till", "50")
    payment = purchased("80.00")
    trusted = member("till")
    trusted.user_permissions.add(Permission.objects.get(codename="refund_payment"))
    assert refundable_by(trusted, payment) is None
    assert refundable_by(User.objects.create_superuser("root"), payment) is None


# Several small refunds


@pytest.fixture
def till():
    limit("till", "50")
    return member("till")


def staff(user):
    return Actor(Origin.STAFF, user)


def test_several_small_refunds_do_not_pass_the_limit(till):
    payment = purchased("80.00")
    payment.refund("20.00", by=staff(till))
    assert refundable_by(till, payment) == usd("30.00")
    payment.refund("30.00", by=staff(till))
    assert refundable_by(till, payment) == usd("0.00")


def test_the_next_payment_has_the_whole_limit(till):
    purchased("80.00").refund("50.00", by=staff(till))
    assert refundable_by(till, purchased("80.00")) == usd("50.00")


def test_what_a_colleague_gave_back_does_not_count(till):
    payment = purchased("80.00")
    payment.refund("40.00", by=staff(User.objects.create_superuser("root")))
    assert refundable_by(till, payment) == usd("50.00")


def test_a_refund_without_an_answer_counts_and_a_declined_one_does_not(till, scripted):
    payment = purchased("80.00")
    scripted.script["credit"] = Response(outcome=Outcome.DECLINED, message="no")
    with pytest.raises(PaymentDeclined):
        payment.refund("15.00", by=staff(till))
    assert refundable_by(till, payment) == usd("50.00")
    scripted.script["credit"] = GatewayUnavailable("lost")
    with pytest.raises(GatewayUnavailable):
        payment.refund("15.00", by=staff(till))
    assert refundable_by(till, payment) == usd("35.00")


def test_a_limit_that_was_lowered_leaves_nothing_and_never_less(till):
    payment = purchased("80.00")
    payment.refund("40.00", by=staff(till))
    RefundLimit.objects.update(amount=Decimal("10"))
    assert refundable_by(till, payment) == usd("0.00")
    assert Operation.objects.filter(user=till).count() == 1


# Where limits are edited


def test_a_group_has_one_limit_in_a_currency():
    group = limit("till", "50")
    with pytest.raises(IntegrityError), transaction.atomic():
        RefundLimit.objects.create(group=group, currency="USD", amount=Decimal("60"))
    with pytest.raises(IntegrityError), transaction.atomic():
        RefundLimit.objects.create(group=group, currency="EUR", amount=Decimal("-1"))
