"""L. gateway_options."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.auth import get_user_model

from orders.models import Address, Order
from payments.money import Money
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import ALL_OPTIONS, MINOR_UNITS
from tests.conformance.gateways import SOLIDUS_KEYS
from tests.conformance.start import Shop, settled
from tests.scripted import ScriptedGateway

AREA = "L"


@case("L", 156)
def test_l_156_the_address_of_the_customer(shop: Shop) -> None:
    """ip is the last address that the order was seen from."""
    order = shop.order()
    Order.objects.filter(pk=order.pk).update(last_ip_address="203.0.113.9")
    assert shop.payment(order, "checkout").gateway_options()["ip"] == "203.0.113.9"


@case("L", 158)
def test_l_158_the_customer(shop: Shop) -> None:
    """customer is the e-mail address, customer_id the user's, and None for a guest."""
    payment = shop.payment(shop.order(), "checkout")
    options = payment.gateway_options()
    assert (options["customer"], options["email"], options["customer_id"]) == ("a@example.com", "a@example.com", None)
    user = get_user_model().objects.create(username="ada")
    Order.objects.filter(pk=payment.order.pk).update(user=user)
    assert payment.gateway_options()["customer_id"] == user.pk


@case("L", 159)
def test_l_159_the_name_at_the_provider(shop: Shop) -> None:
    """order_id is made of the order's and the payment's number: stable, and another for each payment."""
    order = shop.order()
    first, second = shop.payment(order, "checkout"), shop.payment(order, "checkout")
    assert first.gateway_options()["order_id"] == f"{order.number}-{first.number}"
    assert first.gateway_options()["order_id"] == first.gateway_options()["order_id"]
    assert first.gateway_options()["order_id"] != second.gateway_options()["order_id"]


@case("L", 160)
def test_l_160_the_originator(shop: Shop) -> None:
    """originator is the payment."""
    payment = shop.payment(shop.order(), "checkout")
    assert payment.gateway_options()["originator"] is payment


@case("L", 162)
def test_l_162_tax_in_the_price(shop: Shop) -> None:
    """Tax that the prices include is no tax to the gateway."""
    order = shop.order()
    order.add_adjustment("included_tax", "15.00", "VAT")
    assert shop.payment(order, "checkout").gateway_options()["tax"] == 0


@case("L", 163, MINOR_UNITS)
def test_l_163_yen(shop: Shop) -> None:
    """An order in yen has all its amounts in yen, none of them times a hundred."""
    order = settled(shop.order(total="500", currency="JPY"))
    order.add_adjustment("shipping", "120", "Post")
    payment = order.add_payment(shop.method(), source=shop.card)
    payment.authorize()
    _, amount, _, options = ScriptedGateway.calls[0]
    assert payment.amount == Money(620, "JPY")
    assert (amount, options["subtotal"], options["shipping"]) == (620, 500, 120)


@case("L", 164)
def test_l_164_addresses(shop: Shop) -> None:
    """An address has Solidus's eight keys, the country by its ISO code; the state as it was written."""
    home = {"name": "Ada", "address1": "1 Road", "address2": "", "city": "Austin", "state": "TX"}
    home |= {"zip": "73301", "country": "US", "phone": "1"}
    order = shop.order()
    order.ship_address = Address.objects.create(**home)
    order.save()
    options = shop.payment(order, "checkout").gateway_options()
    assert options["shipping_address"] == home
    assert options["billing_address"] is None


@case("L", 166, ALL_OPTIONS)
def test_l_166_refunds_and_voids(shop: Shop) -> None:
    """A refund and the void of a cancel get all options; a refund's originator is the refund."""
    payment = shop.payment(shop.order(), "completed")
    refund = payment.refund(Decimal("5.00"))
    options = ScriptedGateway.calls[0][-1]
    assert set(options) >= SOLIDUS_KEYS
    assert options["originator"] == refund
    held = shop.payment(shop.order(), "pending")
    held.cancel()
    options = ScriptedGateway.calls[-1][-1]
    assert set(options) >= SOLIDUS_KEYS
    assert options["originator"] == held


NOT_APPLICABLE: dict[int, tuple[str, str]] = {}
