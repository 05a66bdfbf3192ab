"""The base class, and choosing a backend."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from payments.backends import (
    AbortPaymentFailed,
    BasePaymentBackend,
    CreatePaymentFailed,
    DummyPaymentBackend,
    GatewayBackend,
    ParseNotificationFailed,
    RefundPaymentFailed,
    RegisterPaymentFailed,
    get_payment_backend,
)
from payments.models import PaymentMethod
from payments.payable import Buyable
from tests.backends.catalogue import case
from tests.backends.conftest import ForeignBackend
from tests.factories import make_method, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@case(1)
def test_001_name():
    """The base class is called "base"."""
    assert BasePaymentBackend.name == BasePaymentBackend().name == "base"


@case(3)
def test_003_create_payment():
    """A backend has to provide create_payment."""
    with pytest.raises(NotImplementedError, match=r"create_payment\(\)"):
        BasePaymentBackend().create_payment(make_order(), {})


@case(4)
def test_004_create_one_click_payment():
    """A backend has to provide create_one_click_payment."""
    with pytest.raises(NotImplementedError, match=r"create_one_click_payment\(\)"):
        BasePaymentBackend().create_one_click_payment(make_order(), {}, "tok_1")


@case(5)
def test_005_handle_notification(rf):
    """A backend has to provide handle_notification."""
    with pytest.raises(NotImplementedError, match=r"handle_notification\(\)"):
        ForeignBackend().handle_notification(rf.post("/"))


@case(6)
def test_006_delete_credit_card():
    """A backend has to provide delete_credit_card."""
    with pytest.raises(NotImplementedError, match=r"delete_credit_card\(\)"):
        BasePaymentBackend().delete_credit_card(None)


def test_a_backend_has_to_provide_abort_payment_too():
    with pytest.raises(NotImplementedError, match=r"abort_payment\(\)"):
        BasePaymentBackend().abort_payment("pay_1")


@case(10)
def test_010_notification_url(settings):
    """The notification address is absolute and ends with the route."""
    settings.PAYMENTS = {**settings.PAYMENTS, "PUBLIC_ORIGIN": "https://shop.example"}
    method = make_method(name="Card")
    route = "https://shop.example/api/v1.0/payments/notifications"
    assert BasePaymentBackend().get_notification_url() == route
    assert BasePaymentBackend(method).get_notification_url() == f"{route}/card"
    assert GatewayBackend(method).get_notification_url() == "https://shop.example/payments/webhooks/card/"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CreatePaymentFailed, "create_payment_failed"),
        (RegisterPaymentFailed, "register_payment_failed"),
        (RefundPaymentFailed, "refund_payment_failed"),
        (AbortPaymentFailed, "abort_payment_failed"),
        (ParseNotificationFailed, "parse_notification_failed"),
    ],
)
def test_the_exceptions_have_a_status_and_a_code(error, code):
    raised = error("So it is.")
    assert (raised.status_code, raised.status, raised.code, str(raised)) == (400, 400, code, "So it is.")


def test_an_order_is_what_a_backend_wants():
    order = make_order()
    wanted = [*Buyable.__protocol_attrs__] if hasattr(Buyable, "__protocol_attrs__") else [*vars(Buyable)]
    assert [name for name in wanted if not name.startswith("_") and not hasattr(order, name)] == []


# Choosing a backend


@case(13, ours="The settings are a payment method's row: with none, or with nothing in place of the registry.")
def test_013_nothing_is_set_up(settings):
    """Without a payment method there is no backend: a ValueError that says where to look."""
    with pytest.raises(ValueError, match=r"no payment method.*settings\.PAYMENTS"):
        get_payment_backend()
    make_method()
    settings.PAYMENTS = {**settings.PAYMENTS, "BACKENDS": None}
    with pytest.raises(ValueError, match=r"settings\.PAYMENTS"):
        get_payment_backend()


@case(14)
@pytest.mark.parametrize("path", ["payments.backends.Nothing", "nowhere.Backend", "payments.models.Payment", "x", 3])
def test_014_an_unknown_path(settings, path):
    """A path that leads to no backend, or a gateway that nobody knows, is the same ValueError."""
    method = make_method()
    settings.PAYMENTS = {**settings.PAYMENTS, "BACKENDS": {"scripted": path}}
    with pytest.raises(ValueError, match=r"settings\.PAYMENTS"):
        get_payment_backend(method)
    with pytest.raises(ValueError, match=r"settings\.PAYMENTS"):
        get_payment_backend(PaymentMethod.objects.create(name="Wrong", gateway="wrongly_written"))


@case(15)
def test_015_no_configuration():
    """A gateway that needs settings and has none is the same ValueError."""
    method = PaymentMethod.objects.create(name="Simulator", gateway="simulator")
    with pytest.raises(ValueError, match=r"settings\.PAYMENTS"):
        get_payment_backend(method)


@case(16)
def test_016_a_key_is_missing():
    """So is one key that is missing, which the system check names."""
    PaymentMethod.objects.create(
        name="Simulator", gateway="simulator", config={"webhook_secret": "SIMULATOR_WEBHOOK_SECRET"}
    )
    with pytest.raises(ValueError, match="secret_key"):
        get_payment_backend("simulator")
    assert any("secret_key" in str(found) for found in run_checks(databases=["default"], tags=["database"]))


def test_a_method_its_code_or_the_default_is_chosen(settings):
    plain = make_method(name="Plain")
    page = PaymentMethod.objects.create(name="Test card", gateway="bogus")
    assert type(get_payment_backend(plain)) is GatewayBackend
    assert get_payment_backend(plain).name == "scripted"
    assert get_payment_backend("plain").method == plain
    assert isinstance(get_payment_backend(), DummyPaymentBackend)
    assert get_payment_backend().method == page
    settings.PAYMENTS = {**settings.PAYMENTS, "DEFAULT_METHOD": "plain"}
    assert get_payment_backend().method == plain
    settings.PAYMENTS = {**settings.PAYMENTS, "BACKENDS": {"scripted": ForeignBackend}}
    assert isinstance(get_payment_backend(), ForeignBackend)
    with pytest.raises(ValueError, match="“gone”"):
        get_payment_backend("gone")
