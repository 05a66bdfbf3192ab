"""Payment methods, their settings and secrets; cards, which never keep a number; the options a gateway gets."""

import copy
import pickle

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from orders.models import Address
from payments.errors import GatewayError
from payments.gateways.base import Capabilities, ConfigField, Gateway
from payments.gateways.bogus import APPROVED_NUMBERS, BogusGateway
from payments.models import CreditCard, Payment, PaymentMethod
from tests.factories import address_recipe, card_recipe, make_method, make_order, make_payment

pytestmark = pytest.mark.django_db


class KeyedGateway(Gateway):
    capabilities = Capabilities()
    config_fields = (
        ConfigField(name="api_key", label="API key", required=True, secret=True),
        ConfigField(name="descriptor", label="Statement descriptor"),
        ConfigField(name="retries", label="Retries", type=int),
    )


@pytest.fixture
def keyed(settings):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "keyed": f"{__name__}.KeyedGateway"}
    settings.PAYMENT_SECRETS = {"KEYED_KEY": "sk_very_secret"}


# Methods


def test_codes_are_made_from_names_and_numbered_when_taken():
    codes = [
        PaymentMethod.objects.create(name=name, gateway="check").code for name in ("Card", "Card", "Carte bleue", "")
    ]
    assert codes == ["card", "card-2", "carte-bleue", "method"]


@pytest.mark.parametrize("site", [True, False])
@pytest.mark.parametrize("own", [True, False, None])
def test_auto_capture_is_its_own_or_the_sites(settings, site, own):
    settings.PAYMENTS = {"AUTO_CAPTURE": site}
    assert make_method(auto_capture=own).effective_auto_capture is (site if own is None else own)


def test_a_secret_is_kept_by_name_and_handed_to_the_gateway(keyed):
    method = make_method(gateway="keyed", config={"api_key": "KEYED_KEY", "descriptor": "TIDE"})
    method.full_clean()
    assert method.build_gateway().config == {"api_key": "sk_very_secret", "descriptor": "TIDE"}
    assert "sk_very_secret" not in str(PaymentMethod.objects.values().get())


def test_a_secret_may_come_from_the_environment(keyed, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "sk_env")
    assert make_method(gateway="keyed", config={"api_key": "OTHER_KEY"}).build_gateway().config["api_key"] == "sk_env"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "api_key"),
        ({"api_key": "NO_SUCH"}, "neither settings nor environment"),
        ({"api_key": "KEYED_KEY", "colour": "red"}, "colour"),
        ({"api_key": "KEYED_KEY", "retries": "3"}, "retries"),
        ({"api_key": "KEYED_KEY", "retries": True}, "retries"),
        ([], "JSON object"),
    ],
)
def test_wrong_settings_are_found_in_the_form_by_the_check_and_before_a_claim(keyed, config, said):
    method = make_method(gateway="keyed", config=config)
    with pytest.raises(ValidationError, match=said):
        method.clean()
    with pytest.raises(GatewayError, match=said):
        method.build_gateway()
    with pytest.raises(SystemCheckError, match=said):
        call_command("check", databases=["default"])
    payment = make_payment(method=method)
    with pytest.raises(GatewayError, match=said):
        payment.authorize()
    assert Payment.objects.get().state == "checkout"


def test_an_unknown_gateway_says_which_are_known():
    with pytest.raises(GatewayError, match=r"bogus, .*check"):
        make_method(gateway="nosuch").build_gateway()


def test_a_gateway_that_cannot_be_imported_is_found_by_the_check(settings):
    settings.PAYMENT_GATEWAYS = {"lost": "payments.gateways.lost.LostGateway", "odd": "pathlib.Path"}
    with pytest.raises(SystemCheckError) as found:
        call_command("check")
    assert "lost" in str(found.value)
    assert "odd" in str(found.value)


def test_a_deleted_method_is_off_the_offer_and_its_payments_keep_it():
    payment = make_payment()
    payment.payment_method.soft_delete()
    payment = Payment.objects.get(pk=payment.pk)
    assert not PaymentMethod.objects.available().exists()
    assert payment.payment_method.name == "Card"
    assert payment.authorize().success


def test_the_offer_by_audience_and_position():
    make_method(name="Staff only", available_to_users=False, position=2)
    make_method(name="Second", position=1)
    make_method(name="First", position=0)
    make_method(name="Off", active=False)
    assert [method.name for method in PaymentMethod.objects.available_to_users()] == ["First", "Second"]
    assert [method.name for method in PaymentMethod.objects.available_to_staff()] == ["First", "Second", "Staff only"]


# Cards


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4111 1111 1111 1111", "visa"),
        ("5555-5555-5555-4444", "master"),
        ("2221000000000009", "master"),
        ("378282246310005", "american_express"),
        ("6011111111111117", "discover"),
        ("30569309025904", "diners_club"),
        ("3530111333300000", "jcb"),
        ("1", ""),
    ],
)
def test_a_number_gives_its_brand_and_last_four(number, brand):
    card = CreditCard(number=number, verification_value=" 1 2 3 ", month=1, year=2030)
    assert (card.brand, card.last_four, card.verification_value) == (brand, number.replace(" ", "")[-4:], "123")


def test_no_number_and_no_code_is_stored_copied_or_pickled():
    card = CreditCard.objects.create(number="4111111111111111", verification_value="987", month=1, year=2030)
    for kept in (CreditCard.objects.get(), copy.copy(card), pickle.loads(pickle.dumps(card))):
        assert (kept.number, kept.verification_value) == ("", "")
    stored = str(CreditCard.objects.values("token", "brand", "last_four", "name", "month", "year").get())
    assert "41111111" not in stored
    assert "987" not in stored
    assert "41111111" not in f"{card!r} {card}"


def test_a_number_with_a_wrong_digit_is_invalid():
    with pytest.raises(ValidationError, match="digit"):
        CreditCard(number="4111111111111112", month=1, year=2030, name="Ada").full_clean()


@pytest.mark.parametrize(("month", "year"), [(0, 2030), (13, 2030), (1, 1999)])
def test_an_impossible_expiry_is_invalid(month, year):
    with pytest.raises(ValidationError):
        CreditCard(token="t", month=month, year=year).full_clean()


@pytest.mark.parametrize("number", sorted(APPROVED_NUMBERS))
def test_bogus_takes_solidus_test_numbers(number):
    gateway = BogusGateway({}, test=True)
    card = CreditCard(number=number, month=1, year=2030)
    assert gateway.authorize(100, card, {"idempotency_key": "k"}).success
    assert gateway.purchase(100, card, {"idempotency_key": "k"}).avs_code == "M"


@pytest.mark.parametrize("number", ["4000000000000002", "4242424242424242", ""])
def test_bogus_declines_every_other(number):
    response = BogusGateway({}, test=True).authorize(100, CreditCard(number=number, month=1, year=2030), {})
    assert (response.success, response.error_code) == (False, "card_declined")


def test_bogus_answers_the_same_key_the_same_and_another_with_a_new_reference():
    gateway = BogusGateway({}, test=True)
    once, again, other = (gateway.capture(100, "12345", {"idempotency_key": key}) for key in ("a", "a", "b"))
    assert once == again
    assert once.reference != other.reference
    assert not gateway.capture(100, "99999", {"idempotency_key": "a"}).success
    assert gateway.capture(100, "12345", {}).reference != gateway.capture(100, "12345", {}).reference


# Options


def test_options_are_solidus_keys_in_minor_units():
    bill, ship = address_recipe.make(name="Bill"), address_recipe.make(name="Ship")
    order = make_order("39.98", bill_address=bill, ship_address=ship)
    order.add_adjustment("shipping", "7.50", "Post")
    order.add_adjustment("tax", "3.33", "Tax")
    order.add_adjustment("included_tax", "2.00", "VAT")
    order.add_adjustment("promotion", "-1.25", "TIDE")
    payment = make_payment(order=order)

    options = payment.gateway_options()

    assert {name: options[name] for name in ("shipping", "tax", "subtotal", "discount", "currency")} == {
        "shipping": 750,
        "tax": 333,
        "subtotal": 3998,
        "discount": -125,
        "currency": "USD",
    }
    assert options["email"] == options["customer"] == "ada@example.com"
    assert (options["customer_id"], options["ip"]) == (None, "203.0.113.9")
    assert options["order_id"] == f"{order.number}-{payment.number}"
    assert options["originator"] == payment
    assert (options["billing_address"]["name"], options["shipping_address"]["name"]) == ("Bill", "Ship")
    assert set(options["billing_address"]) == {
        "name", "address1", "address2", "city", "state", "zip", "country", "phone",
    }  # fmt: skip
    assert options["line_items"] == [{"sku": "TEE-M", "name": "Tee", "quantity": 1, "unit_price": 3998, "total": 3998}]


def test_minor_units_follow_the_currency():
    options = make_payment(order=make_order("500", currency="JPY")).gateway_options()
    assert options["subtotal"] == 500
    assert make_payment(order=make_order("1.234", currency="KWD")).gateway_options()["subtotal"] == 1234


def test_billing_prefers_the_address_of_the_source():
    own = Address.objects.create(name="Card owner", country="FR")
    order = make_order(bill_address=address_recipe.make())
    payment = make_payment(order=order, source=card_recipe.make(address=own))
    assert payment.gateway_options()["billing_address"]["name"] == "Card owner"
    assert make_payment(order=make_order()).gateway_options()["billing_address"] is None


def test_the_key_is_drawn_once_for_each_operation(scripted):
    payment = make_payment()
    payment.authorize()
    payment.capture("40", final=False)
    payment.capture()
    keys = [call[-1]["idempotency_key"] for call in scripted.calls]
    assert keys == [f"{payment.number}-authorize-1", f"{payment.number}-capture-2", f"{payment.number}-capture-3"]
    assert len({call[-1]["order_id"] for call in scripted.calls}) == 1


@pytest.mark.parametrize(("avs", "risky"), [("D", False), ("", False), ("A", True), ("Z", True)])
def test_avs_risk(avs, risky):
    assert Payment(avs_response=avs).is_avs_risky is risky


@pytest.mark.parametrize(("cvv", "risky"), [("M", False), ("", False), ("N", True)])
def test_cvv_risk(cvv, risky):
    assert Payment(cvv_response_code=cvv).is_cvv_risky is risky
