"""Whatever a payment has lived through, the doctor finds nothing; whatever figure is then changed, it finds that."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from payments.doctor import Severity
from payments.models import Payment
from tests.laws.lives import lives, told
from tests.laws.machine import Shop
from tests.laws.sandbox import examples, undone
from tests.laws.test_any_order import CALM, begin
from tests.payments.doctor_shop import CHECKS, findings

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ABOUT_MONEY = [check.name for check in CHECKS if check.severity is Severity.MONEY]
STATES = [state.value for state in Payment.State]


@pytest.fixture(autouse=True)
def _no_receivers(settings: Any) -> None:
    settings.REACTIONS = {}


@pytest.mark.parametrize("many", [10, pytest.param(examples(200), marks=pytest.mark.drill)], ids=["a few", "many"])
def test_no_finding_after_any_life_and_one_for_any_change(many: int) -> None:
    @hypothesis_settings(max_examples=many, suppress_health_check=CALM)
    @given(data=st.data())
    def examined(data: st.DataObject) -> None:
        life = data.draw(lives())
        tellings = data.draw(told(life))
        with undone():
            payment, keys = begin(life)
            for telling in tellings:
                payment.apply(telling.of(keys), by=telling.by)
                payment.refresh_from_db()
                assert findings(*ABOUT_MONEY) == [], life
            assert_each_change_is_found(Payment.objects.get(pk=payment.pk))

    examined()


def assert_each_change_is_found(payment: Payment) -> None:
    rows = Payment.objects.filter(pk=payment.pk)
    more = {name: getattr(payment, name).amount + Decimal("0.01") for name in SUMS}
    for names in (SUMS[:1], SUMS[:2], SUMS):  # Changed alone, the database would refuse the others.
        rows.update(**{name: more[name] for name in names})
        assert [each.payment for each in findings("payment_sums")] == [payment.number]
        rows.update(**{name: getattr(payment, name).amount for name in names})
    for state in set(STATES) - {payment.state}:
        rows.update(state=state)
        derived = payment.read_ledger().derive(state)
        assert [each.payment for each in findings("payment_state")] == [payment.number] * (derived != state)
    rows.update(state=payment.state)


SUMS = ("authorized_amount", "captured_amount", "refunded_amount")


class Examined(Shop):
    """The shop to which anything happens, with the doctor at its end instead of the provider's books."""

    def teardown(self) -> None:
        try:
            if self.payments and not self.failed:
                assert findings(*ABOUT_MONEY) == []
        finally:
            self.around.close()


@pytest.mark.parametrize("many", [5, pytest.param(examples(60), marks=pytest.mark.drill)], ids=["a few", "many"])
def test_no_finding_in_a_shop_to_which_anything_happens(settings: Any, many: int) -> None:
    gateways = {**settings.PAYMENT_GATEWAYS, "bookkeeping": "tests.laws.provider.BookKeeping"}
    settings.PAYMENT_GATEWAYS = gateways
    calm = hypothesis_settings(
        max_examples=many,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Examined, settings=calm)
