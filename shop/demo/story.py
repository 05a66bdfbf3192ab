"""The story that the demo tells with imported orders: what staff do with them, and what becomes of the money."""

from __future__ import annotations

from collections.abc import Callable

from orders.models import Order
from payments.actors import Actor
from payments.errors import GatewayUnavailable, InvalidAmount, PaymentBusy, PaymentDeclined
from payments.models import Payment, PaymentMethod
from payments.money import Money, from_minor, to_minor
from shop.demo.orders import CUSTOMER, GOOD_CARD, new_card, outage
from shop.demo.page import Page


class NoSuchOrder(Exception):
    """The file has no order of the kind that a chapter is about."""


class Story:
    def __init__(self, page: Page, *, clerk: Actor) -> None:
        self.page = page
        self.clerk = clerk
        self.told: set[int] = set()

    def tell(self) -> None:
        for chapter in CHAPTERS:
            title, sentence = (part.strip() for part in (chapter.__doc__ or "").split("\n", 1))
            self.page.chapter(title.rstrip("."), " ".join(sentence.split()))
            try:
                chapter(self)
            except NoSuchOrder as error:
                self.page.say(str(error))

    def take(self, state: str, method: str = "card", currency: str = "") -> Payment:
        """The next imported payment of that kind, in that currency if there is one. Raises NoSuchOrder."""
        payments = Payment.objects.filter(state=state, payment_method__code=method, amount__gt=1)
        payments = payments.exclude(order__in=self.told).order_by("id")
        payment: Payment | None = payments.filter(currency=currency).first() or payments.first()
        if payment is None:
            raise NoSuchOrder(f"(This file has no order with a {state} payment by {method}.)")
        self.told.add(payment.order_id)
        return payment


def authorized(story: Story) -> None:
    """Authorized.

    A card is charged in two steps: at checkout the money is held, and taken when the goods leave."""
    story.page.order(story.take("pending", currency="USD").order)


def captured(story: Story) -> None:
    """Captured.

    The parcel leaves, and the clerk takes what is held. Yen have no decimals, and get none."""
    payment = story.take("pending", currency="JPY")
    payment.capture(by=story.clerk)
    story.page.order(payment.order)


def partly_captured(story: Story) -> None:
    """Partly captured.

    Only half of an order can be sent. The clerk takes half and lets the rest go; what was authorized at first
    stays on record. In another order the rest is to follow: half is taken, the remainder stays held. Dinars have
    three decimals."""
    final = story.take("pending", currency="KWD")
    final.capture(half(final.amount), by=story.clerk)
    story.page.order(final.order)
    parts = story.take("pending", currency="EUR")
    parts.capture(half(parts.amount), final=False, by=story.clerk)
    story.page.order(parts.order)


def declined(story: Story) -> None:
    """Declined.

    The bank says no: nothing is held, the order goes back to the choice of a payment. The customer tries
    another card, and the order goes through; the refused attempt stays visible."""
    order = story.take("failed", currency="EUR").order
    story.page.order(order)
    method = PaymentMethod.objects.get(code="card")
    order.add_payment(method, source=new_card(GOOD_CARD, order.bill_address.name if order.bill_address else ""))
    order.complete(by=CUSTOMER)
    story.page.say("With the other card:")
    story.page.order(order)


def voided(story: Story) -> None:
    """Voided.

    The goods are out of stock before any money was taken: the hold is let go. No payment that counts is left, so
    the order's payment state is failed: it has to be paid in another way, or canceled."""
    payment = story.take("pending", currency="GBP")
    payment.void_transaction(by=story.clerk)
    story.page.order(payment.order)


def refunded(story: Story) -> None:
    """Partly refunded.

    Some of the goods arrive damaged. Half is given back with its reason; asking for more than is left is
    refused before the provider hears of it."""
    payment = story.take("completed", "card-autocapture", "SEK")
    payment.refund(half(payment.captured_amount), reason="Damaged in transit", by=story.clerk)
    try:
        payment.refund(payment.captured_amount, reason="Damaged in transit", by=story.clerk)
    except InvalidAmount as refusal:
        story.page.say(f"Refused: {refusal}")
    story.page.order(payment.order)


def canceled(story: Story) -> None:
    """Canceled.

    Canceling an order undoes each of its payments in the way that still works: a hold is voided, money that was
    taken is refunded."""
    held, taken = story.take("pending", currency="CAD"), story.take("completed", "card-autocapture", "PLN")
    for payment in (held, taken):
        order: Order = Order.objects.get(pk=payment.order_id)
        order.cancel("The customer has changed her mind.", by=story.clerk)
        story.page.order(order)


def check(story: Story) -> None:
    """A check arrives.

    A check is nobody's promise: the order is complete and unpaid until the clerk has the check in hand."""
    payment = story.take("checkout", "check", "USD")
    payment.capture(by=story.clerk)
    story.page.order(payment.order)


def lost_answer(story: Story) -> None:
    """A lost answer.

    The line breaks while a capture is under way. Was the money taken? Nobody knows, so nothing is claimed: the
    operation is unknown, and whoever tries to take the money again is stopped."""
    payment = story.take("pending", currency="USD")
    with outage(payment.payment_method):
        try:
            payment.capture(by=story.clerk)
        except GatewayUnavailable as silence:
            story.page.say(f"No answer: {silence}")
        try:
            payment.capture(by=story.clerk)
        except PaymentBusy as busy:
            story.page.say(f"Stopped: {busy}")
        story.page.order(payment.order)
    story.page.say(
        "The line is back. Recovery asks again with the same idempotency key, which a provider acts on once. "
        "Now it is known, and every cent was taken once:"
    )
    payment.recover()
    story.page.order(payment.order)


def refused_capture(story: Story) -> None:
    """More than there is.

    Nobody takes more than the customer has agreed to: such a capture is refused, and no provider is asked."""
    payment = story.take("pending", currency="BRL")
    try:
        payment.capture(payment.amount * 2, by=story.clerk)
    except (InvalidAmount, PaymentDeclined) as refusal:
        story.page.say(f"Refused: {refusal}")
    story.page.order(payment.order)


CHAPTERS: tuple[Callable[[Story], None], ...] = (
    authorized,
    captured,
    partly_captured,
    refused_capture,
    declined,
    voided,
    refunded,
    canceled,
    check,
    lost_answer,
)


def half(amount: Money) -> Money:
    return from_minor(to_minor(amount) // 2, amount.currency.code)
