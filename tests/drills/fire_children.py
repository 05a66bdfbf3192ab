"""What the children of the fire do until they are killed: verbs, a batch, recovery, facts that a provider reports."""

from __future__ import annotations

import random
import time
import urllib.request
from contextlib import suppress
from decimal import Decimal
from http.client import HTTPException
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from orders.errors import CannotComplete
from orders.models import Order
from payments.actors import Actor, Origin
from payments.errors import GatewayError, InvalidAmount
from payments.gateways.base import Fact, Kind, Outcome
from payments.models import CreditCard, HostedSource, Operation, Payment, PaymentMethod, WebhookEvent
from payments.money import from_minor
from payments.recovery import recover_due, recover_one
from shop.demo.customer import CARD, meet_challenge, submit
from tests.drills.fire_books import Books

EXPECTED = (GatewayError, InvalidAmount, TransitionNotAllowed, CannotComplete, Order.DoesNotExist)
OUTCOMES = {"succeeded": Outcome.APPROVED, "declined": Outcome.DECLINED, "processing": Outcome.PROCESSING}
WEBHOOK = Actor(Origin.WEBHOOK)
TOKENS = ["tok_visa"] * 6 + ["tok_declined", "tok_processing", "tok_capture_declined", "tok_refund_declined"]


def make_orders(numbers: list[str], method: PaymentMethod, rng: random.Random, *, hosted: float) -> None:
    """Orders with a payment in checkout each; nobody is asked yet. `hosted`: the share on the provider's page."""
    for number in numbers:
        order = Order.objects.create(number=number, email="ada@example.com", currency="USD")
        order.add_line("Tee", unit_price=Decimal(rng.randint(500, 20000)) / 100)
        order.add_payment(method, source=HostedSource.objects.create() if rng.random() < hosted else card(rng))


def card(rng: random.Random) -> CreditCard:
    facts = {"brand": "visa", "last_four": "4242", "month": 12, "year": 2030}
    made: CreditCard = CreditCard.objects.create(token=rng.choice(TOKENS), **facts)
    return made


def live(number: str, seed: int) -> None:
    """One who buys and one who works on the order: complete, then some verbs."""
    rng = random.Random(seed)
    order = Order.objects.get(number=number)
    attempt(order.complete)
    with suppress(OSError, HTTPException):
        visit_page(order, rng)
    for _verb in range(rng.randint(1, 4)):
        payment = Payment.objects.filter(order=order).latest("id")
        verb = rng.choice(["capture", "part", "void", "refund", "give back a part", "cancel", "cancel order", "again"])
        attempt(lambda: act(order, payment, verb, rng))  # noqa: B023 (it is called at once)


def visit_page(order: Order, rng: random.Random) -> None:
    """The customer at the provider's page, if one waits: pays, gives up or goes away, and seldom comes back to us."""
    asked = Operation.objects.filter(payment__order=order, state="waiting", next_action__isnull=False).first()
    if asked is None:
        return
    page = str(asked.next_action["url"])
    match rng.choice(["challenge"] * 4 + ["card"] * 3 + ["refuse", "cancel", "leave"]):
        case "challenge":
            back = meet_challenge(page)
        case "card":
            back = submit(page, **{**CARD, "number": "4242 4242 4242 4242"})
        case "refuse":
            back = submit(submit(page, **CARD), passed="no")
        case "cancel":
            back = submit(f"{page}/cancel")
        case _:
            return
    if rng.random() < 0.3 and "/payments/return/" in back:
        with urllib.request.urlopen(back, timeout=5) as answer:
            answer.read()
    time.sleep(rng.uniform(0.0, 0.3))  # The notice is on its way.


def act(order: Order, payment: Payment, verb: str, rng: random.Random) -> None:
    part = (payment.amount.amount / rng.randint(2, 4)).quantize(Decimal("0.01"))
    match verb:
        case "capture":
            payment.capture()
        case "part":
            payment.capture(part, final=rng.random() < 0.5)
        case "void":
            payment.void_transaction()
        case "refund":
            payment.refund(reason="Fire")
        case "give back a part":
            payment.refund(part, reason="Fire")
        case "cancel":
            payment.cancel()
        case "cancel order":
            order.cancel()
        case "again":
            order.add_payment(payment.payment_method, source=payment.source)
            order.complete()


def attempt(deed: Any) -> None:
    try:
        deed()
    except EXPECTED:
        pass


def report(numbers: list[str], url: str, key: str) -> None:
    """What a webhook would tell: everything that the provider has of these orders, in no order and more than once."""
    rng = random.Random(numbers[0])
    for payment in Payment.objects.filter(order__number__in=numbers).select_related("order"):
        told = [each for each in Books(url, key).actions_of(payment) if each["status"] in OUTCOMES] * 2
        rng.shuffle(told)
        for action in told:
            attempt(lambda: payment.apply(fact_of(action), by=WEBHOOK))  # noqa: B023 (it is called at once)


def fact_of(action: dict[str, Any]) -> Fact:
    kind: Kind = action["kind"]
    return Fact(
        kind=kind,
        outcome=OUTCOMES[action["status"]],
        amount_minor=None if kind == "void" else action["amount"],
        currency=action["currency"],
        authorization=action["payment"],
        reference=action["id"],
        idempotency_key=action["idempotency_key"] or "",
    )


def batch(workers: int, *arguments: str) -> None:
    try:
        call_command("capture_payments", "--workers", str(workers), "--json", *arguments, stdout=StringIO())
    except SystemExit:
        pass


def recover(numbers: list[str]) -> None:
    found = Operation.objects.unanswered().filter(payment__order__number__in=numbers)
    for pk in found.values_list("pk", flat=True):
        recover_one(pk, at_once=True)


def recover_everything(workers: int) -> None:
    for _recovered in recover_due(workers=workers, at_once=True):
        pass


def retry_notices() -> None:
    """What could not be used, or was being used when its process was killed; its time has come."""
    WebhookEvent.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now())
    try:
        call_command("retry_webhooks", stdout=StringIO())
    except SystemExit:
        pass


def replay_notices() -> None:
    """The whole inbox once more, which changes nothing."""
    call_command("retry_webhooks", "--replay", stdout=StringIO())


def minor(amount: int, currency: str = "USD") -> Decimal:
    return from_minor(amount, currency).amount
