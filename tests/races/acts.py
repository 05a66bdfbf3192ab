"""What a race starts from, and what the racers do. All of it runs in the arena's own process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.utils import timezone

from orders.models import Order
from payments.errors import GatewayError
from payments.gateways.base import Outcome
from payments.models import Operation, Payment
from tests.factories import card_recipe, fact, make_method, make_order, make_payment
from tests.races.provider import Crash, Hall
from tests.races.unguarded import SlowToVoid, TooLateToVoid, UnguardedOrder, UnguardedPayment

# Starts: an order with its payments, the one that is raced for first


def begin(start: str) -> Order:
    Hall.mood, Hall.gate, Hall.pause = "", None, 0.0
    name, _, gateway = start.partition("@")
    order: Order = STARTS[name](gateway or "racing")
    Hall.mood = ""
    return order


def checkout(gateway: str, *, auto_capture: bool = False) -> Order:
    order = make_order()
    make_payment(order=order, method=make_method(gateway=gateway, auto_capture=auto_capture))
    return order


def automatic(gateway: str) -> Order:
    return checkout(gateway, auto_capture=True)


def after(*verbs: str, mood: str = "") -> Callable[[str], Order]:
    """The verbs are done; the last one in this mood of the provider."""

    def start(gateway: str) -> Order:
        order = checkout(gateway)
        payment = order.payments.get()
        for verb in verbs:
            Hall.mood = mood if verb == verbs[-1] else ""
            with suppress(GatewayError, Crash):
                VERBS[verb](payment)
        return order

    return start


def dead(gateway: str) -> Order:
    """Its asker died an hour ago, and the provider did it."""
    order = after("purchase", mood="crash")(gateway)
    hour_ago = timezone.now() - timedelta(hours=1)
    Operation.objects.filter(payment__order=order).update(created_at=hour_ago)
    return order


def two(gateway: str) -> Order:
    """Two payments of one order, both in checkout."""
    order = checkout(gateway)
    first = order.payments.get()
    Payment.objects.create(
        order=order, payment_method=first.payment_method, source=card_recipe.make(), amount=order.total, currency="USD"
    )
    return order


def unpaid(gateway: str) -> Order:
    order = make_order()
    make_method(gateway=gateway, code=f"for-{order.number.lower()}")
    return order


def placed(gateway: str) -> Order:
    """Complete, its payment held."""
    order = checkout(gateway)
    order.complete()
    return order


STARTS: dict[str, Callable[[str], Order]] = {
    "checkout": checkout,
    "automatic": automatic,
    "pending": after("authorize"),
    "part captured": after("authorize", "capture_part"),
    "completed": after("purchase"),
    "part refunded": after("purchase", "refund_part"),
    "waiting": after("purchase", mood="waiting"),
    "failed": after("authorize", mood="declined"),
    "lost": after("purchase", mood="lost"),
    "lost refund": after("purchase", "refund_part", mood="lost"),
    "dead": dead,
    "two": two,
    "unpaid": unpaid,
    "placed": placed,
}

# Acts: on the first payment, on the other one, or on the order


def recover_and_pay_anew(payment: Payment) -> Any:
    """While somebody is asking: is he thought dead, and the customer charged again?"""
    if Hall.gate:
        Hall.gate.wait_for_asker()
    payment.recover()
    return make_payment(order=payment.order, method=payment.payment_method).purchase()


VERBS: dict[str, Callable[[Any], Any]] = {
    "authorize": lambda payment: payment.authorize(),
    "purchase": lambda payment: payment.purchase(),
    "process": lambda payment: payment.process(),
    "capture": lambda payment: payment.capture(),
    "capture_part": lambda payment: payment.capture("40", final=False),
    "capture_most": lambda payment: payment.capture("70"),
    "void": lambda payment: payment.void_transaction(),
    "cancel": lambda payment: payment.cancel(),
    "refund": lambda payment: payment.refund(),
    "refund_part": lambda payment: payment.refund("40"),
    "refund_most": lambda payment: payment.refund("70"),
    "recover": lambda payment: payment.recover(),
    "recover and pay anew": recover_and_pay_anew,
    "void beside an asker": lambda payment: SlowToVoid._base_manager.get(pk=payment.pk).void_transaction(),
    "void after an asker": lambda payment: TooLateToVoid._base_manager.get(pk=payment.pk).void_transaction(),
}
ORDER_VERBS: dict[str, Callable[[Any], Any]] = {
    "order.complete": lambda order: order.complete(),
    "order.cancel": lambda order: order.cancel(),
    "order.add_payment": lambda order: order.add_payment(method_for(order), source=card_recipe.make()),
}
FACTS = {
    "hold": fact("authorize", Outcome.APPROVED, 10000, authorization="pi_1", reference="au_1"),
    "sale": fact("purchase", Outcome.APPROVED, 10000, authorization="pi_1", reference="ch_1"),
    "capture 40": fact("capture", Outcome.APPROVED, 4000, authorization="pi_1", reference="ch_40"),
    "capture 60": fact("capture", Outcome.APPROVED, 6000, authorization="pi_1", reference="ch_60"),
    "refund 10": fact("refund", Outcome.APPROVED, 1000, authorization="pi_1", reference="re_10"),
    "refusal": fact("purchase", Outcome.DECLINED, 10000, authorization="pi_1", reference="ch_0"),
}


def method_for(order: Order) -> Any:
    from payments.models import PaymentMethod

    return PaymentMethod.objects.get(code=f"for-{order.number.lower()}")


def racer(act: str, order_pk: int, *, unguarded: bool) -> Callable[[], Any]:
    """The act on rows as this racer has read them: stale by the time that it acts."""
    orders = UnguardedOrder if unguarded else Order
    payments = UnguardedPayment if unguarded else Payment
    order = orders._base_manager.get(pk=order_pk)
    Hall.meeting = {"order.add_payment": "sums", "fact": "read"}.get(act.partition(":")[0], "open")
    if act in ORDER_VERBS:
        return lambda: ORDER_VERBS[act](order)
    whose, _, verb = act.rpartition(":")
    found = payments._base_manager.filter(order=order_pk).order_by("id")
    payment = found[1 if whose == "other" else 0]
    if whose == "fact":
        return lambda: payment.apply(FACTS[verb])
    return lambda: VERBS[verb](payment)
