"""A shop in which payments have lived every kind of life, and what the doctor says of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from orders.doctor import CHECKS as OF_ORDERS
from orders.models import Order
from payments.doctor import CHECKS as OF_PAYMENTS
from payments.doctor import Finding
from payments.errors import GatewayError, GatewayUnavailable
from payments.models import Payment, PaymentMethod
from tests.factories import authorized, card_recipe, fact, make_method, make_order, make_payment, purchased
from tests.scripted import ScriptedGateway, declined, ok, waiting

CHECKS = (*OF_PAYMENTS, *OF_ORDERS)


def findings(*names: str) -> list[Finding]:
    """What the named checks find, or all of them."""
    return [finding for check in CHECKS if not names or check.name in names for finding in check.run()]


def found() -> list[tuple[str, str, str, int | None]]:
    """Check and rows, without words."""
    return [(each.check, each.order, each.payment, each.operation) for each in findings()]


def say(**answers: Any) -> None:
    ScriptedGateway.script = answers


def sold(method: PaymentMethod, **facts: Any) -> Order:
    """A complete order, paid or authorized as its method prefers."""
    say(**{"*": ok("GW-1")})
    order = make_order(**facts)
    order.advance()
    make_payment(order=order, method=method)
    order.complete()
    return Order.objects.get(pk=order.pk)


def payment_of(order: Order) -> Payment:
    return Payment.objects.get(order=order)


def healthy_shop() -> list[Payment]:
    """One payment or more of every history."""
    card, sale = make_method(), make_method(name="Sale", auto_capture=True)
    _complete(card, sale)
    _bare()
    _learned()
    return list(Payment.objects.order_by("id"))


def _complete(card: PaymentMethod, sale: PaymentMethod) -> None:
    payment_of(sold(card)).capture()
    payment_of(sold(card)).capture("40")
    payment_of(sold(card)).void_transaction()
    part = payment_of(sold(card))
    part.capture("30", final=False)
    part.capture("20", final=False)
    part.refund("10")
    part.void_transaction()
    payment_of(sold(sale)).refund()
    payment_of(sold(sale)).refund("12.34", reason="Kindness")
    payment_of(sold(sale)).void_transaction()  # Before it was settled.
    sold(card).cancel()
    sold(sale).cancel()
    resumed = sold(card)
    resumed.cancel()
    resumed.resume()
    order = sold(sale)
    order.add_line("Sticker", unit_price="1.10", quantity=3)
    order.add_adjustment("shipping", "0.20", "Post")
    order.add_adjustment("promotion", "-0.10", "Coupon")
    sold(sale, total="0.30", currency="EUR")
    _late_and_unknown(card, sale)


def _late_and_unknown(card: PaymentMethod, sale: PaymentMethod) -> None:
    for kind, verb, method in (
        ("capture", "capture", card),
        ("void", "void_transaction", card),
        ("credit", "refund", sale),
    ):
        payment = payment_of(sold(method))
        say(**{kind: GatewayUnavailable("The line went dead.")})
        with suppress(GatewayError):
            getattr(payment, verb)()
    order = make_order()
    order.advance()
    waits = make_payment(order=order, method=sale)
    say(purchase=waiting("GW-W"))
    order.complete()
    waits.refresh_from_db()
    assert waits.state == "processing"
    refused = payment_of(sold(sale))
    say(credit=declined())
    with suppress(GatewayError):
        refused.refund("5")
    say()


def _bare() -> None:
    """Payments of orders that nobody has placed."""
    make_payment()
    make_payment().void_transaction()
    again = purchased()
    again.process()
    late = make_payment()
    say(purchase=declined())
    with suppress(GatewayError):
        late.purchase()
    key = late.operations.get().idempotency_key
    late.apply(fact("purchase", amount_minor=10000, authorization="GW-L", reference="ch_late", idempotency_key=key))
    say(capture=declined())
    refused = authorized()
    with suppress(GatewayError):
        refused.capture()
    say(authorize=waiting("GW-C"))
    called_off = make_payment()
    called_off.authorize()
    say()
    called_off.cancel()
    say(authorize=declined())
    with suppress(GatewayError):
        authorized()
    say(**{"*": ok("GW-1")})
    retried = make_payment(order=make_order(), source=card_recipe.make())
    retried.authorize()
    say()


def _learned() -> None:
    """What was done in the provider's dashboard, and a hold that ran out."""
    outside = authorized()
    code = outside.response_code
    outside.apply(fact("capture", amount_minor=6000, authorization=code, reference="ch_out"))
    outside.apply(fact("refund", amount_minor=1000, authorization=code, reference="re_out"))
    expired = authorized()
    expired.apply(fact("void", authorization=expired.response_code, message="It expired."))
    taken_back = purchased()
    taken_back.apply(fact("void", authorization=taken_back.response_code, reference="v_out"))
    early = make_payment()
    early.apply(fact("refund", amount_minor=500, reference="re_early"))
    assert Payment.objects.get(pk=early.pk).review_reason
