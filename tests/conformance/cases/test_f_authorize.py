"""F. authorize()."""

from __future__ import annotations

import pytest

from orders.models import Address
from payments.errors import PaymentDeclined
from payments.models import Payment
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import JOURNAL, MESSAGE, NOT_POSITIVE, UNKNOWN
from tests.conformance.start import Shop
from tests.scripted import ScriptedGateway, declined, ok

AREA = "F"
HOME = {"name": "Ada", "address1": "1 Home Street", "city": "London", "zip": "N1", "country": "GB", "phone": "1"}


def begun(shop: Shop, **facts: str) -> Payment:
    return shop.payment(shop.order(**facts), "checkout")


@case("F", 71)
def test_f_071_what_is_asked(shop: Shop) -> None:
    """The gateway is asked with the amount in minor units, the source and the options."""
    payment = begun(shop)
    payment.authorize()
    verb, amount, source, options = ScriptedGateway.calls[0]
    assert (verb, amount, source, options["order_id"]) == (
        "authorize",
        10000,
        payment.source,
        f"{payment.order.number}-{payment.number}",
    )


@case("F", 72)
def test_f_072_the_currency(shop: Shop) -> None:
    """The options name the payment's currency."""
    payment = shop.order(currency="GBP").add_payment(shop.method(), source=shop.card, amount="5.00")
    payment.authorize()
    assert ScriptedGateway.calls[0][-1]["currency"] == "GBP"


@case("F", 74)
def test_f_074_the_cards_address(shop: Shop) -> None:
    """The billing address is the card's, where it has one."""
    shop.card.address = Address.objects.create(**HOME)
    shop.card.save()
    payment = begun(shop)
    payment.authorize()
    assert ScriptedGateway.calls[0][-1]["billing_address"]["address1"] == "1 Home Street"


@case("F", 75)
def test_f_075_the_orders_address(shop: Shop) -> None:
    """The billing address is the order's, where the card has none."""
    order = shop.order()
    order.bill_address = Address.objects.create(**HOME | {"address1": "2 Bill Street"})
    order.save()
    shop.payment(order, "checkout").authorize()
    assert ScriptedGateway.calls[0][-1]["billing_address"]["address1"] == "2 Bill Street"


@case("F", 78)
def test_f_078_declined(shop: Shop) -> None:
    """A refusal fails the payment and is a GatewayError."""
    ScriptedGateway.script = {"authorize": declined()}
    payment = begun(shop)
    with pytest.raises(PaymentDeclined):
        payment.authorize()
    assert payment.state == "failed"


@case("F", 79, JOURNAL)
def test_f_079_a_refusal_on_record(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal is on record in the journal, with its message and code; nothing of the answer goes to the log."""
    ScriptedGateway.script = {"authorize": declined("No money.", params={"secret": "4111"})}
    payment = begun(shop)
    with pytest.raises(PaymentDeclined):
        payment.authorize()
    entry = payment.operations.get()
    assert (entry.state, entry.message, entry.error_code) == ("declined", "No money.", "card_declined")
    assert "4111" not in caplog.text


@case("F", 80)
def test_f_080_approved_without_a_code(shop: Shop) -> None:
    """An approval without authorization leaves the code and the checks as they were; the payment is pending."""
    payment = begun(shop)
    Payment.objects.filter(pk=payment.pk).update(avs_response="D", cvv_response_code="M")
    ScriptedGateway.script = {"authorize": ok("")}
    payment.authorize()
    kept = (payment.response_code, payment.avs_response, payment.cvv_response_code)
    assert (payment.state, kept) == ("pending", ("AUTH-0", "D", "M"))


@case("F", 82, UNKNOWN)
def test_f_082_an_exception_nobody_expects(shop: Shop) -> None:
    """An exception that no gateway should raise goes through; the payment is processing, the operation unknown."""
    ScriptedGateway.script = {"authorize": RuntimeError("a bug")}
    payment = begun(shop)
    with pytest.raises(RuntimeError):
        payment.authorize()
    assert (payment.state, payment.operations.get().state) == ("processing", "unknown")


@case("F", 83, MESSAGE)
def test_f_083_the_message(shop: Shop) -> None:
    """The error says what the gateway's answer says; which of a provider's texts that is, its adapter chooses."""
    ScriptedGateway.script = {"authorize": declined("For the customer.", params={"message": "Raw."})}
    with pytest.raises(PaymentDeclined) as refusal:
        begun(shop).authorize()
    assert refusal.value.message == "For the customer."


@case("F", 84, NOT_POSITIVE)
def test_f_084_an_amount_of_zero(shop: Shop) -> None:
    """A payment of zero asks nobody."""
    payment = shop.payment(shop.order(), "checkout", "0.00")
    assert payment.authorize() is None
    assert (payment.state, ScriptedGateway.calls) == ("checkout", [])


NOT_APPLICABLE = {
    76: ("The billing address of store credit is the order's.", "Store credit is not built yet."),
}
