"""The back office offers what a gateway declares, and with the settings of this payment method."""

from __future__ import annotations

import pytest
from django.urls import reverse

from payments.gateways.base import Capabilities
from payments.models import RefundReason
from tests.back_office.conftest import errand_page, filled_in, text_of
from tests.factories import authorized, make_method, purchased
from tests.scripted import EVERYTHING, ScriptedGateway

pytestmark = [pytest.mark.django_db, pytest.mark.once]
RIGHTS = ("view_payment", "capture_payment", "refund_payment", "view_paymentmethod")


class WholeOnly(ScriptedGateway):
    """Takes and gives back everything or nothing; with a setting, it can do everything."""

    capabilities = EVERYTHING

    @classmethod
    def capabilities_with(cls, config):
        return EVERYTHING if config.get("outcome") else Capabilities()


@pytest.fixture
def method(settings):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "whole": WholeOnly}
    return make_method(gateway="whole")


def test_what_takes_no_part_is_not_asked_how_much(staff, method):
    clerk, reason = staff(*RIGHTS), RefundReason.objects.create(name="Damaged")
    held, taken = authorized("100.00", method=method), purchased("100.00", method=method)
    for payment, name, more in ((held, "capture", {}), (taken, "refund", {"reason": str(reason.pk)})):
        page = clerk.get(errand_page(payment, name), {"amount": "30", **more})
        assert "takes or gives back all of it, and no part" in text_of(page)
        assert "keep_rest" not in page.content.decode()
        clerk.post(errand_page(payment, name), filled_in(page) | {"amount": "30", **more, "confirm": "1"})
        payment.refresh_from_db()
    assert held.captured_amount.amount == taken.refunded_amount.amount == 100


def test_the_page_of_a_method_says_what_it_can_do_with_its_settings(admin_client, method):
    def told():
        return text_of(admin_client.get(reverse("admin:payments_paymentmethod_change", args=[method.pk])))

    assert "refund a part no" in told()
    method.config = {"outcome": "approved"}
    method.save()
    assert "refund a part yes" in told()
